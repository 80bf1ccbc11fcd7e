"""A wire to a server that can be cut and mended: the server is away, and comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Wire:
    """Forwards a loopback port to a Redis URL, TCP or Unix socket."""

    target: str
    port: int = 0
    is_cut: bool = False
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The same database by way of the wire."""
        parts = urlsplit(self.target)
        number = parse_qs(parts.query).get("db", ["0"])[0] if parts.scheme == "unix" else parts.path.lstrip("/")
        return f"redis://127.0.0.1:{self.port}/{number}"

    def cut(self) -> None:
        """End every connection and take no new ones."""
        self.is_cut = True
        for task in self._open:
            task.cancel()

    def mend(self) -> None:
        """Take connections again."""
        self.is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until one end closes it or the wire is cut."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        with contextlib.closing(writer):
            if not self.is_cut:
                with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                    await self._both_ways((reader, writer), await self._reach())
        self._open.discard(task)

    async def _reach(self) -> Streams:
        parts = urlsplit(self.target)
        if parts.scheme == "unix":
            return await asyncio.open_unix_connection(parts.path)
        return await asyncio.open_connection(parts.hostname, parts.port)

    @staticmethod
    async def _both_ways(near: Streams, far: Streams) -> None:
        with contextlib.closing(far[1]):
            ways = {asyncio.create_task(_pour(near[0], far[1])), asyncio.create_task(_pour(far[0], near[1]))}
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def wire(target: str) -> AsyncIterator[Wire]:
    """A wire to `target` while the block runs."""
    made = Wire(target)
    server = await asyncio.start_server(made.carry, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
        await asyncio.gather(*made._open, return_exceptions=True)
