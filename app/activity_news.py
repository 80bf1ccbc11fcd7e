"""New lines of the activity log, in the order of their ids, none left out.

A line's id is taken before its transaction commits, so a line may come to light after lines with greater ids. Who read
up to the greatest would miss it. Lines are therefore told only up to `settled`: the id below which nothing can come
any more. A gap between ids holds the lines after it back until the gap is filled, or for `GAP_S` (it was a rollback).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable

from app.database import acquire

GAP_S = 10.0
"""How long a gap holds back what comes after it, seconds: longer than a transaction that writes a line."""
LINES = 1_000
"""Lines that one sweep looks at."""

# Where the last old line is, nothing below can come: who wrote it began long ago.
OLD = "select id from activity_logs where timestamp < now() - $1 * interval '1 s' order by timestamp desc limit 1"
FIRST = "select min(id) - 1 from activity_logs"
NEWER = "select id from activity_logs where id > $1 order by id limit $2"


class ActivityFeed:
    """How far the log is settled, for all who follow it in this process."""

    def __init__(self) -> None:
        self.settled = -1
        """The id up to which lines may be told; -1 while nobody follows."""
        self.followers = 0
        self._changed = asyncio.Event()
        self._gap: tuple[int, float] = (0, 0.0)
        """The id before which a gap was met, and when."""

    @contextlib.asynccontextmanager
    async def follow(self) -> AsyncIterator[None]:
        """Keep `settled` up to date meanwhile."""
        self.followers += 1
        try:
            await self.sweep()
            yield
        finally:
            self.followers -= 1
            if not self.followers:
                self.settled = -1

    async def sweep(self) -> None:
        """Look how far the log is settled by now."""
        if not self.followers:
            return
        async with acquire() as connection:
            if self.settled < 0:
                old = await connection.fetchval(OLD, 2 * GAP_S)
                self.settled = (await connection.fetchval(FIRST) or 0) if old is None else old
            rows = await connection.fetch(NEWER, self.settled, LINES)
        self.settle([row["id"] for row in rows], time.monotonic())

    def settle(self, ids: Iterable[int], now_s: float) -> None:
        """Go over the ids after `settled`, which are there at `now_s`, and wake who follows if any is settled."""
        before = self.settled
        for key in ids:
            if key > self.settled + 1 and not self._may_pass(key, now_s):
                break
            self.settled = max(key, self.settled)
        if self.settled > before:
            self._changed.set()
            self._changed = asyncio.Event()

    def _may_pass(self, key: int, now_s: float) -> bool:
        met, since_s = self._gap
        if met != key:
            self._gap = (key, now_s)
            return False
        return now_s - since_s > GAP_S

    async def settled_after(self, key: int) -> int:
        """The id up to which lines may be told, once it is greater than `key`."""
        while self.settled <= key:
            await self._changed.wait()
        return self.settled
