"""One row of each table, put in with plain SQL and nothing but what has to be said."""

from __future__ import annotations

import uuid

import asyncpg

USER = uuid.UUID(int=1)

INSERTS = {
    "profiles": f"insert into profiles (id, email) values ('{USER}', 'a@example.org')",
    "projects": f"insert into projects (name, user_id) values ('p', '{USER}')",
    "crawl_jobs": "insert into crawl_jobs (project_id, name, keywords) select id, 'j', '[\"cat\"]' from projects",
    "images": "insert into images (crawl_job_id, original_url, filename, chunk) "
    "select id, 'https://example.org/a.jpg', 'a.jpg', 0 from crawl_jobs",
    "validation_jobs": "insert into validation_jobs (crawl_job_id, name) select id, 'v' from crawl_jobs",
    "export_jobs": f"insert into export_jobs (crawl_job_id, user_id, name) select id, '{USER}', 'e' from crawl_jobs",
    "activity_logs": f"insert into activity_logs (user_id, action) values ('{USER}', 'project.created')",
}


async def insert_one_of_each(connection: asyncpg.Connection) -> None:
    """A profile and below it one row of each of the six other tables."""
    for statement in INSERTS.values():
        await connection.execute(statement)


async def counts(connection: asyncpg.Connection) -> dict[str, int]:
    """Rows by table."""
    return {table: await connection.fetchval(f"select count(*) from {table}") for table in INSERTS}
