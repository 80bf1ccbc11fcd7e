"""What a re-crawl's former job stored of the addresses that are to be fetched: what their hosts are asked about.

A former row that stored nothing (failed, never fetched) is none: its address is fetched as if it were new.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson

from app.measures import Measures, Quality
from app.values import Former, Lease, Pending

OF_JOB = "select (options->>'recrawl_of')::int from crawl_jobs where id = $1"
# One look-up in the index on the address's digest for each row, whatever the planner knows of the former job's size.
ROWS = """
select n.id, n.original_url, f.* from images n left join lateral (
    select f.id as former_id, f.sha256, f.file_size, f.width, f.height, f.format, f.phash, f.quality,
        f.storage_url, f."fetch"
    from images f where f.crawl_job_id = $3 and md5(f.original_url)::uuid = md5(n.original_url)::uuid
        and f.sha256 is not null limit 1
) f on true
where n.crawl_job_id = $1 and n.chunk = $2 and n.status = 'pending'
"""


async def former_job(connection: asyncpg.Connection, crawl_job_id: int) -> int | None:
    """The job that this one crawls again; None where it is no re-crawl. It may have been deleted since."""
    found: int | None = await connection.fetchval(OF_JOB, crawl_job_id)
    return found


async def pending_with_formers(connection: asyncpg.Connection, lease: Lease, former_job_id: int) -> list[Pending]:
    """The chunk's rows that wait, in no order, each with what the former job stored of its address."""
    rows = await connection.fetch(ROWS, lease.crawl_job_id, lease.chunk, former_job_id)
    return [Pending(row["id"], row["original_url"], _former(row)) for row in rows]


def _former(row: Any) -> Former | None:
    if row["former_id"] is None:
        return None
    told = orjson.loads(row["fetch"])
    quality = None if row["quality"] is None else Quality(**orjson.loads(row["quality"]))
    return Former(
        row["former_id"],
        row["sha256"],
        row["file_size"],
        Measures(row["width"], row["height"], row["format"], row["phash"], quality),
        row["storage_url"],
        told.get("etag"),
        told.get("last_modified"),
        told.get("final_url"),
    )
