"""A subscriber over server-sent events: what it hears."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from tests.support.service import Person


@dataclass
class Stream:
    """One operation's events on a request of its own."""

    response: aiohttp.ClientResponse

    async def event(self, timeout_s: float = 10) -> tuple[str, Any]:
        """The next event's name and data; a comment has the name `comment`."""
        text = b""
        while not text.endswith(b"\n\n"):
            line = await self.response.content.readline()
            assert line, "the stream was cut"
            text += line
        if text == b":\n\n":
            return "comment", None
        name, data = text.strip(b"\n").split(b"\n")
        body = data.removeprefix(b"data:").strip()
        return name.removeprefix(b"event: ").decode(), orjson.loads(body) if body else None

    async def all(self) -> list[tuple[str, Any]]:
        """Every event to the end."""
        found = [await self.event()]
        while found[-1][0] != "complete":
            found.append(await self.event())
        assert await self.response.content.read() == b""
        return found


@contextlib.asynccontextmanager
async def streaming(who: Person, query: str, token: str | None = None, **variables: Any) -> AsyncIterator[Stream]:
    """Asked as `who`, or with another token."""
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token or who.token}"}
    body = {"query": query, "variables": variables}
    async with who.session.post(f"{who.url}/graphql", json=body, headers=headers) as response:
        yield Stream(response)
