"""Holding on to leased work: renewed while it goes on, dropped at once where the database says that it is not ours.

`keep()` raises LeaseLost; in a task group that cancels the work beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import asyncpg

from app.database import DATABASE_ERRORS
from app.log import log

LOOK_S = 1.0
"""How often a task asks whether its work is still wanted: a cancelled job must stop within 2 s."""

LET_GO_S = 5.0
"""How long a worker tries to hand back what it holds."""
AGAIN_S = 0.3

Answer = TypeVar("Answer")


class LeaseLost(Exception):
    """The job was cancelled, deleted or ended, or another worker holds the lease."""


async def keep(is_held: Callable[[], Awaitable[bool]], renew: Callable[[], Awaitable[bool]], lease_s: float) -> None:
    """Ask every second, renew before a third of the lease has gone; raise LeaseLost when it is not ours any more.

    A database that is away is borne until the lease would have run out: nothing could be recorded anyway.
    """
    sure_until = time.monotonic() + lease_s
    renewed = time.monotonic()
    while True:
        await asyncio.sleep(LOOK_S)
        now = time.monotonic()
        due = now - renewed > lease_s / 3
        try:
            held = await (renew() if due else is_held())
        except DATABASE_ERRORS as error:
            log.warning("lease_unsure", error=str(error))
            if now > sure_until:
                raise LeaseLost from error
            continue
        if not held:
            raise LeaseLost
        if due:
            renewed, sure_until = now, now + lease_s


async def to_the_end(doing: Coroutine[Any, Any, None]) -> None:
    """Do it also when this task is told to end in its midst, and end only then: a lease must be given back."""
    task = asyncio.ensure_future(doing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def let_go(release: Callable[[], Awaitable[object]], **ids: int) -> None:
    """Call `release()`; where the database is away for longer than `LET_GO_S` seconds the lease runs out instead."""
    try:
        async with asyncio.timeout(LET_GO_S):
            await patiently(release)
    except TimeoutError:
        log.warning("lease_left", **ids)


async def patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """What the database answers, asked until it does: one that restarts costs that time and no work. Not where it is
    full: that does not pass by itself, and DiskFullError is raised."""
    while True:
        try:
            return await ask()
        except asyncpg.DiskFullError:
            raise
        except DATABASE_ERRORS as error:
            log.warning("database_awaited", error=str(error))
            await asyncio.sleep(AGAIN_S)
