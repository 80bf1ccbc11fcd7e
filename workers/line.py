"""One kind of work in one process: so many places, each of which takes what is due and does it, again and again.

Whose turn it is the database says (`app/jobs/turns.py`). A hint only shortens the wait: a line asks every `tick_s`
seconds anyway, so that work goes on while Redis is away. When all places are taken there is one more, for users who
have nothing under way in the whole fleet: they do not wait for others' long work to end. Work that has come to its last
and slow part says so, and ends beside the place that it had.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
from collections.abc import Awaitable, Callable
from typing import Protocol

from app.database import DATABASE_ERRORS
from app.log import log, new_id

Work = Callable[[], Awaitable[None]]
"""Work that was taken, to be done at once: whoever is cancelled in it hands it back."""


class Left(enum.Enum):
    """Why nothing was taken although something is due."""

    TO_OTHERS = enum.auto()
    """It is others' to take: worth another look soon, in case they do not come."""


SOON_S = 0.1
"""When what was left to others is looked at again."""
BESIDE = 3
"""Pieces of work that may end beside each place: what one slow host holds up is not to hold up a process."""

_NEARLY_DONE: contextvars.ContextVar[Callable[[], None]] = contextvars.ContextVar("nearly_done", default=lambda: None)


def nearly_done() -> None:
    """Said by work that only waits any more: its place is free for other work while it ends. May be said often."""
    _NEARLY_DONE.get()()


class Interrupted(Exception):
    """Work could not go on, which is logged already: the database was away, say. What it left is due again."""


class Take(Protocol):
    """Takes work that is due, of whoever's turn it is."""

    async def __call__(self, *, newcomers: bool) -> Work | Left | None:
        """None where nothing is due; with `newcomers`, nothing of users who have nothing under way."""


class Line:
    """`most` places and one for newcomers. What goes wrong in one piece of work is logged and ends that piece only."""

    def __init__(self, name: str, most: int, tick_s: float, take: Take) -> None:
        self.name = name
        self._most = most
        self._tick_s = tick_s
        self._take = take
        self._looking = asyncio.Lock()
        self._woken = asyncio.Event()
        self._free = asyncio.Event()
        self._beside = asyncio.Semaphore(BESIDE * most)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._most):
                tasks.create_task(self._place(tasks))
            tasks.create_task(self._newcomers_place())

    async def wake(self) -> None:
        """Something may be due: look at once. Waits until a place is free, so that others hear of it instead."""
        await self._free.wait()
        self._woken.set()

    async def _place(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            # One free place of a process looks for all of them.
            async with self._looking:
                work = await self._next()
            left = asyncio.Event()
            task = tasks.create_task(self._do_and_leave(work, left))
            await left.wait()
            if not task.done():
                await self._beside.acquire()
                task.add_done_callback(lambda _: self._beside.release())

    async def _do_and_leave(self, work: Work, left: asyncio.Event) -> None:
        """The place is left when the work says that it is nearly done, or has ended."""
        _NEARLY_DONE.set(left.set)
        try:
            await self._do(work)
        finally:
            left.set()

    async def _newcomers_place(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            if not self._looking.locked():
                work = await self._look(newcomers=True)
                if work is not None and work is not Left.TO_OTHERS:
                    await self._do(work)

    async def _next(self) -> Work:
        self._free.set()
        try:
            while True:
                self._woken.clear()
                work = await self._look(newcomers=False)
                if work is Left.TO_OTHERS:
                    await self._tick(min(SOON_S, self._tick_s))
                elif work is None:
                    await self._tick(self._tick_s)
                else:
                    return work
        finally:
            self._free.clear()

    async def _tick(self, most_s: float) -> None:
        try:
            async with asyncio.timeout(most_s):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _look(self, *, newcomers: bool) -> Work | Left | None:
        try:
            return await self._take(newcomers=newcomers)
        except DATABASE_ERRORS as error:
            log.warning("line_interrupted", line=self.name, error=str(error))
            return None

    async def _do(self, work: Work) -> None:
        try:
            await work()
            return
        except Interrupted:
            pass
        except DATABASE_ERRORS as error:
            log.warning("task_interrupted", line=self.name, error=str(error))
        except Exception:  # noqa: BLE001 - here a task ends
            log.exception("task_failed", error_id=new_id(), line=self.name)
        # It may be due again at once, and fail again: that must not become a loop that hammers hosts or the log.
        await asyncio.sleep(self._tick_s)
