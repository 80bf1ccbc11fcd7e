"""What every source is: lazily paged, resumable, and free of database and queue.

A source is one object without state; what it works with is handed in. New sources implement `Source` and are listed in
`registry.py`.
"""

from __future__ import annotations

import asyncio
import re
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import aiohttp

from app.settings import Settings
from app.values import MAX_URL_CHARS, Candidate, Json

KEYWORD_CHARS = 200
TEXT_CHARS = 2_000
"""The longest text of provenance that is kept; longer ones are cut."""
FILENAME_CHARS = 255
NAMELESS = "image"
"""The file name of a URL that has none."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]+")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"https?://[^/?#]+/(?:[^?#]*/)?([A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9_-])?)")
_UNFIT_FOR_FILES = re.compile(r'[\x00-\x1f\x7f\ud800-\udfff<>:"/\\|?*]+')


@dataclass(frozen=True, slots=True)
class Query:
    """What is sought: the job's keywords, in its order, and the source's checked options."""

    keywords: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Some candidates, and the cursor that continues after them; None when the source has run dry."""

    candidates: tuple[Candidate, ...]
    cursor: Json | None
    notes: tuple[str, ...] = ()
    """What was left out on the way, and why: sentences for the job's owner."""
    total: int | None = None
    """How many results the source says that the query has, where it says so; more than it gives out, as a rule."""


class OpenUpload(Protocol):
    """How an uploaded file is read."""

    def __call__(self, upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
        """The bytes of the uploaded file with this id, from byte `start` on, in blocks."""


class Answers(Protocol):
    """Answers of sources, kept for a while, for all processes. May forget, and never fails."""

    async def get(self, name: str) -> bytes | None:
        """What was kept under the name."""

    async def put(self, name: str, answer: bytes, keep_s: int) -> None:
        """Keep it for so many seconds."""


@dataclass(frozen=True)
class Tools:
    """What a source works with. The client is the guarded one: it reaches public and allowed addresses only."""

    client: aiohttp.ClientSession
    settings: Settings
    open_upload: OpenUpload
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    hurried: bool = False
    """Whether somebody waits for the answer: then what fails is not asked again."""
    answers: Answers | None = None
    """Where answers are kept that a source's terms want kept; without it they are asked for anew."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What the source remembers from one query to the next while these tools last: when it was asked, cookies."""


class Source(Protocol):
    """Where candidates come from."""

    @property
    def name(self) -> str:
        """As in settings, on the command line and in `provenance.source`."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def terms(self) -> str:
        """The address of the terms under which it is used."""

    @property
    def requires_key(self) -> bool:
        """Whether it answers only those who have a key."""

    @property
    def needs_keywords(self) -> bool:
        """Whether it finds nothing without a keyword."""

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Whether it can be used, and if not why."""

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """The options as they will be used. Raises Invalid, whose path begins below the source's field."""

    def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """Pages from the beginning, or after the page whose `cursor` is given. Raises SourceFailed.

        Cursors are JSON and may be used by another process, days later.
        """


@runtime_checkable
class ToldOfUse(Protocol):
    """A source whose terms want to be told which of its images are used."""

    async def tell_use(self, tools: Tools, candidates: Sequence[Candidate]) -> None:
        """These are taken, and will be fetched. Raises SourceFailed: then they are not."""


def clean_text(value: object, limit: int = TEXT_CHARS) -> str | None:
    """A text without control characters and lone surrogates (PostgreSQL holds neither), cut; None where it is empty.

    Line ends and tabs stay.
    """
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= limit and value.isprintable():  # nearly all
        return value.strip() or None
    text = _UNPRINTABLE.sub(" ", str(value).replace("\r\n", "\n")).strip()
    return text[:limit].rstrip() or None


def clean_extra(values: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """What goes into `provenance.extra` of an API's values: whole numbers, and texts that PostgreSQL holds."""
    kept = {name: value if isinstance(value, int) else _clean_part(value) for name, value in values.items()}
    return {name: value for name, value in kept.items() if value is not None} or None


def _clean_part(value: Json) -> str | None:
    return clean_text(value) if isinstance(value, str) else None


def clean_keyword(value: object) -> str | None:
    """A class label: one line, at most KEYWORD_CHARS; None where it is empty."""
    text = clean_text(value)
    return " ".join(text.split())[:KEYWORD_CHARS].rstrip() if text else None


def clean_url(value: object) -> str:
    """An address as a candidate carries it; what is wrong with it is found out when it is fetched.

    A longer one than may be fetched is cut to one character more, so that it is refused and not mistaken for another.
    """
    text = "" if value is None else str(value).strip()
    if len(text) <= MAX_URL_CHARS and text.isprintable():  # nearly all
        return text
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)[: MAX_URL_CHARS + 1]


def filename_of(url: str) -> str:
    """The last path segment of a URL as a file name: decoded, without what no file system takes, at most 255 long.

    Any text gives a name; a URL without a last segment gives `image`.
    """
    plain = _PLAIN_NAME.fullmatch(url)
    if plain is not None:  # nearly all
        return plain[1]
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    path = path.partition("://")[2].partition("/")[2] if "://" in path else path
    segment = urllib.parse.unquote(path.rsplit("/", 1)[-1])
    name = _UNFIT_FOR_FILES.sub("_", segment).strip(" .")
    if len(name) > FILENAME_CHARS:
        stem, dot, suffix = name.rpartition(".")
        keep = FILENAME_CHARS - len(suffix) - 1
        name = f"{stem[:keep]}{dot}{suffix}" if dot and len(suffix) <= 10 else name[:FILENAME_CHARS]
    return name or NAMELESS
