"""From candidates to pending rows: who discovers, what came in, how each source stands.

One task at a time discovers for a job: the `seeker` entry of `options`, with the same rules as a chunk's lease. What a
fenced-out seeker brings is not recorded, so candidates and cursors move together.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from app import queue
from app.database import Transaction, acquire, transaction
from app.jobs import activity, chunk, closing
from app.jobs.candidates import Chunking, Offered, insert
from app.jobs.documents import to_jsonb
from app.jobs.statistics import look_if_doubled
from app.progress import publish_change
from app.values import Candidate, Term

HINTED_CHUNKS = 8
"""Chunks of one job that are hinted at once: a large job must not fill the queue before a small one."""

CLAIM = """
update crawl_jobs j set status = 'running', started_at = coalesce(started_at, now()),
    options = options || jsonb_build_object('seeker', jsonb_build_object('task', $2::text,
        'until', extract(epoch from clock_timestamp()) + $3::float8))
from (select id, status from crawl_jobs where id = $1 for update) before
where j.id = before.id
    and (before.status = 'running' or before.status = 'pending' and not (options->>'held')::bool)
    and (options->>'seeking')::bool
    and coalesce((options->'seeker'->>'until')::float8, 0) < extract(epoch from clock_timestamp())
returning j.project_id, j.keywords, j.options, before.status = 'pending' as started,
    (select user_id from projects p where p.id = j.project_id) as user_id,
    max_images - valid_images - (total_images - (options->>'final')::bigint) as room
"""
RENEW = """
update crawl_jobs set options = jsonb_set(options, '{seeker,until}',
    to_jsonb(extract(epoch from clock_timestamp()) + $3::float8))
where id = $1 and options->'seeker'->>'task' = $2 and status = 'running' returning id
"""
GIVE_UP = """
update crawl_jobs set options = options || '{"seeker": null}'
where id = $1 and options->'seeker'->>'task' = $2 returning id
"""
COUNT = """
update crawl_jobs set total_images = total_images + $2, total_chunks = total_chunks + $3,
    options = options || $4::jsonb
where id = $1
returning max_images - valid_images - (total_images - (options->>'final')::bigint) as room
"""


@dataclass(frozen=True, slots=True)
class Search:
    """What a seeker works on: `room` is how many more rows the job can use now."""

    crawl_job_id: int
    task: str
    terms: tuple[Term, ...]
    sources: list[dict[str, Any]]
    discovery: list[dict[str, Any]]
    chunk_size: int
    room: int


async def claim(crawl_job_id: int, task: str, lease_s: float) -> Search | None:
    """Become the job's seeker, starting it if it was pending; None where there is nothing to seek or somebody does."""
    async with transaction() as tx:
        row = await tx.connection.fetchrow(CLAIM, crawl_job_id, task, lease_s)
        if row is None:
            return None
        if row["started"]:
            await activity.write(tx, row["user_id"], "crawl_job.started", "CrawlJob", crawl_job_id)
            tx.after_commit(publish_change, "CrawlJob", crawl_job_id)
    options = orjson.loads(row["options"])
    return Search(
        crawl_job_id,
        task,
        terms_in(options, orjson.loads(row["keywords"])),
        options["sources"],
        options["discovery"],
        int(options["chunk_size"]),
        int(row["room"]),
    )


def terms_in(options: dict[str, Any], keywords: Sequence[str]) -> tuple[Term, ...]:
    """What a job's sources are asked for; the keywords alone where nothing else was determined."""
    told = options.get("terms") or [{"keyword": keyword, "term": keyword, "by": "keyword"} for keyword in keywords]
    return tuple(Term(one["keyword"], one["term"], one["by"]) for one in told)


async def renew(search: Search, lease_s: float) -> bool:
    """Stay the seeker for another `lease_s` seconds; False where the job is not running or another seeks."""
    async with acquire() as connection:
        return await connection.fetchval(RENEW, search.crawl_job_id, search.task, lease_s) is not None


async def give_up(search: Search, *, stopped_by: str | None = None) -> bool:
    """Stop being the seeker before the end: another goes on from what is recorded. False where we were it no more.

    `stopped_by` says why nobody can go on (storage refused, something unexpected): the job pauses with that reason.
    """
    async with transaction() as tx:
        given = await tx.connection.fetchval(GIVE_UP, search.crawl_job_id, search.task)
        if given is not None and stopped_by is not None:
            await chunk.stop(tx, search.crawl_job_id, stopped_by)
            tx.after_commit(publish_change, "CrawlJob", search.crawl_job_id)
    return given is not None


def state_of(search: Search) -> str:
    """Where each source stands at this moment, for `record_candidates`."""
    return to_jsonb({"discovery": search.discovery})


async def record_candidates(search: Search, candidates: Sequence[Candidate], state: str, workers: int) -> int | None:
    """Write pending rows for the new ones and `state`, which says where each source stands after them; the room left.

    Chunks are made for so many `workers`. None where the seeker was fenced out. Each chunk that came in is hinted, as
    far as `HINTED_CHUNKS` go.
    """
    # In a thread and before the lock: thousands are work, and neither fetches nor results are to wait for it.
    offered = await asyncio.to_thread(Offered.of, candidates)
    async with transaction() as tx:
        job = await _sought(tx, search)
        if job is None:
            return None
        first = job["total_chunks"] + 1
        new = await insert(tx, search.crawl_job_id, offered, Chunking(first, search.chunk_size, workers))
        chunks = range(first, first + math.ceil(new / search.chunk_size))
        room = await tx.connection.fetchval(COUNT, search.crawl_job_id, new, len(chunks), state)
        await closing.close_if_over(tx, search.crawl_job_id)
        tx.after_commit(look_if_doubled, job["total_images"] + new)
        for number in chunks[:HINTED_CHUNKS]:
            tx.after_commit(queue.hint, queue.FetchChunk(search.crawl_job_id, number))
        tx.after_commit(publish_change, "CrawlJob", search.crawl_job_id)
    return int(room)


async def finish(search: Search) -> None:
    """Stop being the seeker; once every source is done or failed nothing is sought, and the job may be over."""
    async with transaction() as tx:
        if await _sought(tx, search) is None:
            return
        seeking = any(entry["state"] in ("pending", "running") for entry in search.discovery)
        state = {"seeking": seeking, "seeker": None, "discovery": search.discovery}
        await tx.connection.fetchval(COUNT, search.crawl_job_id, 0, 0, to_jsonb(state))
        await closing.close_if_over(tx, search.crawl_job_id)
        tx.after_commit(publish_change, "CrawlJob", search.crawl_job_id)


async def _sought(tx: Transaction, search: Search) -> asyncpg.Record | None:
    """The job's row, locked; None where it does not run or another seeks."""
    job = await closing.lock(tx, search.crawl_job_id)
    if job is None or job["status"] != "running":
        return None
    seeker = orjson.loads(job["options"])["seeker"]
    return job if seeker is not None and seeker["task"] == search.task else None
