"""When a crawl job is over, and how far it has come.

`close_if_over()` is called in every transaction that may have ended a job, with the job's row locked.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.database import Transaction, acquire, transaction
from app.jobs import activity
from app.progress import publish_change

JOBS_AT_ONCE = 500

# Without `sources`: a list given in the mutation is long, and this is asked at every batch.
LOCK = """
select j.id, j.status, j.max_images, j.total_images, j.downloaded_images, j.valid_images, j.progress, j.total_chunks,
    j.leases, j.options - 'sources' as options, j.options ? 'recrawl_of' as is_recrawl, j.error_message, p.user_id
from crawl_jobs j join projects p on p.id = j.project_id where j.id = $1 for update of j
"""
PENDING_CHUNKS = "select count(distinct chunk) from images where crawl_job_id = $1 and status = 'pending'"
CLOSE = """
update crawl_jobs set status = $2::text, progress = case when $2::text = 'completed' then 100 else progress end,
    completed_at = now(), error_message = $3, leases = '{}', active_chunks = 0, task_ids = '[]',
    completed_chunks = total_chunks - $4, options = (options - 'reviving') || '{"seeker": null}'
where id = $1
"""
OVER = """
select id from crawl_jobs where status in ('running', 'paused') and active_chunks = 0
    and (valid_images >= max_images
        or not (options->>'seeking')::bool and not options ? 'reviving' and (options->>'final')::bigint >= total_images)
limit $1
"""
SET_PROGRESS = "update crawl_jobs set progress = $2 where id = $1 and progress < $2"


async def lock(tx: Transaction, crawl_job_id: int) -> asyncpg.Record | None:
    """The job's row, locked until the transaction ends: batches of one job are recorded one after another."""
    return await tx.connection.fetchrow(LOCK, crawl_job_id)


def progress_of(*, seeking: bool, valid: int, most: int, final: int, total: int) -> int:
    """Percent of a job under way, 0..99: of its goal or, once all candidates are known, of its rows if more."""
    percent = 100 * valid // most if most else 0
    if not seeking and total:
        percent = max(percent, 100 * final // total)
    return min(99, percent)


def verdict(discovery: list[dict[str, Any]], stored: int) -> tuple[str, str | None]:
    """The final state and the message that says which sources failed."""
    failed = [entry for entry in discovery if entry["state"] == "failed"]
    message = "; ".join(dict.fromkeys(str(entry["message"]) for entry in failed)) or None
    if failed and len(failed) == len(discovery) and stored == 0:
        return "failed", message
    return "completed", message


async def close_if_over(tx: Transaction, crawl_job_id: int) -> bool:
    """Close the job if its goal is reached, or if nothing is pending and nothing sought; else move its progress."""
    job = await lock(tx, crawl_job_id)
    if job is None or job["status"] not in ("running", "paused"):
        return False
    options = orjson.loads(job["options"])
    seeking, final = bool(options["seeking"]), int(options["final"])
    reached = job["valid_images"] >= job["max_images"]
    if not reached and (seeking or "reviving" in options or final < job["total_images"]):
        percent = progress_of(
            seeking=seeking, valid=job["valid_images"], most=job["max_images"], final=final, total=job["total_images"]
        )
        await tx.connection.execute(SET_PROGRESS, crawl_job_id, percent)
        return False
    status, message = verdict(options["discovery"], job["downloaded_images"])
    pending = await tx.connection.fetchval(PENDING_CHUNKS, crawl_job_id)
    await tx.connection.execute(CLOSE, crawl_job_id, status, message, pending)
    await write_end(tx, job["user_id"], f"crawl_job.{status}", crawl_job_id)
    return True


async def write_end(tx: Transaction, user_id: UUID, action: str, crawl_job_id: int) -> None:
    """The activity line of an end that no person caused: it stands under the project's owner."""
    await activity.write(tx, user_id, action, "CrawlJob", crawl_job_id)


async def close_what_is_over() -> int:
    """Close jobs whose last result came from a task that could not close them any more; how many."""
    async with acquire() as connection:
        rows = await connection.fetch(OVER, JOBS_AT_ONCE)
    closed = 0
    for row in rows:
        async with transaction() as tx:
            closed += await close_if_over(tx, row["id"])
            tx.after_commit(publish_change, "CrawlJob", row["id"])
    return closed
