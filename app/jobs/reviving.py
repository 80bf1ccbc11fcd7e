"""Failed rows that become pending again: some thousands at a time, so that a job of a million is not one statement.

What is still to be done stands in the job's row, as `options.reviving`: the choice, and between which ids its rows lie.
The retry does the first part; workers go on with it, under the job's lock, and the job is not over before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import orjson

from app.database import Transaction, acquire, transaction
from app.jobs import closing
from app.jobs.documents import to_jsonb
from app.progress import publish_change

BATCH_ROWS = 5_000
"""Rows of a part: results of the same job wait for it, some tenths of a second."""
JOBS_AT_ONCE = 100

# What a row was refused for is forgotten, since it may not be so any more. A chunk is reopened that was complete: where
# no row was pending and nobody held it.
REVIVE = """
with chosen as (
    select id, chunk from images where crawl_job_id = $1 and status = 'failed' and id > $2 and id <= $3
        and ($4::text[] is null or issues->0->>'code' = any($4))
        and ($5::text[] is null or "fetch"->>'host' = any($5))
        and (not $6::bool or ("fetch"->>'passing')::bool)
    order by id limit $7
), revived as (
    update images set status = 'pending', issues = '[]' where id in (select id from chosen)
)
select count(*) as rows, max(id) as last, count(distinct chunk) filter (
    where not exists (select 1 from images p where p.crawl_job_id = $1 and p.chunk = c.chunk and p.status = 'pending')
        and not exists (select 1 from crawl_jobs j where j.id = $1 and j.leases ? c.chunk::text)
) as reopened from chosen c
"""
LAST = "select max(id) from images where crawl_job_id = $1 and status = 'failed'"
DUE = "select id from crawl_jobs where status in ('running', 'paused') and options ? 'reviving' limit $1"
LOCK = """
select options->'reviving' as reviving from crawl_jobs
where id = $1 and status in ('running', 'paused') and options ? 'reviving' for update skip locked
"""
COUNT = """
update crawl_jobs set completed_chunks = completed_chunks - $2,
    options = (options - 'reviving') || $4::jsonb || jsonb_build_object('final', (options->>'final')::bigint - $3)
where id = $1
"""


@dataclass(frozen=True, slots=True)
class Reviving:
    """Which failed rows are still to become pending: all given hold, None is not asked; ids `beyond` < id <= `upto`."""

    upto: int
    beyond: int = 0
    reasons: tuple[str, ...] | None = None
    hosts: tuple[str, ...] | None = None
    retryable: bool = False

    def as_options(self) -> dict[str, dict[str, object]]:
        """What the job's options say of it."""
        return {"reviving": asdict(self)}


@dataclass(frozen=True, slots=True)
class Part:
    """What was done: rows that are pending again, complete chunks that are not so any more, and what is left to do."""

    rows: int
    reopened: int
    left: Reviving | None


async def last_failed(tx: Transaction, crawl_job_id: int) -> int:
    """The highest id of the job's failed rows: those that fail from now on are not tried again by themselves."""
    return int(await tx.connection.fetchval(LAST, crawl_job_id) or 0)


async def revive(tx: Transaction, crawl_job_id: int, todo: Reviving) -> Part:
    """Do a part of `todo`. The caller holds the job's row, and counts what was done."""
    done = await tx.connection.fetchrow(
        REVIVE, crawl_job_id, todo.beyond, todo.upto, todo.reasons, todo.hosts, todo.retryable, BATCH_ROWS
    )
    left = None if done["rows"] < BATCH_ROWS else replace(todo, beyond=done["last"])
    return Part(done["rows"], done["reopened"], left)


async def go_on() -> int:
    """Do a part of each job's that is not through; how many rows are pending again."""
    async with acquire() as connection:
        due = await connection.fetch(DUE, JOBS_AT_ONCE)
    return sum([await _go_on_with(row["id"]) for row in due])


async def _go_on_with(crawl_job_id: int) -> int:
    async with transaction() as tx:
        job = await tx.connection.fetchrow(LOCK, crawl_job_id)
        if job is None:  # somebody is at it, or it is through
            return 0
        part = await revive(tx, crawl_job_id, Reviving(**orjson.loads(job["reviving"])))
        left = part.left.as_options() if part.left else {}
        await tx.connection.execute(COUNT, crawl_job_id, part.reopened, part.rows, to_jsonb(left))
        await closing.close_if_over(tx, crawl_job_id)
        tx.after_commit(publish_change, "CrawlJob", crawl_job_id)
    return part.rows
