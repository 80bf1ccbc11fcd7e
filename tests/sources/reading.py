"""Asking a source of given documents: its tools, its pages, and what they found."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from app.fetching.client import open_client
from app.settings import Settings
from app.sources.base import Page, Query, Source, Tools


async def no_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
    raise AssertionError("this source has no uploads")
    yield b""


class Waits:
    """Sleeps in no time, and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@contextlib.asynccontextmanager
async def tools(sleep: Waits | None = None, **values: Any) -> AsyncIterator[Tools]:
    settings = Settings(**{"allow_addresses": "127.0.0.0/8"} | values)
    async with open_client(settings) as client:
        yield Tools(client, settings, no_upload, sleep or Waits())


async def ask(
    source: Source, used: Tools, urls: list[str], *keywords: str, cursor: Any = None, **options: Any
) -> list[Page]:
    query = Query(keywords, source.check({"urls": urls} | options))
    async with contextlib.aclosing(source.pages(used, query, cursor)) as found:
        return [page async for page in found]


def urls(found: list[Page]) -> list[str]:
    return [candidate.url for page in found for candidate in page.candidates]


def notes(found: list[Page]) -> list[str]:
    return [note for page in found for note in page.notes]
