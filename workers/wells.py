"""Where a job's candidates are drawn from: a well for each source and term.

Each knows where its search stands, so that another process can go on with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.sources.base import Page, Query, Source, ToldOfUse, Tools
from app.values import Candidate, Json, Term

NOTES_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Asking:
    """A request under way: of one source one at a time."""

    well: Well
    task: asyncio.Task[Page | None]
    begun_s: float


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
    asking: Asking | None = None

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
    page: Page | None = None
    """The last one, while something is left of it."""
    _pages: AsyncGenerator[Page, None] | None = None

    @property
    def keyword(self) -> tuple[str, int]:
        """Whose share its candidates are; a source that seeks no keyword has a share of its own."""
        return (self.term.keyword, -1) if self.term else ("", self.origin.place)

    @property
    def is_open(self) -> bool:
        """Whether more may be drawn from it."""
        return self.state["state"] in ("pending", "running") and self.origin.entry["state"] == "running"

    async def ask(self) -> Page | None:
        """The next page; None at the end. Pauses that the source asked for hold for whoever goes on later."""
        origin = self.origin
        await asyncio.sleep(max(0.0, origin.entry.get("paused_until", 0.0) - time.time()))
        if self._pages is None:
            self.state |= {"state": "running", "message": None}
            query = Query((self.term.text,) if self.term else (), origin.options)
            if not origin.source.needs_keywords:
                query = replace(query, keywords=(self.term.keyword,) if self.term else ())
            self._pages = origin.source.pages(origin.tools, query, self.state["cursor"])
        return await anext(self._pages, None)

    def answered(self, page: Page | None) -> None:
        """What `ask` gave."""
        self.page = page
        if page is None:
            self._end()
            return
        self.origin.note(page.notes)
        if page.total is not None:
            self.state["total"] = page.total

    async def take(self, most: int) -> list[Candidate]:
        """At most `most` candidates of the page that is there. Raises SourceFailed, and then takes none."""
        page, skip = self.page, int(self.state["skip"])
        if page is None:
            return []
        taken = list(page.candidates[skip : skip + most])
        if isinstance(self.origin.source, ToldOfUse):
            await self.origin.source.tell_use(self.origin.tools, taken)
        if skip + len(taken) < len(page.candidates):
            self.state["skip"] = skip + len(taken)
        else:
            self.page = None
            self.state |= {"cursor": page.cursor, "skip": 0}
        self.state["found"] += len(taken)
        self.origin.entry["found"] += len(taken)
        if self.page is None and page.cursor is None:
            self._end()
        return [_labelled(one, self.term) for one in taken] if self._varies else taken

    async def close(self) -> None:
        """Let go of the source."""
        if self._pages is not None:
            await self._pages.aclose()

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


def dig(origin: Origin, terms: Sequence[Term]) -> None:
    """Give a source its wells as they stand, new ones where it was never asked.

    A source that searches by keyword has one for each term; another has one, labelled by the first keyword.
    """
    asked: list[Term | None] = [*terms] if origin.source.needs_keywords else [terms[0] if terms else None]
    states = origin.entry.get("queries") or [fresh_query(term, origin.source) for term in asked]
    origin.entry["queries"] = states
    origin.given = origin.entry["found"]
    origin.wells = [Well(origin, term, state, state["found"]) for term, state in zip(asked, states, strict=True)]


def fresh_query(term: Term | None, source: Source) -> dict[str, Any]:
    """How a source's search for a term stands before it was asked."""
    told = {"keyword": term and term.keyword, "term": term.text if term and source.needs_keywords else None}
    return told | {"found": 0, "state": "pending", "message": None, "total": None, "cursor": None, "skip": 0}
