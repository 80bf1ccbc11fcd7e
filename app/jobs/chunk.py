"""A chunk's life: leased to one task, its results recorded in batches, given back.

A lease is an entry of `crawl_jobs.leases` (chunk → task, worker, until). Whoever lost it is fenced out: nothing that
it brings is recorded. `active_chunks` is the size of `leases`, `task_ids` its tasks, in every statement below.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson

from app.database import Transaction, acquire, transaction
from app.jobs import closing
from app.jobs.formers import former_job, pending_with_formers
from app.progress import publish_change
from app.values import Lease, Pending

# The tail of every statement that changes leases: {leases} is the new document.
_LEASES = (
    "leases = {leases}, active_chunks = (select count(*) from jsonb_object_keys({leases})),"
    " task_ids = (select coalesce(jsonb_agg(entry->'task'), '[]') from jsonb_each({leases}) as each(chunk, entry))"
)
_TAKEN = (
    "leases || jsonb_build_object($2::text, jsonb_build_object("
    "'task', $3::text, 'worker', $4::text, 'until', extract(epoch from clock_timestamp()) + $5::float8))"
)
CLAIM = (
    f"update crawl_jobs set {_LEASES.format(leases=f'({_TAKEN})')}"  # noqa: S608 - constants only
    " where id = $1 and status = 'running'"
    " and coalesce((leases->$2::text->>'until')::float8, 0) < extract(epoch from clock_timestamp())"
    " and exists (select 1 from images where crawl_job_id = $1 and chunk = $2::int and status = 'pending')"
    " returning (select count(*) from images where crawl_job_id = $1 and chunk = $2::int and status = 'pending')"
)
RENEW = """
update crawl_jobs set leases = jsonb_set(leases, array[$2::text, 'until'],
    to_jsonb(extract(epoch from clock_timestamp()) + $4::float8))
where id = $1 and leases->$2::text->>'task' = $3 and status in ('running', 'paused') returning id
"""
HELD = """
select 1 from crawl_jobs where id = $1 and leases->$2::text->>'task' = $3 and status in ('running', 'paused')
"""
GIVE_BACK = (
    f"update crawl_jobs set {_LEASES.format(leases='(leases - $2::text)')},"  # noqa: S608 - constants only
    " completed_chunks = completed_chunks + case when exists"
    " (select 1 from images where crawl_job_id = $1 and chunk = $2::int and status = 'pending') then 0 else 1 end,"
    " failed_chunks = failed_chunks + $4"
    " where id = $1 and leases->$2::text->>'task' = $3 returning id"
)
# Not in order: an index that has them in order would be passed over for all chunks of the job.
ROWS = "select id, original_url from images where crawl_job_id = $1 and chunk = $2 and status = 'pending'"
STOP = """
update crawl_jobs set status = 'paused', error_message = $2 where id = $1 and status = 'running' returning id
"""
EXPIRED = """
select j.id, each.chunk, each.entry->>'task' as task from crawl_jobs j, jsonb_each(j.leases) as each(chunk, entry)
where j.status in ('running', 'paused') and j.active_chunks > 0
    and (each.entry->>'until')::float8 < extract(epoch from clock_timestamp())
limit 500
"""


async def claim(lease: Lease, worker: str, lease_s: float) -> int:
    """Take the chunk if the job runs, rows of it are pending, and nobody holds it: how many, 0 if it was not taken."""
    async with acquire() as connection:
        rows = await connection.fetchval(CLAIM, lease.crawl_job_id, str(lease.chunk), lease.task, worker, lease_s)
    return rows or 0


async def renew(lease: Lease, lease_s: float) -> bool:
    """Hold on for another `lease_s` seconds; False where the lease is not ours any more."""
    async with acquire() as connection:
        return await connection.fetchval(RENEW, *_of(lease), lease_s) is not None


async def is_held(lease: Lease) -> bool:
    """Whether the lease is still ours and the job still wants results."""
    async with acquire() as connection:
        return await connection.fetchval(HELD, *_of(lease)) is not None


async def pending_rows(lease: Lease) -> list[Pending]:
    """The chunk's rows that wait, in their order; those of a re-crawl with what the former job stored of them."""
    async with acquire() as connection:
        former = await former_job(connection, lease.crawl_job_id)
        if former is None:
            rows = await connection.fetch(ROWS, lease.crawl_job_id, lease.chunk)
            found = [Pending(row["id"], row["original_url"]) for row in rows]
        else:
            found = await pending_with_formers(connection, lease, former)
    return sorted(found, key=lambda row: row.image_id)


async def give_back(lease: Lease, *, stopped_by: str | None = None) -> bool:
    """Return the lease; the chunk is complete if none of its rows is pending. Closes the job if that was the last.

    `stopped_by` says why the chunk could not be finished (storage refused, something unexpected): the job pauses with
    that reason.
    """
    async with transaction() as tx:
        await closing.lock(tx, lease.crawl_job_id)
        given = await tx.connection.fetchval(GIVE_BACK, *_of(lease), 1 if stopped_by else 0)
        if given is None:
            return False
        if stopped_by is not None:
            await stop(tx, lease.crawl_job_id, stopped_by)
        await closing.close_if_over(tx, lease.crawl_job_id)
        tx.after_commit(publish_change, "CrawlJob", lease.crawl_job_id)
    return True


async def stop(tx: Transaction, crawl_job_id: int, reason: str) -> None:
    """running → paused because storage or a source of trouble beyond the job's rows says so."""
    if await tx.connection.fetchval(STOP, crawl_job_id, reason) is not None:
        job = await closing.lock(tx, crawl_job_id)
        if job is not None:
            await closing.write_end(tx, job["user_id"], "crawl_job.stopped", crawl_job_id)


async def expired_leases() -> list[Lease]:
    """Leases whose time has passed: their workers are gone or stuck."""
    async with acquire() as connection:
        rows: list[asyncpg.Record] = await connection.fetch(EXPIRED)
    return [Lease(row["id"], int(row["chunk"]), row["task"]) for row in rows]


def holds(job: Any, lease: Lease) -> bool:
    """Whether a locked job row says that the lease is still ours and results are wanted."""
    if job is None or job["status"] not in ("running", "paused"):
        return False
    entry = orjson.loads(job["leases"]).get(str(lease.chunk))
    return entry is not None and entry["task"] == lease.task


def _of(lease: Lease) -> tuple[int, str, str]:
    return lease.crawl_job_id, str(lease.chunk), lease.task
