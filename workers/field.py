"""All wells of a search, and which of them is drawn from next.

Next is what is furthest behind: the source that has given least, of it the keyword that has least of all sources, of
that the term that has given least. So sources, keywords and terms keep pace, whatever the size of a source's pages,
also when the search goes on in another process; what has run dry, or lets us wait, leaves its share to the others.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence

from app.errors import SourceFailed, StorageRefused
from app.log import log, new_id
from app.storage import StoredNotFound
from app.values import Candidate
from workers.wells import Asking, Origin, Well

SLICE = 20
"""Candidates that are taken from a well at a time, at most; the rest of a page waits in memory for its next turn."""
REQUESTS = 60
"""A job that wants fewer images than it has wells is filled with about so many pages, or one a keyword."""
PATIENCE_S = 2.0
"""A source that has not answered by then misses its turns until it has."""
TICK_S = 0.5


class Field:
    """See the module; for a search that wants `room` candidates. As a context it ends what is under way."""

    def __init__(self, origins: Sequence[Origin], room: int) -> None:
        self._origins = origins
        wells = [well for origin in origins for well in origin.wells]
        self._open = [well for well in wells if well.is_open]
        self._least = math.ceil(room / max(REQUESTS, len({well.keyword for well in self._open})))
        self._keywords = Counter[tuple[str, int]]()
        for well in wells:
            self._keywords[well.keyword] += well.given
        for origin in origins:
            origin.settle()

    def __bool__(self) -> bool:
        return bool(self._open)

    async def __aenter__(self) -> Field:
        return self

    async def __aexit__(self, *_: object) -> None:
        asking = [origin.asking.task for origin in self._origins if origin.asking]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for origin in self._origins:
            for well in origin.wells:
                await well.close()

    async def draw(self, room: int) -> list[Candidate]:
        """At most `room` candidates of the well that is furthest behind; none where no source has answered for a while.

        What fails is said where it stands. Raises StorageRefused.
        """
        while self._open:
            self._hear()
            waited_for = [well for well in self._open if well.page is not None or not _is_late(well.origin)]
            well = min(waited_for, key=self._behind, default=None)
            if well is None:
                asked = [origin.asking for origin in self._origins if origin.asking]
                if asked:
                    await self._wait(TICK_S, *asked)
                return []
            if well.page is not None:
                return await self._take(well, room)
            asking = well.origin.asking = well.origin.asking or _ask(well)
            await self._wait(asking.begun_s + PATIENCE_S - time.monotonic(), asking)
        return []

    async def _wait(self, most_s: float, *asking: Asking) -> None:
        tasks = [one.task for one in asking]
        await asyncio.wait(tasks, timeout=max(0.0, most_s), return_when=asyncio.FIRST_COMPLETED)

    def _hear(self) -> None:
        """Take what was answered."""
        for origin in self._origins:
            asking = origin.asking
            if asking is None or not asking.task.done():
                continue
            origin.asking = None
            try:
                asking.well.answered(asking.task.result())
            except Exception as error:  # noqa: BLE001 - sorted out where a source ends
                _failed(asking.well, error)
            self._look_at(asking.well)

    async def _take(self, well: Well, room: int) -> list[Candidate]:
        most = self._slice(room)
        try:
            taken = await well.take(most)
        except Exception as error:  # noqa: BLE001 - sorted out where a source ends
            taken = []
            _failed(well, error)
        # A page without candidates counts as a turn: the others are not to wait until there is one with some.
        turns = len(taken) or most
        well.given += turns
        well.origin.given += turns
        self._keywords[well.keyword] += turns
        self._look_at(well)
        return taken

    def _look_at(self, well: Well) -> None:
        if not well.is_open:
            well.origin.settle()
            self._open = [one for one in self._open if one.is_open]

    def _behind(self, well: Well) -> tuple[int, int, int]:
        return well.origin.given, self._keywords[well.keyword], well.given

    def _slice(self, room: int) -> int:
        """Small enough that all wells have their share of a small job, large enough to spare the sources requests."""
        if len(self._open) == 1:
            return room
        return max(1, min(room, SLICE, max(room // len(self._open), self._least)))


def _ask(well: Well) -> Asking:
    return Asking(well, asyncio.create_task(well.ask()), time.monotonic())


def _is_late(origin: Origin) -> bool:
    return origin.asking is not None and time.monotonic() - origin.asking.begun_s >= PATIENCE_S


def _failed(well: Well, error: Exception) -> None:
    """Here a source ends that failed, however it did: it would be asked, and fail, for ever. Raises StorageRefused."""
    if isinstance(error, SourceFailed | StoredNotFound):
        well.fail(str(error), of_query=isinstance(error, SourceFailed) and error.of_query)
    elif isinstance(error, StorageRefused):
        raise error  # not the source's fault: the job pauses, and goes on from its cursor
    else:
        error_id = new_id()
        log.error("source_failed", error_id=error_id, source=well.origin.source.name, exc_info=error)
        well.fail(f"Something unexpected happened; the log has it under {error_id}.")
