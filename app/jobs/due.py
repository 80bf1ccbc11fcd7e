"""Which work is due and not under way: what the reconciler hints again.

Each question is one statement over the rows; nothing is remembered between two of them.
"""

from __future__ import annotations

from app.database import acquire, transaction
from app.jobs import closing
from app.progress import publish_change
from app.queue import Discover, Export, FetchChunk, Hint, Validate

CHUNKS_PER_JOB = 8
"""Chunks of one job that are hinted at once, so that jobs of different users take turns."""
JOBS = 500

DISCOVERIES = """
select id from crawl_jobs
where (status = 'pending' and not (options->>'held')::bool
    or status = 'running' and (options->>'seeking')::bool
        and max_images - valid_images - (total_images - (options->>'final')::bigint) > 0)
    and coalesce((options->'seeker'->>'until')::float8, 0) < extract(epoch from clock_timestamp())
order by id limit $1
"""
# The distinct pending chunks of each running job by hops over the partial index: their number costs, not their rows.
CHUNKS = """
select j.id, c.chunk from crawl_jobs j cross join lateral (
    with recursive hop as (
        (select chunk from images where crawl_job_id = j.id and status = 'pending' order by chunk limit 1)
        union all
        select (select i.chunk from images i where i.crawl_job_id = j.id and i.status = 'pending'
            and i.chunk > hop.chunk order by i.chunk limit 1)
        from hop where hop.chunk is not null
    )
    select chunk from hop where chunk is not null and not j.leases ? chunk::text limit $1
) c
where j.status = 'running' and (cardinality($2::int[]) = 0 or j.id = any($2))
order by c.chunk, j.id limit $3
"""
OVER = """
select id from crawl_jobs where status in ('running', 'paused') and active_chunks = 0
    and (valid_images >= max_images
        or not (options->>'seeking')::bool and (options->>'final')::bigint >= total_images)
limit $1
"""
VALIDATIONS = """
select id from validation_jobs where status = 'pending'
    or status = 'running' and (started_at is null
        or updated_at < clock_timestamp() - make_interval(secs => $1::float8))
order by id limit $2
"""
EXPORTS = """
select id from export_jobs where status = 'pending'
    or status = 'running' and (started_at is null
        or updated_at < clock_timestamp() - make_interval(secs => $1::float8))
order by id limit $2
"""


async def due_chunks(crawl_job_ids: list[int] | None = None) -> list[FetchChunk]:
    """Chunks with pending rows and no lease, the first few of each running job; of all jobs unless told."""
    async with acquire() as connection:
        rows = await connection.fetch(CHUNKS, CHUNKS_PER_JOB, crawl_job_ids or [], JOBS)
    return [FetchChunk(row["id"], row["chunk"]) for row in rows]


async def due_hints(lease_s: float) -> list[Hint]:
    """All that is due: discoveries, chunks, validations, exports; `lease_s` is when a silent one counts as lost."""
    hints: list[Hint] = []
    async with acquire() as connection:
        hints += [Discover(row["id"]) for row in await connection.fetch(DISCOVERIES, JOBS)]
        hints += [Validate(row["id"]) for row in await connection.fetch(VALIDATIONS, lease_s, JOBS)]
        hints += [Export(row["id"]) for row in await connection.fetch(EXPORTS, lease_s, JOBS)]
    return [*hints, *await due_chunks()]


async def close_what_is_over() -> int:
    """Close jobs whose last result came from a task that could not close them any more; how many."""
    async with acquire() as connection:
        rows = await connection.fetch(OVER, JOBS)
    closed = 0
    for row in rows:
        async with transaction() as tx:
            closed += await closing.close_if_over(tx, row["id"])
            tx.after_commit(publish_change, "CrawlJob", row["id"])
    return closed
