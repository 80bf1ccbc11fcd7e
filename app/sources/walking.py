"""A resumable walk through documents that lead to documents: site maps, collections, folders.

A document's entries are items, and branches that lead to another document; it may continue in a next one. The cursor is
the way from a root to where the walk stands, so it stays small however large the tree is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.errors import SourceFailed
from app.values import Json

TROUBLES_IN_A_ROW = 20
"""Documents that cannot be read one after the other until the walk gives up."""
MAX_CONTINUATIONS = 100_000
"""Parts of one document: a server that always has another one is left in the end."""

NOTES = 100
"""Notes that one page of candidates carries at most."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Branch:
    """An entry that leads to another document."""

    url: str


@dataclass(frozen=True, slots=True)
class Opened(Generic[Item]):
    """A document as read: its entries in order, where it continues, and what was left of it."""

    entries: Sequence[Item | Branch]
    next: str | None = None
    note: str | None = None


@dataclass(slots=True)
class _Frame(Generic[Item]):
    url: str
    place: int = 0
    part: int = 0
    document: Opened[Item] | None = None


class Walk(Generic[Item]):
    """See the module. `open_document` reads an address or raises SourceFailed, which costs its branch alone.

    `notes` collects why branches were left.
    """

    def __init__(
        self,
        roots: Sequence[str],
        open_document: Callable[[str], Awaitable[Opened[Item]]],
        cursor: Json | None,
        max_depth: int,
    ) -> None:
        self._roots = roots
        self._open = open_document
        self._max_depth = max_depth
        self._root: int = cursor["root"] if cursor else 0
        self._read: bool = cursor["read"] if cursor else False
        self._frames: list[_Frame[Item]] = [_Frame(*frame) for frame in cursor["frames"]] if cursor else []
        self._troubles = 0
        self._last: SourceFailed | None = None
        self.notes: list[str] = []

    def cursor(self) -> dict[str, Json]:
        """Where the walk stands, as JSON."""
        frames = [[frame.url, frame.place, frame.part] for frame in self._frames]
        return {"root": self._root, "read": self._read, "frames": frames}

    async def batches(self, size: int) -> AsyncGenerator[Sequence[Item], None]:
        """Up to `size` items of one document at a time. `cursor()` then is after them.

        Raises SourceFailed where no document at all could be read, where TROUBLES_IN_A_ROW could not, and where a
        server asks for a long pause.
        """
        while self._frames or self._root < len(self._roots):
            if not self._frames:
                self._frames.append(_Frame(self._roots[self._root]))
                self._root += 1
            frame = self._frames[-1]
            document = frame.document or await self._opened(frame)
            if document is None:
                self._frames.pop()
            elif frame.place >= len(document.entries):
                self._continue(frame, document)
            elif isinstance(entry := document.entries[frame.place], Branch):
                frame.place += 1
                self._enter(entry.url)
            else:
                items = _items(document.entries[frame.place : frame.place + size])
                frame.place += len(items)
                yield items
        if not self._read and self._last is not None:
            raise self._last

    def take_notes(self) -> tuple[str, ...]:
        """The notes since they were last taken."""
        notes = tuple(self.notes[:NOTES])
        self.notes.clear()
        return notes

    async def _opened(self, frame: _Frame[Item]) -> Opened[Item] | None:
        try:
            frame.document = await self._open(frame.url)
        except SourceFailed as failed:
            self._troubles += 1
            if failed.retry_after_s is not None or self._troubles >= TROUBLES_IN_A_ROW:
                raise
            self._last = failed
            self.notes.append(failed.message)
            return None
        self._read, self._troubles = True, 0
        if frame.document.note:
            self.notes.append(frame.document.note)
        return frame.document

    def _continue(self, frame: _Frame[Item], document: Opened[Item]) -> None:
        self._frames.pop()
        if document.next and document.next != frame.url and frame.part < MAX_CONTINUATIONS:
            self._frames.append(_Frame(document.next, 0, frame.part + 1))

    def _enter(self, url: str) -> None:
        if any(frame.url == url for frame in self._frames):
            return
        if len(self._frames) > self._max_depth:
            self.notes.append(f"{url[:200]} lies deeper than {self._max_depth} levels and was left.")
            return
        self._frames.append(_Frame(url))


def _items(entries: Sequence[Item | Branch]) -> list[Item]:
    items: list[Item] = []
    for entry in entries:
        if isinstance(entry, Branch):
            break
        items.append(entry)
    return items
