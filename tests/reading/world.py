"""Rows of two owners and an administrator, with NULLs, ties and every state; and how to ask for them."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from app.models import states
from app.values import Viewer
from schema.context import Context
from schema.root import PixSchema, schema

TABLES = ("activity_logs", "export_jobs", "validation_jobs", "images", "crawl_jobs", "projects", "profiles")
START = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = Viewer(uuid.UUID(int=1))
STRANGER = Viewer(uuid.UUID(int=2))
ADMIN = Viewer(uuid.UUID(int=3), everything=True)
VIEWERS = (OWNER, STRANGER, ADMIN)
JOBS_EACH = 3
IMAGES_EACH = 17


@dataclass(frozen=True)
class World:
    """Keys of the rows, by table, in the order in which they were made."""

    projects: list[int]
    jobs: list[int]
    images: list[int]
    validations: list[int]
    exports: list[int]
    logs: list[int]


async def make(connection: asyncpg.Connection) -> World:
    """Insert the world."""
    chance = random.Random(7)
    await connection.executemany(
        "insert into profiles (id, email, role, full_name) values ($1, $2, $3, $4)",
        [(v.id, f"{n}@example.org", "admin" if v.everything else "user", None) for n, v in enumerate(VIEWERS)],
    )
    projects = [
        await connection.fetchval(
            "insert into projects (name, user_id, status, description, created_at) values ($1, $2, $3, $4, $5)"
            " returning id",
            *(f"100%_{n}", VIEWERS[n % 3].id, "archived" if n == 3 else "active", None if n % 2 else "of things"),
            START + timedelta(days=n // 2),
        )
        for n in range(7)
    ]
    jobs: list[int] = []
    for place, project in enumerate(projects):
        for n in range(JOBS_EACH):
            # The second crawls another's job again, as once an administrator's may; the third the first of its own.
            former = {1: jobs[JOBS_EACH * (place - 1)] if place else None, 2: jobs[-2] if n == 2 else None}.get(n)
            jobs.append(await _job(connection, project, n, former))
    images = [await _image(connection, job, n, chance) for job in jobs[:9] for n in range(IMAGES_EACH)]
    validations = [await _validation(connection, job, n) for n, job in enumerate(jobs)]
    exports = [await _export(connection, job, n) for n, job in enumerate(jobs)]
    logs = [
        await connection.fetchval(
            "insert into activity_logs (user_id, action, resource_type, resource_id, metadata_) "
            "values ($1, $2, $3, $4, $5::jsonb) returning id",
            *(None if n == 0 else VIEWERS[n % 3].id, ("project.created", "crawl_job.started")[n % 2]),
            *("project" if n % 2 else None, str(n), '{"n": [1, null]}' if n % 3 else None),
        )
        for n in range(9)
    ]
    return World(projects, jobs, images, validations, exports, logs)


async def _job(connection: asyncpg.Connection, project: int, n: int, former: int | None) -> int:
    options: dict[str, Any] = {}
    if n:
        options = {
            "sources": [{"name": "url_list", "options": {"upload_id": "x"}}, {"name": "openverse", "options": {}}]
        }
    if n == 2:
        options["discovery"] = [{"found": 3, "state": "failed", "message": "gone", "draws": 1}]
        options["chunk_size"] = 40
        options["terms"] = [{"keyword": "cat", "term": "kitten", "by": "synonym"}]
    if former is not None:
        options |= {"recrawl_of": former, "recrawl_stored": 5}
    found: int = await connection.fetchval(
        "insert into crawl_jobs (project_id, name, keywords, status, options, total_chunks, completed_chunks,"
        " started_at, created_at) values ($1, $2, $3::jsonb, $4, $5::jsonb, $6, $7, $8, $9) returning id",
        *(project, f'job \\{n} "é"', orjson.dumps(["cat", "dog"][:n]).decode()),
        *(list(states.CrawlJobStatus)[n].value, orjson.dumps(options).decode(), 3 * n, n),
        *(None if n == 1 else START + timedelta(hours=n), START + timedelta(minutes=n // 2)),
    )
    return found


async def _image(connection: asyncpg.Connection, job: int, n: int, chance: random.Random) -> int:
    status = list(states.ImageStatus)[n % 6].value
    stored = status in states.STORED
    provenance = (
        {"source": ("openverse", "url_list")[n % 2], "license": "by-sa 4.0", "extra": {"a": None}} if n % 3 else {}
    )
    quality = {"brightness": n / 20, "contrast": 0.25, "entropy": n / 3, "sharpness": 9.5 * n, "grayscale": n % 2 == 0}
    issues = [{"code": "width", "message": "too narrow", "measured": "3 px"}] if status == "invalid" else []
    fetch: dict[str, Any] = {"host": f"{'abc'[n % 3]}.example", "attempts": 1} if status != "pending" else {}
    if status == "failed":
        issues = [{"code": ("http_status", "timeout", "robots")[n // 6 % 3], "message": "no"}]
        fetch |= {"http_status": 503, "passing": True} if n // 6 % 3 == 0 else {}
    found: int = await connection.fetchval(
        "insert into images (crawl_job_id, original_url, filename, storage_url, width, height, file_size, format,"
        ' status, chunk, keyword, sha256, phash, issues, provenance, created_at, "fetch", quality)'
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15::jsonb, $16, $17::jsonb,"
        " $18::jsonb) returning id",
        *(job, f'https://example.org/{job}/{n}?q="ü"', f"{n % 5}.jpg", f"blobs/{job}/{n}" if stored else None),
        *(chance.choice([None, 100, 200]), chance.choice([None, 50]), chance.choice([None, 1000, 2000, 3000])),
        *("jpeg" if stored else None, status, n // 4, ("cat", "dog", None)[n % 3]),
        *(uuid.uuid4().bytes * 2 if stored else None, chance.choice([None, -1, 2**62, 5])),
        *(orjson.dumps(issues).decode(), orjson.dumps(provenance).decode(), START + timedelta(seconds=n // 3)),
        *(orjson.dumps(fetch).decode(), orjson.dumps(quality).decode() if stored else None),
    )
    return found


async def _validation(connection: asyncpg.Connection, job: int, n: int) -> int:
    rules = {"min_width": 64, "max_aspect_ratio": 2.5, "formats": ["jpeg"]} if n % 2 else {}
    found: int = await connection.fetchval(
        "insert into validation_jobs (crawl_job_id, name, status, validation_rules) values ($1, $2, $3, $4::jsonb)"
        " returning id",
        *(job, f"rules {n}", list(states.ValidationJobStatus)[n % 5].value, orjson.dumps(rules).decode()),
    )
    return found


async def _export(connection: asyncpg.Connection, job: int, n: int) -> int:
    status = list(states.ExportJobStatus)[n % 6].value
    found: int = await connection.fetchval(
        "insert into export_jobs (crawl_job_id, user_id, name, status, file_size, download_url, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, now() + $7::interval) returning id",
        *(job, VIEWERS[(n // 2) % 3].id, f"export {n}", status, 2**40 if n % 2 else None),
        *(f"exports/{n}.zip", timedelta(days=1 if n % 4 else -1)),
    )
    return found


def as_json(value: Any) -> Any:
    """What a client would read."""
    return orjson.loads(orjson.dumps(value))


async def ask(
    query: str,
    variables: dict[str, Any] | None = None,
    viewer: Viewer = OWNER,
    *,
    walked: bool = False,
    on: PixSchema = schema,
) -> dict[str, Any]:
    """An operation's answer as a client reads it; `walked`: with graphql-core taking part."""
    result = await on.execute(query, variables, Context(viewer, walked=walked))
    errors = [error.formatted for error in result.errors or ()]
    found: dict[str, Any] = as_json({"data": result.data, "errors": errors})
    return found


async def data(query: str, variables: dict[str, Any] | None = None, viewer: Viewer = OWNER) -> Any:
    """An operation's data; there are no errors."""
    answer = await ask(query, variables, viewer)
    assert answer["errors"] == []
    return answer["data"]


async def code(query: str, variables: dict[str, Any] | None = None, viewer: Viewer = OWNER) -> str:
    """The code of the one error of an operation that gives no data."""
    answer = await ask(query, variables, viewer)
    assert answer["data"] is None
    (error,) = answer["errors"]
    return str(error["extensions"]["code"])
