"""Where a job's candidates are drawn from: a well for each source and term, and which of them is drawn from next.

Next is always what is furthest behind: the source that has given least, its keyword that has least of all sources, that
keyword's term that has given least. So sources, keywords and terms keep pace, whatever the size of a source's pages,
also when the search goes on in another process; what has run dry leaves its share to the others.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.errors import SourceFailed, StorageRefused
from app.log import log, new_id
from app.sources.base import Page, Query, Source, ToldOfUse, Tools
from app.storage import StoredNotFound
from app.values import Candidate, Json, Term

SLICE = 20
"""Candidates that are taken from a well at a time, at most; the rest of a page waits in memory for its next turn."""
REQUESTS = 60
"""A job that wants fewer images than it has wells is filled with about so many pages, or one a keyword."""
NOTES_CHARS = 2_000


@dataclass(slots=True)
class Origin:
    """One of the job's sources, what it is asked with, and how it stands."""

    place: int
    source: Source
    options: dict[str, Json]
    tools: Tools
    entry: dict[str, Any]
    wells: list[Well] = field(default_factory=list)
    given: int = 0

    def note(self, words: Sequence[str]) -> None:
        """Tell the job's owner; what was told before is not told again, and beyond NOTES_CHARS the first are enough."""
        told = self.entry["message"].split("\n") if self.entry["message"] else []
        self.entry["message"] = "\n".join(dict.fromkeys([*told, *words]))[:NOTES_CHARS] or None

    def settle(self) -> None:
        """Once every well is done or refused, so is the source."""
        states = {well.state["state"] for well in self.wells}
        if self.entry["state"] == "running" and states <= {"done", "failed"}:
            self.entry["state"] = "done" if "done" in states or not states else "failed"


@dataclass(slots=True)
class Well:
    """A source's answers to one term, drawn from page by page until they have run dry."""

    origin: Origin
    term: Term | None
    state: dict[str, Any]
    """`found`, `state`, `message`, `total`, and where the search goes on: `skip` candidates after `cursor`."""
    given: int = 0
    _pages: AsyncGenerator[Page, None] | None = None
    _page: Page | None = None

    @property
    def keyword(self) -> tuple[str, int]:
        """Whose share its candidates are; a source that seeks no keyword has a share of its own."""
        return (self.term.keyword, -1) if self.term else ("", self.origin.place)

    @property
    def is_open(self) -> bool:
        """Whether more may be drawn from it."""
        return self.state["state"] in ("pending", "running") and self.origin.entry["state"] == "running"

    async def draw(self, most: int, stack: contextlib.AsyncExitStack) -> list[Candidate]:
        """At most `most` candidates; the next page is asked for where none is left of the last. Raises SourceFailed."""
        page = self._page or await self._next(stack)
        if page is None:
            self._end()
            return []
        skip = int(self.state["skip"])
        taken = list(page.candidates[skip : skip + most])
        self._page = page
        if isinstance(self.origin.source, ToldOfUse):
            await self.origin.source.tell_use(self.origin.tools, taken)
        if skip + len(taken) < len(page.candidates):
            self.state["skip"] = skip + len(taken)
        else:
            self._page = None
            self.state |= {"cursor": page.cursor, "skip": 0}
        self.state["found"] += len(taken)
        self.origin.entry["found"] += len(taken)
        if self._page is None and page.cursor is None:
            self._end()
        return [_labelled(one, self.term) for one in taken] if self._varies else taken

    async def _next(self, stack: contextlib.AsyncExitStack) -> Page | None:
        if self._pages is None:
            origin = self.origin
            self.state |= {"state": "running", "message": None}
            query = Query((self.term.text,) if self.term else (), origin.options)
            if not origin.source.needs_keywords:
                query = replace(query, keywords=(self.term.keyword,) if self.term else ())
            self._pages = origin.source.pages(origin.tools, query, self.state["cursor"])
            await stack.enter_async_context(contextlib.aclosing(self._pages))
        page = await anext(self._pages, None)
        if page is not None:
            self.origin.note(page.notes)
            if page.total is not None:
                self.state["total"] = page.total
        return page

    def _end(self) -> None:
        found, total = self.state["found"], self.state["total"]
        if not found:
            why = "Nothing was found."
        elif total is not None and total > found:
            why = f"The source gives out no more of the {total:,} that it counts."
        else:
            why = "There is no more."
        self.state |= {"state": "done", "message": why, "cursor": None, "skip": 0}

    def fail(self, message: str, *, of_query: bool = False) -> None:
        """It ends here, and so does its source unless it took offence at this query alone."""
        self.state |= {"state": "failed", "message": message}
        if not of_query:
            self.origin.entry |= {"state": "failed", "message": message}
            for well in self.origin.wells:
                if well.state["state"] in ("pending", "running"):
                    well.state["message"] = "The source failed before this had run dry."
            return
        several = self.term is not None and len(self.origin.wells) > 1
        self.origin.note([f"{self.term.text}: {message}" if self.term and several else message])

    @property
    def _varies(self) -> bool:
        return self.term is not None and self.term.by != "keyword" and self.origin.source.needs_keywords


