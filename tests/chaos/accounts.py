"""Whether a crawl's books are right: rows against URLs, counters against rows, storage against digests."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from app.storage import storage
from tests.chaos.site import Kind, Site, expected_states, group_of, kind_of

ROWS = "select original_url, status, sha256, file_size, chunk, storage_url from images where crawl_job_id = $1"
FAILED = (Kind.MISSING, Kind.BROKEN)
STORED = ("downloaded", "valid")


@dataclass(frozen=True)
class Line:
    """One thing that was counted twice, in two ways."""

    what: str
    must: Any
    found: Any

    @property
    def ok(self) -> bool:
        """Whether both are the same."""
        return bool(self.must == self.found)


async def lines_of(connection: asyncpg.Connection, job_id: int, site: Site, count: int) -> list[Line]:
    """All that must agree once the crawl of the site's first `count` URLs, the only one, is over."""
    actions = await connection.fetch(
        "select action from activity_logs where resource_type = 'CrawlJob' and resource_id = $1", str(job_id)
    )
    return [
        *await job_lines(connection, job_id, site, site.numbers(count)),
        *await storage_lines(connection),
        Line("activity", ["completed", "created", "started"], sorted(row[0].split(".")[1] for row in actions)),
    ]


async def job_lines(connection: asyncpg.Connection, job_id: int, site: Site, numbers: Mapping[str, int]) -> list[Line]:
    """What must agree in one job that is over: its rows with the URLs' numbers, its counters with its rows."""
    job = await connection.fetchrow("select * from crawl_jobs where id = $1", job_id)
    rows = await connection.fetch(ROWS, job_id)
    return [*_row_lines(rows, site, numbers), *_counter_lines(job, rows)]


def _row_lines(rows: Sequence[asyncpg.Record], site: Site, numbers: Mapping[str, int]) -> list[Line]:
    states = Counter("stored" if row["status"] in STORED else row["status"] for row in rows)
    wrong = [row["original_url"] for row in rows if not _as_expected(row, site, numbers.get(row["original_url"]))]
    stored_by = Counter(row["sha256"] for row in rows if row["status"] in STORED)
    return [
        Line("rows", len(numbers), len(rows)),
        Line("URLs with exactly one row", len(numbers), len({row["original_url"] for row in rows} & set(numbers))),
        Line("rows by state", expected_states(numbers.values()), dict(sorted(states.items()))),
        Line("rows whose state or bytes are wrong", [], wrong[:5]),
        Line("digests that two rows say they store", [], [one.hex() for one, times in stored_by.items() if times > 1]),
        Line(
            "digests without a row that stores them", 0, len({row["sha256"] for row in rows} - {None} - set(stored_by))
        ),
    ]


def _as_expected(row: asyncpg.Record, site: Site, number: int | None) -> bool:
    """Of URLs with equal bytes whichever comes first is the one that is stored."""
    if number is None:
        return False
    if kind_of(number) in FAILED:
        return bool(row["status"] == "failed" and row["storage_url"] is None)
    shares = kind_of(group_of(number)) is Kind.GOOD and number % 20 in (0, 9, 13)
    allowed = (*STORED, "duplicate") if shares else STORED
    return row["status"] in allowed and row["sha256"] == site.digest(number)


def _counter_lines(job: asyncpg.Record, rows: Sequence[asyncpg.Record]) -> list[Line]:
    kept = [row for row in rows if row["status"] in STORED]
    pending = sum(1 for row in rows if row["status"] == "pending")
    options = orjson.loads(job["options"])
    chunks = len({row["chunk"] for row in rows})
    return [
        Line("status", "completed", job["status"]),
        Line("progress", 100, job["progress"]),
        Line("total_images", len(rows), job["total_images"]),
        Line("downloaded_images", len(kept), job["downloaded_images"]),
        Line("valid_images", len(kept), job["valid_images"]),
        Line("rows that are final", len(rows) - pending, options["final"]),
        Line("bytes stored", sum(row["file_size"] for row in kept), options["bytes"]),
        Line("total_chunks", chunks, job["total_chunks"]),
        Line("completed_chunks", chunks, job["completed_chunks"]),
        Line("active_chunks, failed_chunks", (0, 0), (job["active_chunks"], job["failed_chunks"])),
        Line("leases, task_ids, seeker", ({}, [], None), (*_held(job), options["seeker"])),
    ]


def _held(job: asyncpg.Record) -> tuple[Any, Any]:
    return orjson.loads(job["leases"]), orjson.loads(job["task_ids"])


async def storage_lines(connection: asyncpg.Connection) -> list[Line]:
    """What must agree between all rows and what lies in storage."""
    rows = await connection.fetch("select distinct storage_url, sha256 from images where storage_url is not null")
    named = {row["storage_url"]: row["sha256"] for row in rows}
    found = [one.key async for one in storage().list("images/")]
    damaged = [key for key in found if hashlib.sha256(await storage().get(key)).digest() != named.get(key)]
    return [
        Line("stored objects", len({row["sha256"] for row in rows}), len(found)),
        Line("objects that no row names", [], sorted(set(found) - set(named))[:5]),
        Line("objects with other bytes than their name", [], damaged[:5]),
    ]
