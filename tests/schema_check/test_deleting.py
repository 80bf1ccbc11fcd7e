"""What goes with a parent that is deleted by plain SQL, and what stays."""

from __future__ import annotations

import asyncpg
import pytest

from tests.schema_check.rows import counts, insert_one_of_each

STAYS = {
    "profiles": {"activity_logs"},
    "projects": {"activity_logs", "profiles"},
    "crawl_jobs": {"activity_logs", "profiles", "projects"},
    "images": {"activity_logs", "profiles", "projects", "crawl_jobs", "validation_jobs", "export_jobs"},
    "validation_jobs": {"activity_logs", "profiles", "projects", "crawl_jobs", "images", "export_jobs"},
    "export_jobs": {"activity_logs", "profiles", "projects", "crawl_jobs", "images", "validation_jobs"},
    "activity_logs": {"profiles", "projects", "crawl_jobs", "images", "validation_jobs", "export_jobs"},
}


@pytest.mark.parametrize("parent", STAYS)
async def test_deleting_takes_what_hangs_below_and_nothing_else(connection: asyncpg.Connection, parent: str) -> None:
    await insert_one_of_each(connection)

    await connection.execute(f"delete from {parent}")

    left = await counts(connection)
    assert {table for table, count in left.items() if count} == STAYS[parent]


async def test_a_deleted_profile_leaves_its_activity_lines_without_a_name(connection: asyncpg.Connection) -> None:
    await insert_one_of_each(connection)

    await connection.execute("delete from profiles")

    line = await connection.fetchrow("select user_id, action from activity_logs")
    assert dict(line) == {"user_id": None, "action": "project.created"}


async def test_a_stranger_s_export_of_a_deleted_job_goes_with_the_job(connection: asyncpg.Connection) -> None:
    await insert_one_of_each(connection)
    await connection.execute("insert into profiles (id, email) values (gen_random_uuid(), 'b@example.org')")
    await connection.execute(
        "insert into export_jobs (crawl_job_id, user_id, name) "
        "select crawl_jobs.id, profiles.id, 'e' from crawl_jobs, profiles where email = 'b@example.org'"
    )

    await connection.execute("delete from profiles where email = 'a@example.org'")

    left = await counts(connection)
    assert (left["profiles"], left["export_jobs"]) == (1, 0)


async def test_neighbors_of_a_deleted_project_stay(connection: asyncpg.Connection) -> None:
    await insert_one_of_each(connection)
    await connection.execute("insert into projects (name, user_id) select 'second', id from profiles")
    await connection.execute(
        "insert into crawl_jobs (project_id, name, keywords) select max(id), 'k', '[]' from projects"
    )

    await connection.execute("delete from projects where name = 'p'")

    assert await connection.fetchval("select name from crawl_jobs") == "k"
