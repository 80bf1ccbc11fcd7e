"""The roof of a worker process: its queues, its engine, its reconciler, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

import uvloop
from arq import func
from arq.worker import Worker

from app import queue
from app.database import connected
from app.log import configure, log
from app.settings import settings
from workers.crawl import fetch_chunk
from workers.discover import discover
from workers.engine import Engine, open_engine
from workers.export import export
from workers.reconcile import collect_often, mark_often, reconcile_often
from workers.unexpected import guarded
from workers.validation import validate

POLL_S = 0.03
QUEUE_READ = 1_000
"""More than the whole fleet runs at once: idle workers would starve behind running tasks otherwise."""
CRAWL_TIMEOUT_S = 120
"""A chunk that takes longer gives its lease back and is hinted again. arq looks at a killed worker's task at every poll
until this time has passed, so it is short."""
EXPORT_TIMEOUT_S = 12 * 3_600
"""An export or a validation begins anew when it is interrupted, so it is given its time."""
DISCOVER_TASKS = 4
EXPORT_TASKS = 2
RECONNECT_S = 0.5


def run(only: str | None = None) -> None:
    """Run a worker for the queue `crawl` or `export`, or for both, until SIGTERM or SIGINT."""
    uvloop.run(serve(only))


async def serve(only: str | None) -> None:
    """Open what a worker needs and work until told to end; then hand running work on."""
    found = settings()
    configure(found.log_level, as_json=found.log_json, process="worker")
    async with connected(role="worker"), open_engine() as engine:
        log.info("worker_started", worker=engine.name, queues=only or "crawl, export")
        working = asyncio.ensure_future(work(engine, only))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working
        log.info("worker_stopped", worker=engine.name)
    await queue.close()


async def work(engine: Engine, only: str | None) -> None:
    """Consume queues and reconcile, until cancelled."""
    found = engine.settings
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mark_worker(engine.name))
        tasks.create_task(reconcile_often(found))
        tasks.create_task(collect_often(engine.storage, found))
        if only in (None, "crawl"):
            tasks.create_task(_consume(engine, queue.CRAWL_QUEUE, [discover], DISCOVER_TASKS, CRAWL_TIMEOUT_S))
            chunks = found.worker_chunks
            tasks.create_task(_consume(engine, queue.CHUNK_QUEUE, [fetch_chunk], chunks, CRAWL_TIMEOUT_S))
        if only in (None, "export"):
            tasks.create_task(_consume(engine, queue.EXPORT_QUEUE, [validate, export], EXPORT_TASKS, EXPORT_TIMEOUT_S))


async def mark_worker(name: str) -> None:
    """Mark the worker as alive, also after Redis was away."""
    while True:
        try:
            await mark_often(name)
        except queue.REDIS_ERRORS as error:
            log.warning("mark_failed", error=str(error))
            await asyncio.sleep(RECONNECT_S)


async def _consume(engine: Engine, name: str, functions: list[Any], most: int, timeout_s: int) -> None:
    """Take tasks of one queue until cancelled; a Redis that goes away costs only the time that it is away."""
    while True:
        worker = Worker(
            [func(guarded(one), max_tries=1, timeout=timeout_s, keep_result=0) for one in functions],
            queue_name=name,
            redis_settings=queue.redis_settings(),
            handle_signals=False,
            max_jobs=most,
            poll_delay=POLL_S,
            queue_read_limit=QUEUE_READ,
            retry_jobs=False,
            log_results=False,
            job_serializer=queue.to_json,
            job_deserializer=queue.from_json,
            ctx={"engine": engine},
        )
        looking = asyncio.ensure_future(worker.async_run())
        try:
            await asyncio.shield(looking)
        except queue.REDIS_ERRORS as error:
            log.warning("queue_interrupted", queue=name, error=str(error))
            await asyncio.sleep(RECONNECT_S)
        finally:
            await _stop(worker, looking)


async def _stop(worker: Worker, looking: asyncio.Future[None]) -> None:
    """Cancel the worker's tasks and wait until they have handed their leases back."""
    # Cancelled between two looks at the queue: within one it would leave a connection in the middle of its words.
    worker.allow_pick_jobs = False
    await asyncio.wait([looking], timeout=2 * POLL_S)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    for task in worker.tasks.values():
        task.cancel()
    await asyncio.gather(*worker.tasks.values(), return_exceptions=True)
    with contextlib.suppress(*queue.REDIS_ERRORS):
        if worker._pool is not None:
            await worker.pool.aclose(close_connection_pool=True)
