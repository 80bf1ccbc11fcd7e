"""Comparing a validation job's images, before any verdict on them is written: which of those that look alike are kept.

Only images that keep the other rules take part, so that none is lost to one that is invalid itself. In a project the
usable images of older crawl jobs are kept as they stand, and so is what a person kept. Nothing is written here but the
validation job's progress.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.checks.hamming import Hashes
from app.checks.near_duplicates import Comparison, Ids, Keepers, by_precedence
from app.checks.rules import Judged, judge
from app.database import acquire, transaction
from app.jobs.images import by_hand
from app.jobs.validation import BATCH_ROWS, COMPARED, Claim, fail
from app.models.states import STORED, USABLE
from app.progress import publish_change

MAX_COMPARED = 2_000_000
"""Images compared at once: about 500 bytes of memory each."""
BEAT_S = 1.0
"""How often the job shows life, and is seen to be cancelled."""
TURN_S = 0.2
"""How long a thread works before it looks up."""
READ = 10
"""Percent of the progress that reading the hashes takes, of the `COMPARED` that comparing takes."""

ROWS = f"""
select i.id, i.width, i.height, i.file_size, i.format, i.quality, i.phash, i.status,
    {by_hand("i")} as by_hand
from images i where i.crawl_job_id = $1 and i.id > $2 and i.status = any($3::text[]) order by i.id limit $4
"""  # noqa: S608 - text of ours
OLDER = """
select o.id from crawl_jobs j join crawl_jobs o on o.project_id = j.project_id and o.id < j.id
where j.id = $1 order by o.id
"""
BEAT = """
update validation_jobs set progress = greatest(progress, $3) where id = $1 and status = 'running' and started_at = $2
returning id
"""


class _Lost(Exception):
    """The job was cancelled or claimed anew."""


class _TooMany(Exception):
    """More images than can be compared at once."""


def _numbers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class _Images:
    """Images that take part, an array of 64-bit numbers for each measure."""

    jobs: array[int] = field(default_factory=_numbers)
    areas: array[int] = field(default_factory=_numbers)
    sizes: array[int] = field(default_factory=_numbers)
    ids: array[int] = field(default_factory=_numbers)
    hashes: array[int] = field(default_factory=_numbers)
    unknown: array[int] = field(default_factory=_numbers)
    """Ids of those without a hash."""

    def add(self, job: int, row: Any) -> None:
        """Take an image of the crawl job `job`."""
        if row["phash"] is None:
            self.unknown.append(row["id"])
            return
        self.jobs.append(job)
        self.areas.append((row["width"] or 0) * (row["height"] or 0))
        self.sizes.append(row["file_size"] or 0)
        self.ids.append(row["id"])
        self.hashes.append(row["phash"])

    def ordered(self) -> tuple[Ids, Hashes]:
        """Ids and hashes in order of precedence."""
        jobs, areas, sizes, ids, hashes = (
            np.frombuffer(column, np.int64) for column in (self.jobs, self.areas, self.sizes, self.ids, self.hashes)
        )
        order = by_precedence(jobs, areas, sizes, ids)
        return ids[order], hashes[order].view(np.uint64)


@dataclass(slots=True)
class _Pulse:
    """Tells how far the comparison is, and asks whether it is still wanted; both at most every `BEAT_S` seconds."""

    claimed: Claim
    last: float = field(default_factory=time.monotonic)

    async def beat(self, percent: float) -> None:
        """Raise _Lost where the job is no longer ours."""
        if time.monotonic() - self.last < BEAT_S:
            return
        key = self.claimed.validation_job_id
        async with transaction() as tx:
            if await tx.connection.fetchval(BEAT, key, self.claimed.started_at, int(percent)) is None:
                raise _Lost
            tx.after_commit(publish_change, "ValidationJob", key)
        self.last = time.monotonic()


async def compare(claimed: Claim) -> Comparison | None:
    """What stands against a validation job's images as near-duplicates; None where its rules do not ask.

    None too where the job was cancelled or claimed anew, or failed here since there are too many images to compare:
    what would be recorded of it is refused then.
    """
    limit = claimed.rules.near_duplicate_distance
    if limit is None:
        return None
    pulse = _Pulse(claimed)
    try:
        own, older = await _read(claimed, pulse)
        # Sorting a million takes too long for the event loop.
        search, ids, given = await asyncio.to_thread(_prepared, claimed, own, older)
        await _run(search, pulse)
    except _Lost:
        return None
    except _TooMany:
        await fail(claimed, f"Near-duplicates are looked for among at most {MAX_COMPARED:,} images, and here are more.")
        return None
    return await asyncio.to_thread(_comparison, search, ids, given, own.unknown, limit)


def _prepared(claimed: Claim, own: _Images, older: _Images) -> tuple[Keepers, Ids, int]:
    """The search, the ids in its order, and how many of them are kept whatever they are."""
    kept_ids, kept_hashes = older.ordered()
    own_ids, own_hashes = own.ordered()
    hashes, rules = np.concatenate([kept_hashes, own_hashes]), claimed.rules
    mirrored = bool(rules.near_duplicate_mirrored)
    search = Keepers(hashes, rules.near_duplicate_distance or 0, given=kept_ids.size, mirrored=mirrored)
    return search, np.concatenate([kept_ids, own_ids]), kept_ids.size


async def _read(claimed: Claim, pulse: _Pulse) -> tuple[_Images, _Images]:
    own, older = _Images(), _Images()
    async for row in _rows(claimed.crawl_job_id, STORED):
        if row["by_hand"]:
            _add_decided(older, claimed.crawl_job_id, row)
        elif not judge(Judged.from_row(row), claimed.rules):
            own.add(claimed.crawl_job_id, row)
        await pulse.beat(0)
    for job in await _older_jobs(claimed):
        async for row in _rows(job, USABLE):
            if row["phash"] is not None:
                older.add(job, row)
                if len(own.ids) + len(older.ids) > MAX_COMPARED:
                    raise _TooMany
            await pulse.beat(READ / 2)
    if len(own.ids) > MAX_COMPARED:
        raise _TooMany
    return own, older


def _add_decided(kept: _Images, job: int, row: Any) -> None:
    """What a person kept stays, and what they refused keeps nothing else away."""
    if row["status"] == "valid" and row["phash"] is not None:
        kept.add(job, row)


async def _older_jobs(claimed: Claim) -> list[int]:
    if claimed.rules.near_duplicate_scope != "project":
        return []
    async with acquire() as connection:
        return [row["id"] for row in await connection.fetch(OLDER, claimed.crawl_job_id)]


async def _rows(job: int, states: Sequence[str]) -> AsyncIterator[Any]:
    last_id: int = 0
    while True:
        async with acquire() as connection:
            rows = await connection.fetch(ROWS, job, last_id, list(states), BATCH_ROWS)
        if not rows:
            return
        for row in rows:
            yield row
        last_id = rows[-1]["id"]


async def _run(search: Keepers, pulse: _Pulse) -> None:
    """Let the comparison work in a thread, a turn at a time: arrays of a million leave the interpreter to others."""
    steps = search.steps()
    while (share := await asyncio.to_thread(_turn, steps)) is not None:
        await pulse.beat(READ + (COMPARED - READ) * share)


def _turn(steps: Iterator[float]) -> float | None:
    """Work for `TURN_S` seconds; how far it has come, or None at its end."""
    until = time.monotonic() + TURN_S
    for share in steps:
        if time.monotonic() > until:
            return share
    return None


def _comparison(search: Keepers, ids: Ids, given: int, unknown: array[int], limit: int) -> Comparison:
    places = np.arange(given, ids.size)
    keeper = search.keeper[given:]
    keepers = np.concatenate([np.where(keeper == places, 0, ids[keeper]), np.full(len(unknown), -1)])
    distances = np.concatenate([search.distance[given:], np.zeros(len(unknown), np.uint8)])
    mirrored = np.concatenate([search.mirrored[given:], np.zeros(len(unknown), np.bool_)])
    own = np.concatenate([ids[given:], np.array(unknown, np.int64)])
    order = np.argsort(own)
    return Comparison(own[order], keepers[order], distances[order], mirrored[order], limit)
