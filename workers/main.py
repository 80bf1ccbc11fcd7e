"""The roof of a worker process: its queues, its engine, its reconciler, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import signal

import uvloop

from app import queue
from app.database import connected
from app.log import configure, log
from app.settings import settings
from workers.crawl import take_chunk
from workers.datasets import take_dataset
from workers.discover import take_discovery
from workers.engine import Engine, open_engine
from workers.line import Line
from workers.listening import listen
from workers.reconcile import collect_often, mark_often, reconcile_often

DISCOVERIES = 4
DATASETS = 2
"""Validations and exports at once, in one process."""
RECONNECT_S = 0.5
OBJECTS_BEFORE_COLLECTING = 20_000
"""Nearly all that an image makes goes as its count ends; looking for circles each 700 objects cost 2 % of the CPU."""


def run(only: str | None = None) -> None:
    """Run a worker for the queue `crawl` or `export`, or for both, until SIGTERM or SIGINT."""
    uvloop.run(serve(only))


async def serve(only: str | None) -> None:
    """Open what a worker needs and work until told to end; then hand running work on."""
    found = settings()
    configure(found.log_level, as_json=found.log_json, process="worker")
    async with connected(role="worker"), open_engine(fetches=only != "export") as engine:
        gc.freeze()  # modules and what is open stay: no collection has to look at them
        gc.set_threshold(OBJECTS_BEFORE_COLLECTING)
        log.info("worker_started", worker=engine.name, queues=only or "crawl, export")
        working = asyncio.ensure_future(work(engine, only))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await working
        log.info("worker_stopped", worker=engine.name)
    await queue.close()


async def work(engine: Engine, only: str | None) -> None:
    """Work on what is due and reconcile, until cancelled."""
    found, tick_s = engine.settings, engine.settings.reconcile_s
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mark_worker(engine.name))
        tasks.create_task(reconcile_often(found))
        tasks.create_task(collect_often(engine.storage, found))
        if only in (None, "crawl"):
            seeking = Line("discover", DISCOVERIES, tick_s, functools.partial(take_discovery, engine))
            fetching = Line("fetch", found.worker_chunks, tick_s, functools.partial(take_chunk, engine))
            tasks.create_task(seeking.run())
            tasks.create_task(fetching.run())
            tasks.create_task(listen(queue.CRAWL_QUEUE, ["discover"], seeking))
            tasks.create_task(listen(queue.CHUNK_QUEUE, ["fetch_chunk"], fetching))
        if only in (None, "export"):
            judging = Line("export", DATASETS, tick_s, functools.partial(take_dataset, engine))
            tasks.create_task(judging.run())
            tasks.create_task(listen(queue.EXPORT_QUEUE, ["validate", "export"], judging))


async def mark_worker(name: str) -> None:
    """Mark the worker as alive, also after Redis was away."""
    while True:
        try:
            await mark_often(name)
        except queue.REDIS_ERRORS as error:
            log.warning("mark_failed", error=str(error))
            await asyncio.sleep(RECONNECT_S)
