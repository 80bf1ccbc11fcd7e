"""Holding on to leased work: renewed while it goes on, dropped at once where the database says that it is not ours.

`keep()` raises LeaseLost; in a task group that cancels the work beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from app.database import DATABASE_ERRORS
from app.log import log

LOOK_S = 1.0
"""How often a task asks whether its work is still wanted: a cancelled job must stop within 2 s."""

LET_GO_S = 5.0
"""How long a worker that is told to end tries to hand back what it holds."""


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
    """Call `release()` within `LET_GO_S` seconds; where the database is away the lease runs out instead."""
    try:
        async with asyncio.timeout(LET_GO_S):
            await release()
    except DATABASE_ERRORS as error:
        log.warning("lease_left", error=str(error), **ids)
