"""Results of a chunk, recorded in batches: rows, counters and, with the last one, the job's end, in one transaction.

Every row is guarded by `status = 'pending'`: what is recorded twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import orjson

from app import queue
from app.database import Transaction, acquire, transaction
from app.jobs import chunk, closing
from app.jobs.difference import Difference
from app.jobs.documents import to_jsonb
from app.progress import publish_change
from app.values import Fetch, Fetched, Issue, Json, Lease, Outcome, RefusalCode, Refused

KNOWN = """
select distinct on (sha256) sha256, id, storage_url from images
where crawl_job_id = $1 and sha256 = any($2::bytea[]) and status in ('downloaded', 'valid', 'invalid')
"""
RECORD = """
update images i set status = r.status, filename = coalesce(r.filename, i.filename), storage_url = r.storage_url,
    width = r.width, height = r.height, file_size = r.file_size, format = r.format, sha256 = r.sha256, phash = r.phash,
    quality = r.quality::jsonb, issues = r.issues::jsonb, "fetch" = r."fetch"::jsonb
from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::int[], $9::text[],
    $10::bytea[], $11::bigint[], $12::text[], $13::text[], $14::text[])
    as r(id, status, filename, storage_url, width, height, file_size, format, sha256, phash, quality, issues, "fetch")
where i.id = r.id and i.crawl_job_id = $1 and i.status = 'pending'
returning i.id, i.status, i.file_size
"""
# Kept from being deleted until the commit: as long as one row names bytes, nobody collects them. A row that is being
# deleted is not waited for: a job's rows go in any order, and whoever holds one and waits for another stops that.
STILL_THERE = """
select id from images where id = any($1::bigint[]) and storage_url is not null for key share skip locked
"""
# Waited for alone, with nothing else locked: a deletion may take long, and to ask hosts anew meanwhile helps nobody.
FORMER_JOB = """
select f.id from crawl_jobs j join crawl_jobs f on f.id = (j.options->>'recrawl_of')::int where j.id = $1
for key share of f
"""
COUNT = """
update crawl_jobs set downloaded_images = downloaded_images + $2, valid_images = valid_images + $2,
    options = options || jsonb_build_object('final', (options->>'final')::bigint + $3,
        'bytes', (options->>'bytes')::bigint + $4)
where id = $1
returning max_images - valid_images - (total_images - (options->>'final')::bigint) as room,
    (options->>'seeking')::bool as seeking
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch really changed: rows by outcome and reason, and bytes stored."""

    reasons: tuple[tuple[str, str], ...]
    """Per row: its state, and the code of its first issue or ''."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Row:
    """A result as the table's columns; `difference` is told of a re-crawl's."""

    image_id: int
    status: str
    fetch: Fetch
    issues: tuple[Issue, ...] = ()
    fetched: Fetched | None = None
    storage_url: str | None = None
    difference: Difference | None = None

    def fetch_json(self) -> dict[str, Json]:
        """The document `images.fetch`."""
        told = self.fetch.as_json()
        return told if self.difference is None else told | {"difference": str(self.difference)}


async def record_results(lease: Lease, outcomes: Sequence[Outcome]) -> Recorded | None:
    """Record a batch; None where the lease is lost or the job does not want results any more."""
    if _formers(outcomes):
        async with acquire() as connection:
            await connection.execute(FORMER_JOB, lease.crawl_job_id)
    async with transaction() as tx:
        job = await closing.lock(tx, lease.crawl_job_id)
        if job is None or not chunk.holds(job, lease):
            return None
        outcomes = await _founded(tx, outcomes)
        known = await _known(tx, lease.crawl_job_id, outcomes)
        rows = rows_of(outcomes, known, room=job["max_images"] - job["valid_images"])
        if job["is_recrawl"]:
            formers = {one.image_id: one.former_sha256 for one in outcomes}
            rows = [replace(row, difference=_difference(row.fetched, formers[row.image_id])) for row in rows]
        changed = await tx.connection.fetch(RECORD, lease.crawl_job_id, *_columns(rows))
        recorded = _recorded(rows, changed)
        stored = sum(1 for row in changed if row["status"] == "downloaded")
        counted = await tx.connection.fetchrow(COUNT, lease.crawl_job_id, stored, len(changed), recorded.bytes)
        over = await closing.close_if_over(tx, lease.crawl_job_id)
        tx.after_commit(publish_change, "CrawlJob", lease.crawl_job_id)
        if not over and counted["seeking"] and counted["room"] > 0:
            tx.after_commit(queue.hint, queue.Discover(lease.crawl_job_id))
    return recorded


