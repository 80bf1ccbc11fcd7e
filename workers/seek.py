"""Seeking a job's candidates: drawn from its sources as many as it can use now, and recorded.

Candidates and where each search stands are recorded together: whoever goes on later begins exactly after the last
recorded candidate.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator

from app.jobs import discovery
from app.jobs.discovery import Search
from app.jobs.upload import key_of
from app.sources.base import Tools
from app.sources.registry import SOURCES
from app.values import Candidate, snake
from workers.engine import Engine
from workers.keeping import LeaseLost
from workers.wells import Field, Origin, wells_of

STEP_S = 60.0
"""One task seeks this long at most, then lets others have their turn."""
FLUSH_S = 1.0
"""Candidates of a slow source wait this long at most for a chunk to fill."""


async def seek(engine: Engine, search: Search) -> None:
    """Draw candidates until the job has enough, every source is dry, or time has run out. LeaseLost, StorageRefused."""
    ends_s = time.monotonic() + STEP_S
    recorder = Recorder(search)
    async with contextlib.AsyncExitStack() as stack:
        origins = [
            _origin(engine, search, place)
            for place, entry in enumerate(search.discovery)
            if entry["state"] in ("pending", "running")
        ]
        field = Field([well for origin in origins for well in wells_of(origin, search.terms)], recorder.room)
        for origin in origins:
            origin.settle()
        while field and recorder.room > 0 and time.monotonic() < ends_s:
            await recorder.add(await field.draw(recorder.room, stack))
        await recorder.flush()


def _origin(engine: Engine, search: Search, place: int) -> Origin:
    asked, entry = search.sources[place], search.discovery[place]
    entry["state"] = "running"

    def open_upload(upload_id: str) -> AsyncIterator[bytes]:
        return engine.storage.stream(key_of(upload_id))

    options = {snake(name): value for name, value in asked["options"].items()}
    return Origin(place, SOURCES[asked["name"]], options, Tools(engine.client, engine.settings, open_upload), entry)


class Recorder:
    """Candidates that wait to be recorded together: a chunk of them, or what came within a second."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.waiting: list[Candidate] = []
        self._room = search.room
        self._flushed_s = 0.0

    @property
    def room(self) -> int:
        """How many more candidates the job can use."""
        return self._room - len(self.waiting)

    async def add(self, candidates: list[Candidate]) -> None:
        """Take candidates; the first ones are recorded at once, so that fetching begins."""
        self.waiting += candidates
        due = time.monotonic() - self._flushed_s > FLUSH_S
        if len(self.waiting) >= self.search.chunk_size or (due and self.waiting):
            await self.flush()

    async def flush(self) -> None:
        """Record what waits, and how the sources stand. LeaseLost where another seeks."""
        taken, self.waiting = self.waiting, []
        room = await discovery.record_candidates(self.search, taken)
        if room is None:
            raise LeaseLost
        self._room, self._flushed_s = room, time.monotonic()
