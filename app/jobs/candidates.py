"""Candidates as rows: new addresses become pending images, known ones tell their row who else offers it.

One address is one row of a job, whichever sources and keywords find it. The first find's provenance is the row's;
further finds are listed below it, as `extra.also`. Everything here runs under the lock of the job's row, so nobody else
adds rows to it meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.database import Transaction
from app.jobs.documents import clean, to_jsonb
from app.jobs.limits import KEYWORD_CHARS
from app.jobs.ring import numbered
from app.sources.base import filename_of
from app.values import PROVENANCE_KEYS, Candidate, Json, Provenance

ALSO = "also"
ALSO_MOST = 10
"""Further finds that a row lists: a picture that is everywhere must not grow its row without end."""
ALSO_KEYS = tuple(key for key in PROVENANCE_KEYS if key != "extra")

# The index on the address's digest serves, whatever the statistics say: they are minutes old in a job that is growing,
# and a plan made for a small table would pass over all of it at each batch.
BY_INDEX = "set local enable_seqscan = off"
KNOWN = """
select id, uuid_send(md5(original_url)::uuid) as digest, keyword, provenance from images
where crawl_job_id = $1
    and md5(original_url)::uuid = any(array(select encode(digest, 'hex')::uuid from unnest($2::bytea[]) digest))
"""
ALSO_FOUND = """
update images i set provenance = f.provenance::jsonb from unnest($2::bigint[], $3::text[]) as f(id, provenance)
where i.id = f.id and i.crawl_job_id = $1
"""
COLUMNS = ("crawl_job_id", "original_url", "filename", "keyword", "provenance", "chunk")


@dataclass(slots=True)
class _Row:
    """A row to be, or one that is there already: then `image_id` says which. `document` is its provenance as JSON."""

    url: str
    keyword: str | None
    document: str
    image_id: int | None = None
    changed: bool = False


@dataclass(slots=True)
class _Documents:
    """Provenance as JSON; most rows of a list share theirs."""

    last: Provenance | None = None
    text: str = ""

    def of(self, provenance: Provenance) -> str:
        if provenance is not self.last:
            self.last, self.text = provenance, to_jsonb(provenance.as_json())
        return self.text


@dataclass(frozen=True, slots=True)
class Offered:
    """Candidates without doubles, by the digest of their address, in their order."""

    rows: dict[bytes, _Row] = field(default_factory=dict)
    again: list[tuple[bytes, str | None, str]] = field(default_factory=list)
    """Finds of an address that came before among these candidates: its digest, keyword and provenance."""

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> Offered:
        """The candidates with texts that a text column holds."""
        found, documents, labels = cls(), _Documents(), dict[str | None, str | None]()
        rows, again = found.rows, found.again
        for one in candidates:
            url, keyword = clean(one.url), one.keyword
            if keyword not in labels:
                labels[keyword] = clean(keyword)[:KEYWORD_CHARS] if keyword else None
            keyword, document = labels[keyword], documents.of(one.provenance)
            digest = hashlib.md5(url.encode(), usedforsecurity=False).digest()
            if digest in rows:
                again.append((digest, keyword, document))
            else:
                rows[digest] = _Row(url, keyword, document)
        return found


@dataclass(frozen=True, slots=True)
class Chunking:
    """Into which chunks new rows go: numbers from `first` on, `size` rows at most, by host for so many `workers`."""

    first: int
    size: int
    workers: int


async def insert(tx: Transaction, crawl_job_id: int, offered: Offered, chunking: Chunking) -> int:
    """Write what is new as pending rows, in their order; how many rows that are."""
    if not offered.rows:
        return 0
    await tx.connection.execute(BY_INDEX)
    known = await tx.connection.fetch(KNOWN, crawl_job_id, list(offered.rows))
    finds = list(offered.again)
    for row in known:
        there, here = _Row("", row["keyword"], row["provenance"], row["id"]), offered.rows[row["digest"]]
        offered.rows[row["digest"]] = there
        finds.append((row["digest"], here.keyword, here.document))
    for digest, keyword, document in finds:
        _merge(offered.rows[digest], keyword, document)
    fresh = [row for row in offered.rows.values() if row.image_id is None]
    numbers = numbered([row.url for row in fresh], chunking.first, chunking.size, chunking.workers)
    await tx.connection.copy_records_to_table(
        "images",
        columns=COLUMNS,
        records=[
            (crawl_job_id, row.url, filename_of(row.url), row.keyword, row.document, number)
            for row, number in zip(fresh, numbers, strict=True)
        ],
    )
    await _tell(tx, crawl_job_id, [row for row in offered.rows.values() if row.changed and row.image_id is not None])
    return len(fresh)


async def _tell(tx: Transaction, crawl_job_id: int, rows: Sequence[_Row]) -> None:
    if rows:
        ids, documents = [row.image_id for row in rows], [row.document for row in rows]
        await tx.connection.execute(ALSO_FOUND, crawl_job_id, ids, documents)


def _merge(row: _Row, keyword: str | None, document: str) -> None:
    """List a further find of the row's address, unless it says nothing new or enough are listed."""
    if keyword == row.keyword and document == row.document:
        return
    own: dict[str, Json] = orjson.loads(row.document)
    extra: dict[str, Json] = own.get("extra") or {}
    also = extra.get(ALSO, [])
    find = _told(keyword, orjson.loads(document))
    # A column of somebody's list may be named like ours, and hold anything.
    if not isinstance(also, list) or len(also) >= ALSO_MOST or find in also or find == _told(row.keyword, own):
        return
    row.document = to_jsonb(own | {"extra": extra | {ALSO: [*also, find]}})
    row.changed = True


def _told(keyword: str | None, document: dict[str, Any]) -> dict[str, Json]:
    """A find in short: who offers the address, for which keyword, and on which terms."""
    find = {key: document[key] for key in ALSO_KEYS if key in document}
    return find | {"keyword": keyword} if keyword else find
