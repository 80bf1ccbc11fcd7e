"""The discovery task: asks a job's sources for candidates, as many as the job can use now, and records them.

Sources take turns, a page each, so that none starves another. Candidates and each source's cursor are recorded
together: whoever goes on later begins exactly after the last recorded candidate.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from app.database import DATABASE_ERRORS
from app.errors import SourceFailed, StorageRefused
from app.jobs import discovery
from app.jobs.discovery import Search
from app.jobs.turns import next_discovery
from app.jobs.upload import key_of
from app.log import log, new_id
from app.sources.base import Page, Query, Tools
from app.sources.registry import SOURCES
from app.storage import StoredNotFound
from app.values import Candidate, snake
from workers.engine import Engine
from workers.keeping import LeaseLost, keep, let_go, to_the_end
from workers.line import Interrupted, Work
from workers.unexpected import REFUSALS, refused

STEP_S = 60.0
"""One task seeks this long at most, then lets others have their turn."""
TRIES = 10
"""How often others may be quicker to claim a job before this worker waits a moment."""
NOTES_CHARS = 2_000
FLUSH_S = 1.0
"""Candidates of a slow source wait this long at most for a chunk to fill."""


class Turn:
    """One source's part in a search: its pages, and how it stands."""

    def __init__(self, place: int, state: dict[str, Any], pages: AsyncGenerator[Page, None]) -> None:
        self.place = place
        self.state = state
        self.pages = pages

    async def take(self, room: int) -> list[Candidate]:
        """At most `room` candidates of the next page; what is left of it is skipped to when the search goes on."""
        try:
            page = await anext(self.pages, None)
        except (SourceFailed, StoredNotFound) as error:
            self.state |= {"state": "failed", "message": str(error)}
            return []
        except StorageRefused:
            raise  # not the source's fault: the job pauses, and goes on from its cursor
        except Exception:  # noqa: BLE001 - here a source ends: it would be asked, and fail, for ever
            error_id = new_id()
            log.exception("source_failed", error_id=error_id)
            message = f"Something unexpected happened; the log has it under {error_id}."
            self.state |= {"state": "failed", "message": message}
            return []
        if page is None:
            self.state |= {"state": "done", "cursor": None, "skip": 0}
            return []
        if page.notes:
            self.state |= {"message": _noted(self.state["message"], page.notes)}
        skip = int(self.state["skip"])
        rest = page.candidates[skip:]
        taken = list(rest[:room])
        if len(taken) < len(rest):
            self.state |= {"skip": skip + len(taken)}
            await self.pages.aclose()
        else:
            ended = page.cursor is None
            self.state |= {"cursor": page.cursor, "skip": 0, "state": "done" if ended else "running"}
        self.state["found"] += len(taken)
        return taken

    @property
    def partly(self) -> bool:
        """Whether the last page was cut, so that `pages` is closed and must be asked for anew."""
        return int(self.state["skip"]) > 0


def _noted(message: str | None, notes: tuple[str, ...]) -> str:
    """What the job's owner is told that was left out; beyond `NOTES_CHARS` characters the first are enough."""
    told = list(dict.fromkeys([*(message.split("\n") if message else []), *notes]))
    return "\n".join(told)[:NOTES_CHARS]


async def take_discovery(engine: Engine, *, newcomers: bool) -> Work | None:
    """Become the seeker of the job whose turn it is, starting it if it was pending; see `workers.line.Take`."""
    for _ in range(TRIES):
        found = await next_discovery(newcomers=newcomers)
        if found is None:
            return None
        search = await discovery.claim(found.crawl_job_id, secrets.token_hex(8), engine.settings.lease_s)
        if search is not None:
            return functools.partial(discover, engine, search)
    return None


async def discover(engine: Engine, search: Search) -> None:
    """Seek candidates for a crawl job, for `STEP_S` seconds at most. Raises Interrupted."""
    crawl_job_id, lease_s = search.crawl_job_id, engine.settings.lease_s
    held = functools.partial(discovery.renew, search, lease_s)
    finished = interrupted = False
    stopped_by: str | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(keep(held, held, lease_s))
            await _seek(engine, search)
            await discovery.finish(search)
            finished = True
            keeper.cancel()
            log.info("discovered", job=crawl_job_id, found=[entry["found"] for entry in search.discovery])
    except* LeaseLost:
        log.info("discovery_lost", job=crawl_job_id)
    except* REFUSALS as group:
        stopped_by = refused(group)
        log.error("storage_refused", job=crawl_job_id, error=stopped_by)
    except* DATABASE_ERRORS as group:
        interrupted = True
        log.warning("discovery_interrupted", job=crawl_job_id, error=str(group.exceptions[0]))
    finally:
        if not finished:
            giving_up = functools.partial(discovery.give_up, search, stopped_by=stopped_by)
            await to_the_end(let_go(giving_up, job=crawl_job_id))
    if interrupted:
        raise Interrupted


async def _seek(engine: Engine, search: Search) -> None:
    """Draw candidates until the job has enough, every source is dry, or time has run out."""
    ends_s = time.monotonic() + STEP_S
    async with contextlib.AsyncExitStack() as stack:
        turns = [
            await _turn(engine, search, place, stack)
            for place, entry in enumerate(search.discovery)
            if entry["state"] in ("pending", "running")
        ]
        recorder = Recorder(search)
        while turns and recorder.room > 0 and time.monotonic() < ends_s:
            for turn in list(turns):
                if recorder.room <= 0:
                    break
                await recorder.add(await turn.take(recorder.room))
                if turn.partly or turn.state["state"] in ("done", "failed"):
                    turns.remove(turn)
            if not turns:
                await recorder.flush()
                turns = [
                    await _turn(engine, search, place, stack)
                    for place, entry in enumerate(search.discovery)
                    if entry["state"] == "running" and recorder.room > 0
                ]
        await recorder.flush()


async def _turn(engine: Engine, search: Search, place: int, stack: contextlib.AsyncExitStack) -> Turn:
    asked, state = search.sources[place], search.discovery[place]
    state["state"] = "running"

    def open_upload(upload_id: str) -> AsyncIterator[bytes]:
        return engine.storage.stream(key_of(upload_id))

    tools = Tools(engine.client, engine.settings, open_upload)
    query = Query(search.keywords, {snake(name): value for name, value in asked["options"].items()})
    pages = SOURCES[asked["name"]].pages(tools, query, state["cursor"])
    await stack.enter_async_context(contextlib.aclosing(pages))
    return Turn(place, state, pages)


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
