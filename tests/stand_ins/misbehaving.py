"""An image host that misbehaves on purpose: what each path does is a `Behavior`; what was asked is in `log`.

It speaks HTTP by hand, since most of its faults are such as no server framework allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

RULES = frozenset({"/robots.txt", "/.well-known/tdmrep.json"})

Behavior = Callable[["Exchange"], Awaitable[bool]]
"""Answers one request; False ends the connection."""


@dataclass
class Exchange:
    """One request: its path, which of the requests for that path it is, and where to answer."""

    path: str
    number: int
    headers: str
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> bool:
        self.writer.write(data)
        await self.writer.drain()
        return True

    async def answer(self, status: int, body: bytes = b"", *lines: str, kind: str = "image/jpeg") -> bool:
        """A whole answer with its Content-Length; `lines` are further header lines."""
        return await self.send(head(status, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *lines) + body)

    def reset(self) -> bool:
        """End with RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return False


def head(status: int, *lines: str) -> bytes:
    return f"HTTP/1.1 {status} Status\r\n{''.join(line + chr(13) + chr(10) for line in lines)}\r\n".encode()


@dataclass
class MisbehavingHost:
    """Use as `async with MisbehavingHost({"/cat.jpg": image(data)}) as host: host.url("/cat.jpg")`."""

    behaviors: dict[str, Behavior]
    address: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    log: list[str] = field(default_factory=list)
    """What was asked for, but for the files with the origin's rules, which are in `rules_log`; 404 unless told."""
    rules_log: list[str] = field(default_factory=list)
    connections: int = 0
    under_way: int = 0
    peak: int = 0
    """The most requests that were being answered at the same time."""
    started_at: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _clients: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, path: str) -> str:
        return f"http{'s' if self.tls else ''}://{self.address}:{self.port}{path}"

    async def __aenter__(self) -> MisbehavingHost:
        self._server = await asyncio.start_server(self._serve, self.address, self.port, backlog=512, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._clients.add(task)
            task.add_done_callback(self._clients.discard)
        self.connections += 1
        try:
            while await self._one(await reader.readuntil(b"\r\n\r\n"), writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _one(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        first, _, headers = request.decode("latin-1").partition("\r\n")
        path = first.split(" ")[1]
        if path in RULES:
            self.rules_log.append(path)
        else:
            self.log.append(path)
            self.started_at.append(asyncio.get_running_loop().time())
        self.counts[path] += 1
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            others = "" if path in RULES else path.rpartition("/")[0] + "/*"
            behavior = self.behaviors.get(path) or self.behaviors.get(others, missing)
            return await behavior(Exchange(path, self.counts[path], headers, writer))
        finally:
            self.under_way -= 1


async def missing(exchange: Exchange) -> bool:
    return await exchange.answer(404)


def image(data: bytes, *lines: str, kind: str = "image/jpeg") -> Behavior:
    async def behave(exchange: Exchange) -> bool:
        return await exchange.answer(200, data, *lines, kind=kind)

    return behave


def status(code: int, *lines: str) -> Behavior:
    async def behave(exchange: Exchange) -> bool:
        return await exchange.answer(code, b"", *lines)

    return behave


def redirect(to: str, code: int = 302) -> Behavior:
    return status(code, f"Location: {to}")


def after(failures: int, first: Behavior, then: Behavior) -> Behavior:
    """`first` for so many requests of the path, `then` afterwards."""

    async def behave(exchange: Exchange) -> bool:
        return await (first if exchange.number <= failures else then)(exchange)

    return behave


def held(event: asyncio.Event, then: Behavior) -> Behavior:
    """Wait for the event, then answer."""

    async def behave(exchange: Exchange) -> bool:
        await event.wait()
        return await then(exchange)

    return behave


def chunked(data: bytes, piece: int = 16_384) -> Behavior:
    """A body of unknown size."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.send(head(200, "Transfer-Encoding: chunked"))
        for start in range(0, len(data), piece):
            part = data[start : start + piece]
            await exchange.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        return await exchange.send(b"0\r\n\r\n")

    return behave


def drip(data: bytes, pause_s: float) -> Behavior:
    """A byte at a time, for ever if need be."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.send(head(200, f"Content-Length: {len(data)}"))
        for byte in data:
            await exchange.send(bytes([byte]))
            await asyncio.sleep(pause_s)
        return True

    return behave


def cut_body(data: bytes) -> Behavior:
    """The connection ends in an orderly way, in the middle."""

    async def behave(exchange: Exchange) -> bool:
        await exchange.send(head(200, f"Content-Length: {len(data)}") + data[: len(data) // 2])
        return False

    return behave


async def reset(exchange: Exchange) -> bool:
    return exchange.reset()


async def silence(_: Exchange) -> bool:
    await asyncio.Event().wait()
    return False


async def nonsense(exchange: Exchange) -> bool:
    await exchange.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    return False


async def endless(exchange: Exchange) -> bool:
    """A body that never ends, sent as fast as it is taken."""
    await exchange.send(head(200, "Transfer-Encoding: chunked"))
    for _ in itertools.count():
        await exchange.send(b"10000\r\n" + bytes(65_536) + b"\r\n")
    return False


@contextlib.asynccontextmanager
async def canary(*addresses: str) -> AsyncIterator[tuple[int, list[str]]]:
    """A port that must not be reached, on all these addresses: the port, and who came nevertheless."""
    came: list[str] = []

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(str(writer.get_extra_info("peername")))
        writer.close()

    servers: list[asyncio.Server] = []
    try:
        for address in addresses:
            port = servers[0].sockets[0].getsockname()[1] if servers else 0
            with contextlib.suppress(OSError):  # no IPv6 here
                servers.append(await asyncio.start_server(note, address, port))
        yield servers[0].sockets[0].getsockname()[1], came
    finally:
        for server in servers:
            server.close()
