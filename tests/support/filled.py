"""Crawl jobs with rows in given states, written past the API, what changes many of their images, and whether a job's
counters say what its rows say."""

from __future__ import annotations

from typing import Any

import asyncpg

from tests.support.asking import ERRORS, images, key_of
from tests.support.service import Person, entries

UPDATE = f"""mutation($input: UpdateImagesInput!) {{ updateImages(input: $input) {{
  count hasMore crawlJob {{ id totalImages downloadedImages validImages }} {ERRORS} }} }}"""
DELETE = UPDATE.replace("UpdateImagesInput", "DeleteImagesInput").replace("updateImages", "deleteImages")
LISTED = entries("http://127.0.0.1:9/a.jpg")
ROW = """
insert into images (crawl_job_id, original_url, filename, status, chunk, keyword, width, height, format, sha256)
select $1, 'http://127.0.0.1/' || n, 'x', $2::text, 1, $3, 100 + n, 100, 'jpeg',
    case when $2::text in ('downloaded', 'valid', 'invalid') then sha256(($1::text || n)::bytea) end
from (select count(*)::int as n from images where crawl_job_id = $1) c returning id
"""
TALLY = """
update crawl_jobs j set status = $2, total_chunks = 2, total_images = c.total,
    downloaded_images = c.stored, valid_images = c.usable,
    options = options || jsonb_build_object('final', c.total - c.pending, 'seeking', false)
from (select count(*) as total, count(*) filter (where status in ('downloaded', 'valid', 'invalid')) as stored,
    count(*) filter (where status in ('downloaded', 'valid')) as usable,
    count(*) filter (where status = 'pending') as pending from images where crawl_job_id = $1) c where j.id = $1
"""
COUNTS = "select total_images, downloaded_images, valid_images, (options->>'final')::int from crawl_jobs where id = $1"


async def filled(
    db: asyncpg.Connection, owner: Person, *states: str, keyword: str | None = "cat", status: str = "completed"
) -> tuple[str, list[str]]:
    """A crawl job with an image in each of the states, and the images' ids."""
    job = await owner.crawl(sources=LISTED, start=False)
    keys = [await db.fetchval(ROW, key_of(job), state, keyword) for state in states]
    await db.execute(TALLY, key_of(job), status)
    return job, [f"Image:{key}" for key in keys]


async def exact(db: asyncpg.Connection, job: str) -> bool:
    """Whether the job's counters say what its rows say."""
    before = await db.fetchrow(COUNTS, key_of(job))
    status = await db.fetchval("select status from crawl_jobs where id = $1", key_of(job))
    await db.execute(TALLY, key_of(job), status)
    return bool(before == await db.fetchrow(COUNTS, key_of(job)))


def about(job: str, *ids: str, **filters: Any) -> dict[str, Any]:
    """The part of an input that says which images."""
    return {"crawlJobId": job, "images": {"ids": list(ids)} if ids else {"filter": filters}}


async def states(who: Person, job: str) -> list[str]:
    """The states of a job's images, by id."""
    return [one["status"] for one in await images(who, job)]
