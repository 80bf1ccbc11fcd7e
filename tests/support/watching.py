"""A subscriber over a real websocket: what it hears, and when."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.support.service import Person

CRAWL = """subscription($id: ID!) { crawlJobProgress(id: $id) { version at imagesPerSecond bytesPerSecond etaSeconds
  crawlJob { id status progress totalImages downloadedImages validImages activeChunks completedChunks } } }"""
VALIDATION = """subscription($id: ID!) { validationJobProgress(id: $id) { version at
  validationJob { id status progress validatedImages invalidImages totalImages } } }"""
EXPORT = """subscription($id: ID!) { exportJobProgress(id: $id) { version at bytesPerSecond
  exportJob { id status progress exportedImages totalImages fileSize downloadUrl } } }"""


@dataclass
class Subscriber:
    """One subscription on a connection of its own."""

    ws: aiohttp.ClientWebSocketResponse
    frames: list[dict[str, Any]] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)
    ended_by: str = ""
    """`complete` or `error`, once it is over."""
    errors: list[dict[str, Any]] = field(default_factory=list)

    async def frame(self, timeout_s: float = 10) -> dict[str, Any]:
        """The next frame; there must be one."""
        assert await self.hear(timeout_s), (self.ended_by, self.errors)
        return self.frames[-1]

    async def hear(self, timeout_s: float = 10) -> bool:
        """Hear one message: True for a frame, False for the end."""
        while True:
            message = await self.ws.receive_json(timeout=timeout_s)
            if message["type"] == "ping":
                await self.ws.send_json({"type": "pong"})
            elif message["type"] == "next":
                assert not message["payload"].get("errors"), message
                (frame,) = message["payload"]["data"].values()
                self.frames.append(frame)
                self.heard_s.append(time.monotonic())
                return True
            else:
                self.ended_by = message["type"]
                self.errors = message.get("payload") or []
                return False

    async def all(self, timeout_s: float = 20) -> list[dict[str, Any]]:
        """Every frame until the end."""
        while await self.hear(timeout_s):
            pass
        return self.frames

    async def leave(self) -> None:
        """End the subscription, not the connection."""
        await self.ws.send_json({"type": "complete", "id": "1"})


@contextlib.asynccontextmanager
async def watching(who: Person, subscription: str, key: str, variable: str = "id") -> AsyncIterator[Subscriber]:
    """Subscribed as `who` to the row whose global id is `key`."""
    async with who.session.ws_connect(f"{who.url}/graphql", protocols=("graphql-transport-ws",)) as ws:
        await ws.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {who.token}"}})
        assert await ws.receive_json(timeout=5) == {"type": "connection_ack"}
        payload = {"query": subscription, "variables": {variable: key}}
        await ws.send_json({"type": "subscribe", "id": "1", "payload": payload})
        yield Subscriber(ws)
