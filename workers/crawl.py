"""Fetching a chunk: taken by whoever has a free place, as the database says whose turn it is.

A chunk's outcomes are recorded as they come, so that progress lives; whatever stops a task, the rows that it did not
record stay pending, and the lease goes back or runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import time

import asyncpg

from app import metrics
from app.database import DATABASE_ERRORS
from app.jobs import chunk as chunks
from app.jobs.results import record_results
from app.jobs.turns import next_chunk
from app.log import log
from app.values import Lease, Outcome, Pending
from workers.engine import Engine
from workers.hand import Handful
from workers.keeping import LeaseLost, keep, let_go, patiently, to_the_end
from workers.line import Interrupted, Left, Work, nearly_done
from workers.unexpected import REFUSALS, noted, refused

CHUNK_S = 120.0
"""A chunk that takes longer gives its lease back: others have their turn, and the rest of it waits for its next."""
TRIES = 10
"""How often others may be quicker to claim a chunk before this worker waits a moment."""
FLUSH_S = (0.1, 1.0)
"""Outcomes wait this long at most for others to be recorded with: at a chunk's begin, when somebody may be watching
for the first image, and from the fourth time on. A recording costs as much as three images, however few it is of."""
FLUSH_ROWS = 500
FEW = 0.1
"""With this share of its rows left a chunk mostly waits: for bodies that drip, for pauses and before retries."""


class Batch:
    """Outcomes of one chunk that wait to be recorded together."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.waiting: list[Outcome] = []
        self.recorded = 0
        self._writing = asyncio.Lock()

    async def add(self, outcome: Outcome) -> None:
        """Take an outcome; a full batch is recorded at once."""
        self.waiting.append(outcome)
        if len(self.waiting) >= FLUSH_ROWS:
            await self.flush()

    async def flush_often(self) -> None:
        """Record what waits, again and again, until cancelled."""
        wait_s, longest_s = FLUSH_S
        while True:
            await asyncio.sleep(wait_s)
            await self.flush()
            wait_s = min(2 * wait_s, longest_s)

    async def flush(self) -> None:
        """Record what waits, as soon as the database takes it; LeaseLost where it is not wanted any more.

        Meanwhile nobody else records: a full batch waits, and with it the rows that are still to be fetched.
        """
        async with self._writing:
            if not self.waiting:
                return
            taken, self.waiting = self.waiting, []
            try:
                recorded = await patiently(functools.partial(record_results, self.lease, taken))
            except asyncio.CancelledError:
                # Once more with the rest: what the database has by now it passes over.
                self.waiting = taken + self.waiting
                raise
            if recorded is None:
                raise LeaseLost
            self.recorded += len(recorded.reasons)
        await metrics.count_outcomes(recorded.reasons, recorded.bytes)


async def take_chunk(engine: Engine, *, newcomers: bool) -> Work | Left | None:
    """Claim the chunk whose turn it is; see `workers.line.Take`."""
    await engine.pipeline.steady()
    for _ in range(TRIES):
        found = await next_chunk(engine.shares.seat, engine.hand.by_job(), newcomers=newcomers)
        if found is None:
            return None
        if found.of_others:
            return Left.TO_OTHERS
        lease = Lease(found.crawl_job_id, found.chunk, secrets.token_hex(8))
        if rows := await _claim(engine, lease):
            return functools.partial(fetch_chunk, engine, lease, engine.hand.take(lease.crawl_job_id, rows))
    return None


async def fetch_chunk(engine: Engine, lease: Lease, handful: Handful) -> None:
    """Fetch the pending rows of a chunk that was claimed. Raises Interrupted."""
    crawl_job_id, chunk = lease.crawl_job_id, lease.chunk
    started_s = time.monotonic()
    batch = Batch(lease)
    stopped_by: str | None = None
    interrupted = False
    try:
        await _work(engine, lease, batch, handful)
    except* LeaseLost:
        log.info("chunk_lost", job=crawl_job_id, chunk=chunk, recorded=batch.recorded)
    except* REFUSALS as group:
        stopped_by = refused(group)
        log.error("storage_refused", job=crawl_job_id, chunk=chunk, error=stopped_by)
    except* DATABASE_ERRORS as group:
        interrupted = True
        log.warning("chunk_interrupted", job=crawl_job_id, chunk=chunk, error=str(group.exceptions[0]))
    except* Exception as group:  # noqa: BLE001 - here a chunk ends: it would be hinted, and fail, for ever
        stopped_by = noted("chunk_failed", group, job=crawl_job_id, chunk=chunk)
    finally:
        engine.hand.drop(handful)
        await to_the_end(_give_back(lease, batch, stopped_by))
    spent_ms = int((time.monotonic() - started_s) * 1000)
    log.info("chunk_recorded", job=crawl_job_id, chunk=chunk, recorded=batch.recorded, ms=spent_ms)
    if interrupted:
        raise Interrupted


async def _claim(engine: Engine, lease: Lease) -> int:
    """Take the chunk: how many rows, 0 where others were quicker.

    A worker that is told to end in the midst may have got it without knowing: then it goes back.
    """
    try:
        return await chunks.claim(lease, engine.name, engine.settings.lease_s)
    except asyncio.CancelledError:
        await to_the_end(_give_back(lease, Batch(lease), None))
        raise


async def _work(engine: Engine, lease: Lease, batch: Batch, handful: Handful) -> None:
    """Fetch, record and keep the lease, each a task, until all is fetched or the turn is over."""
    rows = await chunks.pending_rows(lease)
    try:
        async with asyncio.timeout(CHUNK_S):
            await _side_by_side(engine, lease, rows, batch, handful)
    except TimeoutError:  # the turn's own: what the tasks raise comes as a group
        log.info("chunk_turn_over", job=lease.crawl_job_id, chunk=lease.chunk)


async def _side_by_side(engine: Engine, lease: Lease, rows: list[Pending], batch: Batch, handful: Handful) -> None:
    """The first of the tasks to fail ends the others."""
    lease_s = engine.settings.lease_s
    is_held, renew = functools.partial(chunks.is_held, lease), functools.partial(chunks.renew, lease, lease_s)
    async with asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(batch.flush_often()), tasks.create_task(keep(is_held, renew, lease_s))]
        await _fetch_all(engine, rows, batch, handful)
        await batch.flush()
        for task in beside:
            task.cancel()


async def _fetch_all(engine: Engine, rows: list[Pending], batch: Batch, handful: Handful) -> None:
    async with contextlib.aclosing(engine.pipeline.fetch(rows)) as outcomes:
        handful.rows, few = len(rows), int(FEW * len(rows))
        async for outcome in outcomes:
            await batch.add(outcome)
            handful.rows -= 1
            if handful.rows <= few:
                nearly_done()


async def _give_back(lease: Lease, batch: Batch, stopped_by: str | None) -> None:
    """Record what was fetched and return the lease, also when the worker is told to end."""

    async def release() -> None:
        with contextlib.suppress(LeaseLost, asyncpg.DiskFullError):
            await batch.flush()
        await chunks.give_back(lease, stopped_by=stopped_by)

    await let_go(release, job=lease.crawl_job_id, chunk=lease.chunk)
