"""What keeps promises when messages, workers or Redis are lost: due work is hinted again, dead leases go back.

Runs in every worker process; it asks and hints, and what it changes is guarded, so that several at once do no harm.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

from app import queue
from app.database import DATABASE_ERRORS
from app.errors import StorageRefused
from app.jobs import chunk, collect, due, export
from app.log import log
from app.settings import Settings
from app.storage import Storage

COLLECT_EVERY_S = 600.0
MARK_TTL_S = 15
MARK_EVERY_S = 4.0


async def reconcile_often(settings: Settings) -> None:
    """Reconcile every `reconcile_s` seconds, a little apart from other workers, until cancelled."""
    while True:
        await asyncio.sleep(settings.reconcile_s * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, no secret
        try:
            await reconcile(settings.lease_s)
        except DATABASE_ERRORS as error:
            log.warning("reconcile_failed", error=str(error))


async def reconcile(lease_s: float) -> None:
    """One round: give dead leases back, close what is over, expire exports, hint what is due."""
    for lease in await chunk.expired_leases():
        if await chunk.give_back(lease):
            log.warning("lease_expired", job=lease.crawl_job_id, chunk=lease.chunk)
    await due.close_what_is_over()
    await export.expire()
    for hint in await due.due_hints(lease_s):
        if not await queue.hint(hint):
            return  # Redis is away: the next round hints again


async def collect_often(storage: Storage, settings: Settings) -> None:
    """Collect unnamed bytes every ten minutes, until cancelled."""
    while True:
        await asyncio.sleep(COLLECT_EVERY_S * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, no secret
        older_than = datetime.now(UTC) - timedelta(seconds=settings.blob_grace_s)
        try:
            removed = await collect.collect(storage, older_than) + await storage.drop_partial(older_than)
        except (StorageRefused, *DATABASE_ERRORS) as error:
            log.warning("collect_failed", error=str(error))
            continue
        if removed:
            log.info("collected", objects=removed)


async def mark_often(name: str) -> None:
    """Say in Redis that this worker lives, until cancelled."""
    while True:
        await queue.mark_worker(name, MARK_TTL_S)
        await asyncio.sleep(MARK_EVERY_S)
