"""Seeking a job's candidates: drawn from its sources as many as it can use now, and recorded.

Candidates and where each search stands are recorded together: whoever goes on later begins exactly after the last
recorded candidate.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator

from app.jobs.discovery import Search
from app.jobs.kept_answers import KeptAnswers
from app.jobs.upload import key_of
from app.sources.base import Tools
from app.sources.registry import SOURCES
from app.values import snake
from workers.engine import Engine
from workers.recorder import Recorder
from workers.wells import Field, Origin, wells_of

STEP_S = 60.0
"""One task seeks this long at most, then lets others have their turn."""


async def seek(engine: Engine, search: Search) -> None:
    """Draw candidates until the job has enough, every source is dry, or time has run out. LeaseLost, StorageRefused."""
    ends_s = time.monotonic() + STEP_S
    async with contextlib.AsyncExitStack() as stack, Recorder(search) as recorder:
        origins = [
            _origin(engine, search, place)
            for place, entry in enumerate(search.discovery)
            if entry["state"] in ("pending", "running")
        ]
        field = Field([well for origin in origins for well in wells_of(origin, search.terms)], recorder.room)
        for origin in origins:
            origin.settle()
        while field and await recorder.has_room() and time.monotonic() < ends_s:
            await recorder.add(await field.draw(recorder.room, stack))


def _origin(engine: Engine, search: Search, place: int) -> Origin:
    asked, entry = search.sources[place], search.discovery[place]
    entry["state"] = "running"

    def open_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
        return engine.storage.stream(key_of(upload_id), start)

    options = {snake(name): value for name, value in asked["options"].items()}
    tools = Tools(engine.client, engine.settings, open_upload, answers=KeptAnswers())
    return Origin(place, SOURCES[asked["name"]], options, tools, entry)
