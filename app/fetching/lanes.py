"""Waiting by turns: whoever waits with many does not keep those out who wait with few.

A lane is one call of the pipeline, hence one chunk: its rows wait behind each other, not before other chunks' rows.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from contextvars import ContextVar

LANE: ContextVar[object] = ContextVar("lane", default=None)
"""The lane of the present task; all tasks without one share a lane."""


class Lanes:
    """Those who wait for a place, in their lanes; each lane is asked for its next one in turn."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[object, deque[asyncio.Future[None]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def add(self) -> asyncio.Future[None]:
        """Wait, in the present task's lane."""
        served = asyncio.get_running_loop().create_future()
        self._lanes.setdefault(LANE.get(), deque()).append(served)
        return served

    def next(self) -> asyncio.Future[None]:
        """The next one to be served, taken out; it may have been cancelled. Raises KeyError where nobody waits."""
        lane, line = self._lanes.popitem(last=False)
        served = line.popleft()
        if line:
            self._lanes[lane] = line  # at the end: all others come before its next
        return served

    def drop(self, served: asyncio.Future[None]) -> None:
        """Wait no more."""
        lane = LANE.get()
        line = self._lanes.get(lane)
        if line is not None and served in line:
            line.remove(served)
            if not line:
                del self._lanes[lane]
