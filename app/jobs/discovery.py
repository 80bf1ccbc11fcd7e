"""From candidates to pending rows: who discovers, what came in, how each source stands.

One task at a time discovers for a job: the `seeker` entry of `options`, with the same rules as a chunk's lease. What a
fenced-out seeker brings is not recorded, so candidates and cursors move together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from app import queue
from app.database import Transaction, acquire, transaction
from app.jobs import activity, chunk, closing
from app.jobs.documents import clean, to_jsonb
from app.jobs.limits import KEYWORD_CHARS
from app.progress import publish_change
from app.sources.base import filename_of
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
# New URLs only, numbered into chunks after the job's last one; the job's row is locked, so nobody else adds rows.
INSERT = """
with offered as (
    select * from unnest($2::text[], $3::text[], $4::text[], $5::text[]) with ordinality
        as o(url, filename, keyword, provenance, place)
), fresh as (
    select distinct on (md5(url)) * from offered o where not exists (
        select 1 from images i where i.crawl_job_id = $1 and md5(i.original_url)::uuid = md5(o.url)::uuid)
    order by md5(url), place
), numbered as (
    select *, row_number() over (order by place) - 1 as number from fresh
)
insert into images (crawl_job_id, original_url, filename, keyword, provenance, chunk)
select $1, url, filename, keyword, provenance::jsonb, $6::int + (number / $7::int)::int from numbered order by place
returning chunk
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

    `stopped_by` says why nobody can go on (storage refused): the job pauses with that reason.
    """
    async with transaction() as tx:
        given = await tx.connection.fetchval(GIVE_UP, search.crawl_job_id, search.task)
        if given is not None and stopped_by is not None:
            await chunk.stop(tx, search.crawl_job_id, stopped_by)
            tx.after_commit(publish_change, "CrawlJob", search.crawl_job_id)
    return given is not None


async def record_candidates(search: Search, candidates: Sequence[Candidate]) -> int | None:
    """Write pending rows for the new ones and where each source stands; the room that is left.

    None where the seeker was fenced out. Each chunk that came in is hinted, as far as `HINTED_CHUNKS` go.
    """
    async with transaction() as tx:
        if not await _is_seeker(tx, search):
            return None
        first = await tx.connection.fetchval("select total_chunks from crawl_jobs where id = $1", search.crawl_job_id)
        rows = await tx.connection.fetch(
            INSERT, search.crawl_job_id, *_columns(candidates), first + 1, search.chunk_size
        )
        chunks = sorted({row["chunk"] for row in rows})
        state = to_jsonb({"discovery": search.discovery})
        room = await tx.connection.fetchval(COUNT, search.crawl_job_id, len(rows), len(chunks), state)
        await closing.close_if_over(tx, search.crawl_job_id)
        for number in chunks[:HINTED_CHUNKS]:
            tx.after_commit(queue.hint, queue.FetchChunk(search.crawl_job_id, number))
        tx.after_commit(publish_change, "CrawlJob", search.crawl_job_id)
    return int(room)


async def finish(search: Search) -> None:
    """Stop being the seeker; once every source is done or failed nothing is sought, and the job may be over."""
    async with transaction() as tx:
        if not await _is_seeker(tx, search):
            return
        seeking = any(entry["state"] in ("pending", "running") for entry in search.discovery)
        state = {"seeking": seeking, "seeker": None, "discovery": search.discovery}
        await tx.connection.fetchval(COUNT, search.crawl_job_id, 0, 0, to_jsonb(state))
        await closing.close_if_over(tx, search.crawl_job_id)
        tx.after_commit(publish_change, "CrawlJob", search.crawl_job_id)


async def _is_seeker(tx: Transaction, search: Search) -> bool:
    job: asyncpg.Record | None = await closing.lock(tx, search.crawl_job_id)
    if job is None or job["status"] != "running":
        return False
    seeker = orjson.loads(job["options"])["seeker"]
    return seeker is not None and seeker["task"] == search.task


def _columns(candidates: Sequence[Candidate]) -> list[list[Any]]:
    """The candidates as arrays: URL, file name, keyword, provenance."""
    urls = [clean(one.url) for one in candidates]
    keywords = [clean(one.keyword)[:KEYWORD_CHARS] if one.keyword else None for one in candidates]
    documents = [to_jsonb(one.provenance.as_json()) for one in candidates]
    return [urls, [filename_of(url) for url in urls], keywords, documents]
