"""Hints of the queue, heard: each wakes the line that its work belongs to. What is due the line asks the database."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from arq import func
from arq.worker import Worker

from app import queue
from app.log import log
from workers.line import Line

POLL_S = 0.03
HELD = 4
"""Hints that a process without a free place holds on to; all others are left to processes that have one."""
QUEUE_READ = 1_000
"""More than the whole fleet holds at once: idle workers would starve behind held hints otherwise."""
HOLD_S = 20.0
"""A held hint is dropped after this: whoever has a free place has asked the database many times since."""
RECONNECT_S = 0.5


async def listen(queue_name: str, tasks: list[str], line: Line) -> None:
    """Wake `line` at each hint of a queue until cancelled; `tasks` are the names of its hints.

    A Redis that goes away costs nothing but the hints of that time.
    """

    async def wake(ctx: dict[str, Any], *ids: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOLD_S):
                await line.wake()

    while True:
        worker = Worker(
            [func(wake, name=name, max_tries=1, timeout=2 * HOLD_S, keep_result=0) for name in tasks],
            queue_name=queue_name,
            redis_settings=queue.redis_settings(),
            handle_signals=False,
            max_jobs=HELD,
            poll_delay=POLL_S,
            queue_read_limit=QUEUE_READ,
            retry_jobs=False,
            log_results=False,
            job_serializer=queue.to_json,
            job_deserializer=queue.from_json,
        )
        looking = asyncio.ensure_future(worker.async_run())
        try:
            await asyncio.shield(looking)
        except queue.REDIS_ERRORS as error:
            log.warning("queue_interrupted", queue=queue_name, error=str(error))
            await asyncio.sleep(RECONNECT_S)
        finally:
            await _stop(worker, looking)


async def _stop(worker: Worker, looking: asyncio.Future[None]) -> None:
    """Cancel what the listener is at and close its connections."""
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
