"""Connections that dribble, or say too much before they ask, are told so and closed; others are served meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from app.commands import connections
from app.commands.connections import MAX_HEAD, Connection, text_frame
from schema import requests
from tests.reading.served import authenticate, made

DEADLINE_S = 10.0
ASKED = b'{"query": "{ __typename }"}'
HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer owner\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(ASKED) + ASKED


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a service of its own."""
    from schema.http import GraphQLApp

    config = uvicorn.Config(GraphQLApp(authenticate, made()), port=0, lifespan="off", log_level="critical")
    config.http = Connection
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    try:
        yield reader, writer
    finally:
        writer.close()
        await server.shutdown()


async def rest(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    """The status and the error of the last answer of a connection, which ends."""
    text = await asyncio.wait_for(reader.read(), DEADLINE_S)
    head, _, body = text.rpartition(b"\r\n\r\n")
    (error,) = json.loads(body)["errors"]
    return int(head.rpartition(b"HTTP/1.1 ")[2][:3]), error


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The first answer of a connection that stays."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_S)
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await asyncio.wait_for(reader.readexactly(size), DEADLINE_S)


@pytest.mark.parametrize("said", [b"", b"POST /gra", HEAD, WHOLE + HEAD])
async def test_a_request_that_does_not_come_is_waited_for_only_so_long(
    database: str, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    async with connected() as (reader, writer):
        writer.write(said)
        status, error = await rest(reader)
    assert status == 408
    assert error["extensions"] == {"code": "TIMEOUT", "limit": "0.3 s"}


async def test_letter_by_letter_is_no_sooner(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    async with connected() as (reader, writer):

        async def dribble() -> None:
            for letter in HEAD * 100:
                writer.write(bytes([letter]))
                await asyncio.sleep(0.01)

        dribbling = asyncio.create_task(dribble())
        status, _ = await rest(reader)
        dribbling.cancel()
    assert status == 408


async def test_a_body_that_does_not_come_is_waited_for_only_so_long(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "BODY_S", 0.3)
    async with connected() as (reader, writer):
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n{")
        status, error = await rest(reader)
    assert status == 408
    assert error["extensions"] == {"code": "TIMEOUT", "limit": "0.3 s"}


@pytest.mark.parametrize(
    "endless", [b"X-Long: " + b"x" * MAX_HEAD, b"X-Many: x\r\n" * (MAX_HEAD // 8), b"X-" + b"x" * MAX_HEAD]
)
async def test_headers_that_do_not_end_are_refused_by_their_size(database: str, endless: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD + endless)
        status, error = await rest(reader)
    assert status == 431
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": f"{MAX_HEAD} bytes"}


async def test_a_connection_that_was_served_is_served_again(database: str) -> None:
    async with connected() as (reader, writer):
        for _ in range(3):
            writer.write(WHOLE)
            assert b"Query" in await answered(reader)


async def test_a_client_that_leaves_within_its_body_leaves_nothing_behind(database: str) -> None:
    async with connected() as (reader, writer):
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n{")
        await writer.drain()
        writer.write_eof()
        writer.close()
        await writer.wait_closed()
        assert await reader.read() == b""


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_text_of_any_size_is_one_frame_as_a_client_reads_it(size: int) -> None:
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), state=OPEN, max_size=None)
    client.receive_data(text_frame("é" * (size // 2) + "x" * (size % 2)))
    (frame,) = client.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    assert bytes(frame.data).decode() == "é" * (size // 2) + "x" * (size % 2)