async def _founded(tx: Transaction, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """The outcomes without those whose bytes are a former crawl's row's that is no more: they are fetched again."""
    formers = _formers(outcomes)
    if not formers:
        return outcomes
    there = {row["id"] for row in await tx.connection.fetch(STILL_THERE, formers)} | {None}
    return [one for one in outcomes if isinstance(one, Refused) or one.former_id in there]


def _formers(outcomes: Iterable[Outcome]) -> list[int]:
    """The rows of a former crawl whose bytes are taken over."""
    found = (one.former_id for one in outcomes if isinstance(one, Fetched))
    return list({former for former in found if former is not None})


async def _known(tx: Transaction, crawl_job_id: int, outcomes: Iterable[Outcome]) -> dict[bytes, tuple[int, str]]:
    """By SHA-256: the row of this job that stores those bytes already, and where."""
    digests = list({one.sha256 for one in outcomes if isinstance(one, Fetched)})
    found = await tx.connection.fetch(KNOWN, crawl_job_id, digests)
    return {row["sha256"]: (row["id"], row["storage_url"]) for row in found}


def rows_of(outcomes: Iterable[Outcome], known: dict[bytes, tuple[int, str]], room: int) -> list[Row]:
    """Outcomes as rows: equal bytes are a duplicate of the first row that has them; at most `room` are usable."""
    known = dict(known)
    rows: list[Row] = []
    for one in outcomes:
        if isinstance(one, Refused):
            rows.append(Row(one.image_id, "failed", one.fetch, (one.issue,)))
        elif one.sha256 in known:
            first, storage_url = known[one.sha256]
            rows.append(Row(one.image_id, "duplicate", one.fetch, (_duplicate_of(first),), one, storage_url))
        elif room > 0:
            room -= 1
            known[one.sha256] = (one.image_id, one.storage_key)
            rows.append(Row(one.image_id, "downloaded", one.fetch, (), one, one.storage_key))
    return rows


def _difference(fetched: Fetched | None, former: bytes | None) -> Difference | None:
    if fetched is None:
        return None if former is None else Difference.GONE
    if former is None:
        return Difference.NEW
    return Difference.UNCHANGED if former == fetched.sha256 else Difference.CHANGED


def _duplicate_of(first: int) -> Issue:
    return Issue(RefusalCode.DUPLICATE, f"The same bytes as Image:{first}.", measured=f"Image:{first}")


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    """The columns of `rows`, in the order of RECORD's arrays."""
    taken = [(row, row.fetched, row.fetched.measures if row.fetched else None) for row in rows]
    return [
        [row.image_id for row in rows],
        [row.status for row in rows],
        [one and one.storage_key.rsplit("/", 1)[-1] for _, one, _ in taken],
        [row.storage_url for row in rows],
        [seen and seen.width for _, _, seen in taken],
        [seen and seen.height for _, _, seen in taken],
        [one and one.file_size for _, one, _ in taken],
        [seen and seen.format for _, _, seen in taken],
        [one and one.sha256 for _, one, _ in taken],
        [seen.phash if seen else None for _, _, seen in taken],
        [orjson.dumps(seen.quality.as_json()).decode() if seen and seen.quality else None for _, _, seen in taken],
        # A host's words may hold what no document does: its image has failed, and not the whole batch.
        [to_jsonb([issue.as_json() for issue in row.issues]) for row in rows],
        [to_jsonb(row.fetch_json()) for row in rows],
    ]


def _recorded(rows: Sequence[Row], changed: Sequence[asyncpg.Record]) -> Recorded:
    codes = {row.image_id: str(row.issues[0].code) if row.issues else "" for row in rows}
    reasons = tuple((str(row["status"]), codes[row["id"]]) for row in changed)
    kept = {row.image_id for row in rows if row.fetched is not None and row.fetched.former_id is not None}
    new = (row for row in changed if row["status"] == "downloaded" and row["id"] not in kept)
    return Recorded(reasons, sum(row["file_size"] for row in new))
