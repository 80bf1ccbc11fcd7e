"""A cable between a process and the database or Redis, which a test can cut for a while."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote, urlsplit

from app.database import credentials

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
READ_BYTES = 2**16


class Cable:
    """Passes bytes on, both ways, until it is cut; mended, it takes new connections."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self.port = 0
        self._connect = connect
        self._whole = True
        self._ends: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """End all connections; new ones end at once."""
        self._whole = False
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        """Take connections again."""
        self._whole = True

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        if not self._whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await self._connect()
        ends = {writer, far_writer}
        self._ends |= ends
        try:
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        finally:
            self._ends -= ends


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(READ_BYTES):
            writer.write(block)
            await writer.drain()
    writer.transport.abort()


@contextlib.asynccontextmanager
async def laid(connect: Callable[[], Awaitable[Streams]]) -> AsyncIterator[Cable]:
    """A cable with its near end on a free loopback port."""
    cable = Cable(connect)
    running: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(cable.take(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    cable.port = server.sockets[0].getsockname()[1]
    try:
        yield cable
    finally:
        server.close()
        cable.cut()
        await asyncio.gather(*running, return_exceptions=True)


@contextlib.asynccontextmanager
async def to_database(url: str) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to the database of a URL, and the URL that leads through it."""
    found = credentials(url)
    host, port = found["host"], found["port"]

    async def connect() -> Streams:
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async with laid(connect) as cable:
        password = f":{quote(found['password'], safe='')}" if found["password"] else ""
        yield cable, f"postgresql://{quote(found['user'])}{password}@127.0.0.1:{cable.port}/{found['database']}"


@contextlib.asynccontextmanager
async def to_redis(url: str) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to the Redis of a URL, and the URL that leads through it."""
    parts = urlsplit(url)

    async def connect() -> Streams:
        if parts.scheme == "unix":
            return await asyncio.open_unix_connection(parts.path)
        return await asyncio.open_connection(parts.hostname, parts.port or 6379)

    number = parts.query.removeprefix("db=") if parts.scheme == "unix" else parts.path.strip("/")
    who, at, _ = parts.netloc.rpartition("@")
    async with laid(connect) as cable:
        yield cable, f"redis://{who}{at}127.0.0.1:{cable.port}/{number or 0}"
