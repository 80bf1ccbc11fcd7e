"""The client of the API: what it says when a service refuses, and what it does when a connection is lost."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import click
import pytest
from aiohttp import web

from app.commands import client as client_module
from app.commands.client import Client, ServiceRefused, connected
from app.commands.crawling import download as download_module
from app.commands.crawling.download import download, file_name

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(path: str, handler: Handler) -> AsyncIterator[str]:
    """A server with one answer, on a free loopback port."""
    application = web.Application()
    application.router.add_route("*", path, handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def answering(body: Any, status: int = 200) -> AsyncIterator[Client]:
    """A client of a service that gives one answer to every operation."""

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async with serving("/graphql", handler) as url, connected(url, "token") as client:
        yield client


async def test_a_mutations_errors_are_told_with_their_field() -> None:
    error = {"code": "INVALID", "message": "maxImages takes 1 to 10, not 11.", "path": ["input", "maxImages"]}
    body = {"data": {"createCrawlJob": {"crawlJob": None, "errors": [error]}}}
    async with answering(body) as client:
        with pytest.raises(ServiceRefused, match=r"^maxImages: maxImages takes 1 to 10, not 11\.$") as refused:
            await client.mutate("mutation { x }", {})
    assert refused.value.code == "INVALID"


async def test_a_token_that_does_not_hold_is_told_with_what_to_do() -> None:
    body = {"errors": [{"message": "No.", "extensions": {"code": "UNAUTHENTICATED"}}]}
    async with answering(body, 401) as client:
        with pytest.raises(ServiceRefused, match=r"does not take this token.*pixcrawler token") as refused:
            await client.execute("{ viewer { id } }", {})
    assert refused.value.code == "UNAUTHENTICATED"


async def test_an_address_that_is_no_service_is_named() -> None:
    async with answering("a web page", 404) as client:
        with pytest.raises(ServiceRefused, match="is no GraphQL service: it answered 404"):
            await client.execute("{ viewer { id } }", {})


async def test_a_service_that_is_not_there_is_told_at_once(unused_tcp_port: int) -> None:
    async with connected(f"http://127.0.0.1:{unused_tcp_port}", None) as client:
        with pytest.raises(ServiceRefused, match="does not answer"):
            await client.execute("{ viewer { id } }", {})


async def test_the_address_may_end_in_graphql() -> None:
    async with connected("http://127.0.0.1:1/graphql", None) as client:
        assert client.url == "http://127.0.0.1:1"


class Progress:
    """A service whose websocket gives one frame a connection, and is lost after each but the last."""

    def __init__(self, connections: int) -> None:
        self.left = connections
        self.seen: list[Any] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await socket.prepare(request)
        self.left -= 1
        self.seen.append((await socket.receive_json())["payload"])
        await socket.send_json({"type": "connection_ack"})
        self.seen.append((await socket.receive_json())["payload"]["variables"])
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
        frame = {"data": {"crawlJobProgress": {"left": self.left}}}
        await socket.send_json({"id": "1", "type": "next", "payload": frame})
        if self.left == 0:
            await socket.send_json({"id": "1", "type": "complete"})
        return socket


async def test_a_subscription_survives_lost_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_PAUSE_S", 0.01)
    progress = Progress(connections=3)
    async with serving("/graphql", progress.handle) as url, connected(url, "secret") as client:
        frames = [frame async for frame in client.follow("subscription { x }", {"id": "CrawlJob:1"})]
    assert frames == [{"left": 2}, {"left": 1}, {"left": 0}]
    assert progress.seen == [{"Authorization": "Bearer secret"}, {"id": "CrawlJob:1"}] * 3


async def test_a_subscription_gives_up_where_the_token_is_refused() -> None:
    async def closing(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await socket.prepare(request)
        await socket.receive_json()
        await socket.close(code=4403)
        return socket

    async with serving("/graphql", closing) as url, connected(url, None) as client:
        with pytest.raises(ServiceRefused, match="wants a token"):
            await anext(client.follow("subscription { x }", {}))


async def test_a_subscription_to_what_is_missing_is_refused_in_the_services_words() -> None:
    async def missing(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await socket.prepare(request)
        await socket.receive_json()
        await socket.send_json({"type": "connection_ack"})
        await socket.receive_json()
        errors = [{"message": "There is no such crawl job.", "extensions": {"code": "NOT_FOUND"}}]
        await socket.send_json({"id": "1", "type": "error", "payload": errors})
        await socket.receive()
        return socket

    async with serving("/graphql", missing) as url, connected(url, "token") as client:
        with pytest.raises(ServiceRefused, match="There is no such crawl job") as refused:
            await anext(client.follow("subscription { x }", {}))
    assert refused.value.code == "NOT_FOUND"


class Breaking:
    """A file server that hangs up in the middle of a file, `breaks` times; `ranged` ones can go on from there."""

    def __init__(self, data: bytes, breaks: int, *, ranged: bool) -> None:
        self.data, self.breaks, self.ranged = data, breaks, ranged
        self.ranges: list[str | None] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        wanted = request.headers.get("Range") if self.ranged else None
        self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        body = self.data[start:]
        headers = {"Content-Length": str(len(body)), "Content-Disposition": 'attachment; filename="cats.zip"'}
        if self.ranged:
            headers["ETag"] = '"1"'
        response = web.StreamResponse(status=206 if wanted else 200, headers=headers)
        await response.prepare(request)
        if self.breaks > 0:
            self.breaks -= 1
            await response.write(body[: len(body) // 2])
            assert request.transport is not None
            request.transport.close()
        else:
            await response.write(body)
        return response


async def fetched(server: Breaking, path: Path, size: int) -> tuple[str, list[int]]:
    told: list[int] = []
    async with serving("/files/7/x.zip", server.handle) as url, aiohttp.ClientSession() as http:

        async def link() -> str:
            return f"{url}/files/7/x.zip?signature=1"

        return await download(http, url, link, path, size, told.append), told


@pytest.mark.parametrize("ranged", [True, False])
async def test_a_download_that_breaks_off_is_completed(
    ranged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "FIRST_PAUSE_S", 0.01)
    data = bytes(range(256)) * 4_000
    server = Breaking(data, breaks=2, ranged=ranged)
    name, told = await fetched(server, tmp_path / "part", len(data))
    assert name == "cats.zip"
    assert (tmp_path / "part").read_bytes() == data
    assert told[-1] == len(data)
    assert len(server.ranges) == 3
    assert (server.ranges[1] is not None) == ranged


async def test_a_download_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="has 3 bytes, the service says 4"):
        await fetched(Breaking(b"abc", 0, ranged=True), tmp_path / "part", 4)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="cats.zip"', "cats.zip"),
        ("attachment; filename*=UTF-8''k%C3%A4tzchen.zip", "kätzchen.zip"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="..\\\\x.zip"', "x.zip"),
        ("", "export-7.zip"),
    ],
)
def test_the_exports_name_is_taken_from_the_answer_and_leads_nowhere_else(header: str, name: str) -> None:
    assert file_name(header, "http://host/files/exports/export-7.zip?expires=1") == name
