"""Asking a source as a worker does, without its waits."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from app.errors import SourceFailed
from app.fetching.client import open_client
from app.settings import Settings
from app.sources.base import Page, Query, Source, Tools


class Waits:
    """Sleeps in no time, and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def no_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
    raise AssertionError("this source has no uploads")
    yield b""


class Asked:
    """One source with settings of its own; `waits` are the pauses that it made."""

    def __init__(self, source: Source, **settings: Any) -> None:
        self.source = source
        self.settings = Settings(**({"allow_addresses": "127.0.0.0/8"} | settings))
        self.waits = Waits()

    async def pages(self, *keywords: str, cursor: Any = None, **options: Any) -> list[Page]:
        query = Query(keywords, self.source.check(options))
        async with open_client(self.settings) as client:
            tools = Tools(client, self.settings, no_upload, self.waits)
            async with contextlib.aclosing(self.source.pages(tools, query, cursor)) as found:
                return [page async for page in found]

    async def trouble(self, *keywords: str, **options: Any) -> SourceFailed:
        with pytest.raises(SourceFailed) as caught:
            await self.pages(*keywords, **options)
        return caught.value

    async def check_every_cursor(self, *keywords: str, **options: Any) -> None:
        """Any page's cursor, written and read, leads to the pages after it."""
        whole = await self.pages(*keywords, **options)
        assert len(whole) > 2
        for place, page in enumerate(whole[:-1]):
            cursor = orjson.loads(orjson.dumps(page.cursor))
            assert await self.pages(*keywords, cursor=cursor, **options) == whole[place + 1 :]


def urls(found: list[Page]) -> list[str]:
    return [candidate.url for page in found for candidate in page.candidates]
