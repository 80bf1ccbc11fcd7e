"""Seeking a job's candidates: drawn from its sources as many as it can use now, and recorded.

Candidates and where each search stands are recorded together: whoever goes on later begins exactly after the last
recorded candidate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from app.jobs.discovery import Search
from app.jobs.kept_answers import KeptAnswers
from app.jobs.upload import key_of
from app.sources.base import Tools
from app.sources.registry import SOURCES
from app.values import snake
from workers.engine import Engine
from workers.field import Field
from workers.recorder import Recorder
from workers.wells import Origin, dig

STEP_S = 60.0
"""One task seeks this long at most, then lets others have their turn."""


async def seek(engine: Engine, search: Search) -> None:
    """Draw candidates until the job has enough, every source is dry, or time has run out. LeaseLost, StorageRefused."""
    ends_s = time.monotonic() + STEP_S
    origins = [
        _origin(engine, search, place)
        for place, entry in enumerate(search.discovery)
        if entry["state"] in ("pending", "running")
    ]
    async with Recorder(search, lambda: engine.shares.seat.of) as recorder, Field(origins, recorder.room) as field:
        while field and await recorder.has_room() and time.monotonic() < ends_s:
            await recorder.add(await field.draw(recorder.room))


def _origin(engine: Engine, search: Search, place: int) -> Origin:
    asked, entry = search.sources[place], search.discovery[place]
    entry["state"] = "running"

    def open_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
        return engine.storage.stream(key_of(upload_id), start)

    options = {snake(name): value for name, value in asked["options"].items()}

    async def pause(seconds: float) -> None:
        entry["paused_until"] = time.time() + seconds
        await asyncio.sleep(seconds)

    tools = Tools(engine.client, engine.settings, open_upload, pause, answers=KeptAnswers())
    origin = Origin(place, SOURCES[asked["name"]], options, tools, entry)
    dig(origin, search.terms)
    return origin
