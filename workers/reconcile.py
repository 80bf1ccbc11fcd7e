"""What keeps promises when workers are lost: dead leases go back, retries go on, what is over is closed or expires.

Runs in every worker process; what it changes is guarded, so that several at once do no harm.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

from app import queue
from app.database import DATABASE_ERRORS
from app.errors import StorageRefused
from app.jobs import chunk, closing, collect, export, reviving
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
            await reconcile()
        except DATABASE_ERRORS as error:
            log.warning("reconcile_failed", error=str(error))


async def reconcile() -> None:
    """One round."""
    for lease in await chunk.expired_leases():
        if await chunk.give_back(lease):
            log.warning("lease_expired", job=lease.crawl_job_id, chunk=lease.chunk)
    await reviving.go_on()
    await closing.close_what_is_over()
    await export.expire()


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
