"""The crawl queue's tasks: fetch a chunk. Each asks the database first whether there is work.

A chunk's outcomes are recorded as they come, so that progress lives; whatever stops a task, the rows that it did not
record stay pending, and the lease goes back or runs out.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import time
from typing import Any

from app import metrics, queue
from app.database import DATABASE_ERRORS
from app.errors import StorageRefused
from app.jobs import chunk as chunks
from app.jobs import due
from app.jobs.results import record_results
from app.log import log, new_id
from app.values import Lease, Outcome, Pending
from workers.engine import Engine
from workers.keeping import LeaseLost, keep, to_the_end

FLUSH_S = 0.4
"""Outcomes wait this long at most for others to be recorded with."""
FLUSH_ROWS = 250
GIVE_BACK_S = 5.0


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
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Record what waits; LeaseLost where it is not wanted any more."""
        async with self._writing:
            if not self.waiting:
                return
            taken, self.waiting = self.waiting, []
            recorded = await record_results(self.lease, taken)
            if recorded is None:
                raise LeaseLost
            self.recorded += len(recorded.reasons)
        await metrics.count_outcomes(recorded.reasons, recorded.bytes)


async def fetch_chunk(ctx: dict[str, Any], crawl_job_id: int, chunk: int) -> None:
    """Fetch the pending rows of a chunk, if the job runs and nobody else does."""
    engine: Engine = ctx["engine"]
    lease = Lease(crawl_job_id, chunk, secrets.token_hex(8))
    if not await _claim(engine, lease):
        return
    started_s = time.monotonic()
    batch = Batch(lease)
    stopped_by: str | None = None
    try:
        await _work(engine, lease, batch)
    except* LeaseLost:
        log.info("chunk_lost", job=crawl_job_id, chunk=chunk, recorded=batch.recorded)
    except* StorageRefused as group:
        stopped_by = str(group.exceptions[0])
        log.error("storage_refused", job=crawl_job_id, chunk=chunk, error=stopped_by)
    except* DATABASE_ERRORS as group:
        log.warning("chunk_interrupted", job=crawl_job_id, chunk=chunk, error=str(group.exceptions[0]))
    except* Exception as group:  # noqa: BLE001 - here a chunk ends: it would be hinted, and fail, for ever
        error_id = new_id()
        stopped_by = f"Something unexpected happened; the log has it under {error_id}."
        log.error("chunk_failed", job=crawl_job_id, chunk=chunk, error_id=error_id, exc_info=group)
    finally:
        await to_the_end(_give_back(lease, batch, stopped_by))
    spent_ms = int((time.monotonic() - started_s) * 1000)
    log.info("chunk_recorded", job=crawl_job_id, chunk=chunk, recorded=batch.recorded, ms=spent_ms)
    for hint in await due.due_chunks([crawl_job_id]):
        await queue.hint(hint)


async def _claim(engine: Engine, lease: Lease) -> bool:
    """Take the chunk. A worker that is told to end in the midst may have got it without knowing: then it goes back."""
    try:
        return await chunks.claim(lease, engine.name, engine.settings.lease_s)
    except asyncio.CancelledError:
        await to_the_end(_give_back(lease, Batch(lease), None))
        raise


async def _work(engine: Engine, lease: Lease, batch: Batch) -> None:
    """Fetch, record and keep the lease, each a task; the first to fail ends the others."""
    rows = await chunks.pending_rows(lease)
    lease_s = engine.settings.lease_s
    async with asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(batch.flush_often()),
            tasks.create_task(
                keep(
                    functools.partial(chunks.is_held, lease),
                    functools.partial(chunks.renew, lease, lease_s),
                    lease_s,
                )
            ),
        ]
        await _fetch_all(engine, rows, batch)
        await batch.flush()
        for task in beside:
            task.cancel()


async def _fetch_all(engine: Engine, rows: list[Pending], batch: Batch) -> None:
    async with contextlib.aclosing(engine.pipeline.fetch(rows)) as outcomes:
        async for outcome in outcomes:
            await batch.add(outcome)


async def _give_back(lease: Lease, batch: Batch, stopped_by: str | None) -> None:
    """Record what was fetched and return the lease, also when the worker is told to end; else the lease runs out."""
    try:
        async with asyncio.timeout(GIVE_BACK_S):
            with contextlib.suppress(LeaseLost):
                await batch.flush()
            await chunks.give_back(lease, stopped_by=stopped_by)
    except DATABASE_ERRORS as error:
        log.warning("lease_left", job=lease.crawl_job_id, chunk=lease.chunk, error=str(error))
