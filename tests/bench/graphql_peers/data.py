"""The data that is read: one owner's projects, jobs and images beside somebody else's, as crawls would have left them.

A job's rows lie together, as its chunks wrote them. The first job has `DEEP` of all images, so that there is a page at
depth 100,000; the others have a few hundred each. With more images there are more projects and jobs too.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app import auth
from app.database import connected, credentials, migrate
from app.settings import settings

OWNER = "owner@example.org"
DEPTH = 100_000
"""Rows before the page that Q4 asks for."""
DEEP = 0.6
LEAST_IMAGES = 170_000
"""Fewer, and the deep page would have no rows."""
PROJECT_IMAGES = 5_000
JOBS = 6
"""Jobs of a project; the operations ask for five."""
IMAGE_BYTES = 1_100
"""Disk of a row with its part of all indexes, generously: what must be free before."""

PROFILES = "insert into profiles (id, email) values (gen_random_uuid(), 'another@example.org')"
PROJECTS = """
insert into projects (name, user_id)
select 'Project ' || n, p.id from generate_series(0, $1::int - 1) n
join (select id, row_number() over (order by email desc) - 1 place from profiles) p on p.place = n % 2 order by n"""
JOB_ROWS = """
insert into crawl_jobs (project_id, name, keywords, status, progress, total_images, downloaded_images, valid_images)
select 1 + n % $1::int, 'Job ' || n, '["cat", "dog"]', 'completed', 100, $2::int, $2::int, $2::int
from generate_series(0, $1::int * $3::int - 1) n order by n"""
IMAGES = """
insert into images (crawl_job_id, original_url, filename, storage_url, width, height, file_size, format, status, chunk,
    keyword, sha256, phash, provenance, created_at)
select case when n < $2 then 1 else 2 + (n - $2) / $3 end,
    'https://images.example.org/photographs/' || n || '.jpg', md5(n::text) || '.jpg', 'blobs/' || md5(n::text),
    640 + n % 400, 480 + n % 300, 20000 + n % 100000, 'jpeg', 'valid', n / 500 % 1000000, 'cat',
    sha256(n::text::bytea), ('x' || substr(md5(n::text), 1, 16))::bit(64)::bigint,
    '{"source": "url_list"}', '2026-01-01'::timestamptz + n * interval '1 millisecond'
from generate_series($1::bigint, $4::bigint) n"""
BATCH = 500_000
INDEXES = """
select indexrelid::regclass::text "name", pg_get_indexdef(indexrelid) "made" from pg_index
where indrelid = 'images'::regclass and not indisprimary"""
DEEP_ROW = "select id from images where crawl_job_id = 1 order by id limit 1 offset $1"
SIZE = "select pg_database_size(current_database())"


@dataclass(frozen=True, slots=True)
class Data:
    """What was made."""

    images: int
    token: str
    viewer: str
    after: int
    """Id of the row before the deep page."""
    size_bytes: int
    seconds: float


async def fill(images: int) -> Data:
    """Migrate and fill the database that the settings name. Rows come first and indexes after: ten times as fast."""
    begun_s = time.monotonic()
    await migrate()
    async with connected(role="bench"):
        token = await auth.issue_token(OWNER)
    db = await asyncpg.connect(**credentials(settings().database_url))
    try:
        await db.execute("set session_replication_role = replica")  # foreign keys hold by construction
        await db.execute("set maintenance_work_mem = '512MB'")
        await db.execute("set synchronous_commit = off")
        await _rows(db, images)
        await db.execute("vacuum analyze")
        await db.execute("checkpoint")
        viewer = str(await db.fetchval("select id from profiles where email = $1", OWNER))
        after, size = await db.fetchval(DEEP_ROW, DEPTH - 1), await db.fetchval(SIZE)
    finally:
        await db.close()
    return Data(images, token, viewer, after, size, time.monotonic() - begun_s)


async def _rows(db: asyncpg.Connection, images: int) -> None:
    projects = max(40, images // PROJECT_IMAGES)
    deep = int(images * DEEP)
    each = -(-(images - deep) // (projects * JOBS - 1))
    await db.execute(PROFILES)
    await db.execute(PROJECTS, projects)
    await db.execute(JOB_ROWS, projects, each, JOBS)
    await db.execute("update crawl_jobs set total_images = $1, valid_images = $1 where id = 1", deep)
    indexes = await db.fetch(INDEXES)
    for index in indexes:
        await db.execute(f"drop index {index['name']}")
    for start in range(0, images, BATCH):
        await db.execute(IMAGES, start, deep, each, min(start + BATCH, images) - 1)
    for index in indexes:
        await db.execute(index["made"])


def room(images: int, folder: Path) -> None:
    """SystemExit where the disk under `folder` has no room for so many images."""
    wanted, free = images * IMAGE_BYTES, shutil.disk_usage(folder).free
    if wanted > free:
        raise SystemExit(f"{images} images take up to {wanted / 1e9:.0f} GB of disk; {folder} has {free / 1e9:.0f}.")


def filled(images: int) -> Data:
    """As `fill`, for who has no event loop."""
    return asyncio.run(fill(images))
