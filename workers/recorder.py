"""Candidates on their way into the database: while some are recorded, the next are drawn.

A batch and where each source stood after it go together. One batch is under way at a time, in order.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from types import TracebackType

from app.jobs import discovery
from app.jobs.discovery import Search
from app.values import Candidate
from workers.keeping import LeaseLost, patiently

BATCH_ROWS = 5_000
"""More would save little, and hold the job's row for longer than its results should wait."""
FLUSH_S = 1.0
"""Candidates of a slow source wait this long at most for others to be recorded with."""


class Recorder:
    """Candidates that wait to be recorded together, and those that are being recorded.

    `workers` says how many fetch. As a context it records the rest at the end, unless the block failed.
    """

    def __init__(self, search: Search, workers: Callable[[], int]) -> None:
        self.search = search
        self._workers = workers
        self._waiting: list[Candidate] = []
        self._room = search.room
        self._begun_s = 0.0
        self._recording: asyncio.Task[int | None] | None = None
        self._under_way = 0

    async def __aenter__(self) -> Recorder:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.flush()
        finally:
            if self._recording is not None:
                self._recording.cancel()
                await asyncio.gather(self._recording, return_exceptions=True)

    @property
    def room(self) -> int:
        """How many more candidates the job can use, as far as is known while some are being recorded."""
        return self._room - self._under_way - len(self._waiting)

    async def has_room(self) -> bool:
        """Whether the job can use more. Asked for certain before the answer is no: some may have been known."""
        if self.room <= 0:
            await self.flush()
        return self.room > 0

    async def add(self, candidates: list[Candidate]) -> None:
        """Take candidates; the first ones are recorded at once, so that fetching begins. LeaseLost as `flush`."""
        self._waiting += candidates
        due = time.monotonic() - self._begun_s > FLUSH_S
        if len(self._waiting) >= BATCH_ROWS or (due and self._waiting):
            await self._begin()

    async def flush(self) -> None:
        """Record what waits, and how the sources stand. LeaseLost where another seeks."""
        await self._begin()
        await self._settle()

    async def _begin(self) -> None:
        await self._settle()
        taken, self._waiting = self._waiting, []
        # Said now: whatever is drawn while these are recorded belongs to the next batch.
        state = discovery.state_of(self.search)
        self._under_way, self._begun_s = len(taken), time.monotonic()
        recording = functools.partial(discovery.record_candidates, self.search, taken, state, self._workers())
        self._recording = asyncio.create_task(patiently(recording))

    async def _settle(self) -> None:
        if self._recording is None:
            return
        room = await self._recording
        self._recording, self._under_way = None, 0
        if room is None:
            raise LeaseLost
        self._room = room
