"""An image host that says when its files last changed, answers conditions, and whose files a test changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from tests.stand_ins.misbehaving import Exchange, MisbehavingHost


@dataclass
class File:
    """A file with its validators; `lines` are further header lines of every answer, 304 included."""

    data: bytes
    etag: str | None = None
    last_modified: str | None = None
    lines: tuple[str, ...] = ()

    def holds(self, etag: str | None, since: str | None) -> bool:
        """Whether what the client has is what is here: RFC 9110, section 13.2.2, dates compared as text."""
        if etag is not None:
            return etag == self.etag
        return since is not None and since == self.last_modified


@dataclass
class ChangingHost:
    """Use as `async with ChangingHost({"/0.jpg": File(data, etag='"1"')}) as host`, and change `host.files`."""

    files: dict[str, File]
    pages: dict[str, str] = field(default_factory=dict)
    """HTML by path, and `/robots.txt`; without validators."""
    bodies: Counter[str] = field(default_factory=Counter)
    """How often the bytes of a file were sent."""
    unchanged: Counter[str] = field(default_factory=Counter)
    """How often a file was answered with 304."""
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """Path, If-None-Match and If-Modified-Since of each request for a file."""
    pause_s: float = 0.0
    """Before each answer for a file."""
    _host: MisbehavingHost = field(init=False)

    def __post_init__(self) -> None:
        self._host = MisbehavingHost({"/*": self._answer, "/robots.txt": self._answer})

    def url(self, path: str) -> str:
        return self._host.url(path)

    def forget(self) -> None:
        """Count from here."""
        self.bodies.clear()
        self.unchanged.clear()
        self.asked.clear()

    async def __aenter__(self) -> ChangingHost:
        await self._host.__aenter__()
        return self

    async def __aexit__(self, *told: object) -> None:
        await self._host.__aexit__(*told)

    async def _answer(self, exchange: Exchange) -> bool:
        page, file = self.pages.get(exchange.path), self.files.get(exchange.path)
        if page is not None:
            kind = "text/plain" if exchange.path == "/robots.txt" else "text/html"
            return await exchange.answer(200, page.encode(), kind=kind)
        if file is None:
            return await exchange.answer(404)
        etag, since = _header(exchange, "If-None-Match"), _header(exchange, "If-Modified-Since")
        self.asked.append((exchange.path, etag, since))
        await asyncio.sleep(self.pause_s)
        lines = [*file.lines]
        lines += [f"ETag: {file.etag}"] if file.etag else []
        lines += [f"Last-Modified: {file.last_modified}"] if file.last_modified else []
        if file.holds(etag, since):
            self.unchanged[exchange.path] += 1
            return await exchange.answer(304, b"", *lines)
        self.bodies[exchange.path] += 1
        return await exchange.answer(200, file.data, *lines)


def _header(exchange: Exchange, name: str) -> str | None:
    for line in exchange.headers.split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return None
