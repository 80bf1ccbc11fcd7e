"""Subscribers that cost next to nothing: a websocket each, of which only the frames' times and revisions are kept."""

from __future__ import annotations

import asyncio
import itertools
import re
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import orjson

VERSION = re.compile(rb'"version":(\d+)')
HEAD_END = b"\r\n\r\n"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
AT_ONCE = 100
"""Connections that are being made at once."""
DEADLINE_S = 120.0


@dataclass(frozen=True)
class Target:
    """Who is asked for what."""

    url: str
    token: str
    query: str
    job: str

    def opening(self) -> bytes:
        """The request that becomes a websocket."""
        host = urlsplit(self.url).netloc
        return (
            f"GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGl4Y3Jhd2xlciBiZW5jaA==\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        ).encode()

    def greeting(self) -> bytes:
        """`connection_init`."""
        return framed({"type": "connection_init", "payload": {"Authorization": f"Bearer {self.token}"}})

    def asking(self) -> bytes:
        """`subscribe`."""
        payload = {"query": self.query, "variables": {"id": self.job}}
        return framed({"type": "subscribe", "id": "1", "payload": payload})


def framed(message: object, opcode: int = TEXT) -> bytes:
    """A client's frame; its mask is zero, which masks nothing."""
    body = message if isinstance(message, bytes) else orjson.dumps(message)
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + struct.pack(">H", len(body))
    return bytes([0x80 | opcode]) + size + b"\0\0\0\0" + body


@dataclass
class Listener(asyncio.Protocol):
    """One subscriber."""

    target: Target
    heard: list[tuple[float, int]] = field(default_factory=list)
    """When each frame came, and its revision."""
    last: bytes = b""
    ended: bool = False
    refused: bytes = b""
    transport: asyncio.Transport | None = None
    buffer: bytes = b""
    open: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a websocket."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self.target.opening())

    def data_received(self, data: bytes) -> None:
        """Take the frames that are whole."""
        self.buffer += data
        if not self.open:
            head, found, rest = self.buffer.partition(HEAD_END)
            if not found:
                return
            self.open, self.buffer = True, rest
            if b" 101 " not in head[:16]:
                self.refused = head
                return
            self._write(self.target.greeting())
        while self._take():
            pass

    def connection_lost(self, _: Exception | None) -> None:
        """Nothing more will come."""
        if not self.ended and not self.heard:
            self.refused = self.refused or b"the connection was closed"

    def _take(self) -> bool:
        data = self.buffer
        if len(data) < 2:
            return False
        size, begin = data[1], 2
        if size == 126:
            size, begin = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, begin = int.from_bytes(data[2:10], "big"), 10
        if len(data) < begin + size:
            return False
        self.buffer = data[begin + size :]
        self._frame(data[0] & 0x0F, data[begin : begin + size])
        return True

    def _frame(self, opcode: int, body: bytes) -> None:
        if opcode == PING:
            self._write(framed(body, PONG))
        elif opcode == CLOSE:
            self.refused = body
        elif version := VERSION.search(body):
            self.heard.append((time.perf_counter(), int(version[1])))
            self.last = body
        else:
            self._other(orjson.loads(body))

    def _other(self, message: dict[str, object]) -> None:
        if message["type"] == "connection_ack":
            self._write(self.target.asking())
        elif message["type"] == "ping":
            self._write(framed({"type": "pong"}))
        elif message["type"] == "complete":
            self.ended = True
        else:
            self.refused = orjson.dumps(message)

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def leave(self, *, politely: bool) -> None:
        """Go, with a close frame or without a word."""
        if self.transport is None:
            return
        if politely:
            self._write(framed(struct.pack(">H", 1000), CLOSE))
            self.transport.close()
        else:
            self.transport.abort()

    def is_whole(self, final: int) -> bool:
        """Whether it heard a snapshot, the final state and the end, and nothing older after newer."""
        revisions = [revision for _, revision in self.heard]
        grows = all(one < after for one, after in itertools.pairwise(revisions))
        return grows and len(revisions) > 1 and revisions[-1] == final and self.ended and b"COMPLETED" in self.last


async def gather(target: Target, count: int) -> list[Listener]:
    """So many subscribers, each of which has had its snapshot."""
    parts, loop = urlsplit(target.url), asyncio.get_running_loop()
    places, found = asyncio.Semaphore(AT_ONCE), [Listener(target) for _ in range(count)]

    async def come(one: Listener) -> None:
        async with places:
            await loop.create_connection(lambda: one, parts.hostname or "", parts.port or 80)
            await heard_by([one], 1)

    await asyncio.gather(*(come(one) for one in found))
    return found


async def heard_by(everybody: Sequence[Listener], frames: int) -> None:
    """Wait until each has heard so many frames; RuntimeError for one that was refused."""
    await _until(lambda: all(len(one.heard) >= frames or _refused(one) for one in everybody))


async def heard_of(everybody: Sequence[Listener], revision: int) -> None:
    """Wait until each has heard of a revision."""
    await _until(lambda: all(one.heard[-1][1] >= revision or _refused(one) for one in everybody))


async def ended(everybody: Sequence[Listener]) -> None:
    """Wait until each was told that it is over."""
    await _until(lambda: all(one.ended or _refused(one) for one in everybody))


def _refused(one: Listener) -> bool:
    if one.refused:
        raise RuntimeError(f"a subscriber was refused: {one.refused[:200]!r}")
    return False


async def _until(holds: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + DEADLINE_S
    while not holds():
        if time.monotonic() > ends_s:
            raise TimeoutError
        await asyncio.sleep(0.005)


Change = Callable[[], Awaitable[tuple[float, int]]]
"""Changes the job: when, and the revision that came of it."""
