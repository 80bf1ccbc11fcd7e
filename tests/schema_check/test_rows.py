"""Defaults, checks, uniqueness and time stamps hold for whoever writes plain SQL."""

from __future__ import annotations

import re

import asyncpg
import pytest

from tests.schema_check.rows import USER, insert_one_of_each


async def test_what_is_not_said_is_filled_in_by_the_database(connection: asyncpg.Connection) -> None:
    await insert_one_of_each(connection)

    job = dict((await connection.fetch("select * from crawl_jobs"))[0])
    image = dict((await connection.fetch("select * from images"))[0])
    export = dict((await connection.fetch("select * from export_jobs"))[0])
    validation = dict((await connection.fetch("select * from validation_jobs"))[0])

    assert await connection.fetchval("select role from profiles") == "user"
    assert await connection.fetchval("select status from projects") == "active"
    assert (job["status"], job["max_images"], job["progress"], job["revision"]) == ("pending", 1000, 0, 0)
    assert (job["task_ids"], job["options"], job["leases"]) == ("[]", "{}", "{}")
    assert [job[f"{kind}_chunks"] for kind in ("total", "active", "completed", "failed")] == [0] * 4
    assert (image["status"], image["issues"], image["provenance"]) == ("pending", "[]", "{}")
    assert (export["status"], export["format"], export["export_options"]) == ("pending", "zip", "{}")
    assert (validation["status"], validation["validation_rules"]) == ("pending", "{}")
    for row in (job, image, export, validation):
        assert row["created_at"] == row["updated_at"] is not None


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("profiles", "role = 'root'"),
        ("projects", "status = 'deleted'"),
        ("crawl_jobs", "status = 'lost'"),
        ("images", "status = 'lost'"),
        ("validation_jobs", "status = 'paused'"),
        ("export_jobs", "status = 'paused'"),
        ("crawl_jobs", "progress = 101"),
        ("crawl_jobs", "progress = -1"),
        ("validation_jobs", "progress = 101"),
        ("export_jobs", "progress = -1"),
        *(("crawl_jobs", f"{name} = -1") for name in ("max_images", "total_images", "downloaded_images")),
        *(("crawl_jobs", f"{name} = -1") for name in ("valid_images", "total_chunks", "active_chunks")),
        *(("crawl_jobs", f"{name} = -1") for name in ("completed_chunks", "failed_chunks")),
        *(("validation_jobs", f"{name} = -1") for name in ("total_images", "validated_images", "invalid_images")),
        *(("export_jobs", f"{name} = -1") for name in ("total_images", "exported_images")),
        ("crawl_jobs", "keywords = '{}'"),
        ("images", r"sha256 = '\x00'"),
        ("images", "chunk = -1"),
    ],
)
async def test_a_value_that_may_not_be_is_refused(connection: asyncpg.Connection, table: str, change: str) -> None:
    await insert_one_of_each(connection)

    column = change.split()[0]
    with pytest.raises(asyncpg.CheckViolationError, match=f"ck_{table}_{column}"):
        await connection.execute(f"update {table} set {change}")


@pytest.mark.parametrize(
    ("statement", "refused_by"),
    [
        ("insert into profiles (id, email) values (gen_random_uuid(), 'a@example.org')", "ix_profiles_email"),
        (
            "insert into images (crawl_job_id, original_url, filename, chunk) "
            "select crawl_job_id, original_url, 'b.jpg', 1 from images",
            "uq_images_job_url",
        ),
        (
            "insert into images (crawl_job_id, original_url, filename, chunk, status, sha256) "
            "select crawl_job_id, 'https://example.org/' || n, 'b.jpg', 1, 'valid', decode(repeat('00', 32), 'hex') "
            "from images, generate_series(1, 2) n",
            "uq_images_job_sha256",
        ),
        (
            "insert into crawl_jobs (project_id, name, keywords, idempotency_key) "
            "select project_id, 'j', '[]', 'k' from crawl_jobs, generate_series(1, 2)",
            "uq_crawl_jobs_idempotency_key",
        ),
    ],
    ids=["email", "URL in a job", "stored bytes in a job", "idempotency key in a project"],
)
async def test_what_is_unique_is_refused_twice(connection: asyncpg.Connection, statement: str, refused_by: str) -> None:
    await insert_one_of_each(connection)

    with pytest.raises(asyncpg.UniqueViolationError, match=refused_by):
        await connection.execute(statement)


async def test_what_may_be_there_twice_is_taken(connection: asyncpg.Connection) -> None:
    """Duplicates of stored bytes, jobs without an idempotency key, one URL in two jobs, a URL of any length."""
    await insert_one_of_each(connection)

    await connection.execute(
        "insert into images (crawl_job_id, original_url, filename, chunk, status, sha256) "
        "select crawl_job_id, 'https://example.org/' || n, 'b.jpg', 1, 'duplicate', decode(repeat('00', 32), 'hex') "
        "from images, generate_series(1, 2) n"
    )
    await connection.execute(
        "insert into crawl_jobs (project_id, name, keywords) select project_id, 'j', '[]' from crawl_jobs"
    )
    await connection.execute(
        "insert into images (crawl_job_id, original_url, filename, chunk) "
        "select id, 'https://example.org/a.jpg?' || repeat('x', 9000), 'a.jpg', 0 from crawl_jobs"
    )

    assert await connection.fetchval("select count(*) from images") == 5


async def test_a_hash_is_32_bytes_or_nothing(connection: asyncpg.Connection) -> None:
    await insert_one_of_each(connection)

    await connection.execute("update images set sha256 = decode(repeat('ff', 32), 'hex')")
    await connection.execute("update images set sha256 = null")


@pytest.mark.parametrize("table", ["profiles", "projects", "crawl_jobs", "images", "validation_jobs", "export_jobs"])
async def test_every_update_moves_updated_at(connection: asyncpg.Connection, table: str) -> None:
    await insert_one_of_each(connection)

    await connection.execute(f"update {table} set updated_at = 'epoch'")

    assert await connection.fetchval(f"select updated_at = now() from {table}")


@pytest.mark.parametrize("table", ["crawl_jobs", "validation_jobs", "export_jobs"])
async def test_every_update_raises_a_job_s_revision_by_one(connection: asyncpg.Connection, table: str) -> None:
    await insert_one_of_each(connection)

    for _ in range(3):
        await connection.execute(f"update {table} set revision = 0")

    assert await connection.fetchval(f"select revision from {table}") == 3


async def test_a_reference_to_nobody_is_refused(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError, match=re.escape(str(USER))):
        await connection.execute(f"insert into projects (name, user_id) values ('p', '{USER}')")