def _labelled(one: Candidate, term: Term | None) -> Candidate:
    """A variation's find has the keyword as its label, and tells by which term it was found."""
    if term is None or one.keyword != term.text:
        return one
    extra = {**(one.provenance.extra or {}), "term": term.text}
    return replace(one, keyword=term.keyword, provenance=replace(one.provenance, extra=extra))


def wells_of(origin: Origin, terms: Sequence[Term]) -> list[Well]:
    """The wells of a source as they stand, new ones where it was never asked.

    A source that searches by keyword has one for each term; another has one, labelled by the first keyword.
    """
    asked: list[Term | None] = [*terms] if origin.source.needs_keywords else [terms[0] if terms else None]
    states = origin.entry.get("queries") or [fresh_query(term, origin.source) for term in asked]
    origin.entry["queries"] = states
    origin.given = origin.entry["found"]
    origin.wells = [Well(origin, term, state, state["found"]) for term, state in zip(asked, states, strict=True)]
    return origin.wells


def fresh_query(term: Term | None, source: Source) -> dict[str, Any]:
    """How a source's search for a term stands before it was asked."""
    told = {"keyword": term and term.keyword, "term": term.text if term and source.needs_keywords else None}
    return told | {"found": 0, "state": "pending", "message": None, "total": None, "cursor": None, "skip": 0}


class Field:
    """All wells of a search that wants `room` candidates."""

    def __init__(self, wells: Sequence[Well], room: int) -> None:
        self._open = [well for well in wells if well.is_open]
        self._least = math.ceil(room / max(REQUESTS, len({well.keyword for well in self._open})))
        self._keywords = Counter[tuple[str, int]]()
        for well in wells:
            self._keywords[well.keyword] += well.given

    def __bool__(self) -> bool:
        return bool(self._open)

    async def draw(self, room: int, stack: contextlib.AsyncExitStack) -> list[Candidate]:
        """At most `room` candidates of the well that is furthest behind. What fails is said where it stands."""
        well = min(self._open, key=self._behind)
        most = self._slice(room)
        try:
            taken = await well.draw(most, stack)
        except (SourceFailed, StoredNotFound) as error:
            taken = []
            well.fail(str(error), of_query=isinstance(error, SourceFailed) and error.of_query)
        except StorageRefused:
            raise  # not the source's fault: the job pauses, and goes on from its cursor
        except Exception:  # noqa: BLE001 - here a source ends: it would be asked, and fail, for ever
            taken, error_id = [], new_id()
            log.exception("source_failed", error_id=error_id)
            well.fail(f"Something unexpected happened; the log has it under {error_id}.")
        # A page without candidates counts as a turn: the others are not to wait until there is one with some.
        self._count(well, len(taken) or most)
        if not well.is_open:
            well.origin.settle()
            self._open = [one for one in self._open if one.is_open]
        return taken

    def _behind(self, well: Well) -> tuple[int, int, int]:
        return well.origin.given, self._keywords[well.keyword], well.given

    def _count(self, well: Well, turns: int) -> None:
        well.given += turns
        well.origin.given += turns
        self._keywords[well.keyword] += turns

    def _slice(self, room: int) -> int:
        """Small enough that all wells have their share of a small job, large enough to spare the sources requests."""
        if len(self._open) == 1:
            return room
        return max(1, min(room, SLICE, max(room // len(self._open), self._least)))
