"""The gallery's own process: `python -m app.commands.gallery.server`.

Serves images, their pages and Openverse's search on a free loopback port, which it announces as one JSON line on
stdout: `{"url": "http://127.0.0.1:PORT"}`. It ends with its stdin, which is how it ends with whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import orjson
from aiohttp import web

from app.commands import lifeline
from app.commands.gallery import pages
from app.commands.gallery.records import FORMATS, Record, records
from app.commands.gallery.render import HEADERS, STATUSES, render, thumbnail
from app.commands.gallery.search import Refused, described, search

TYPES = {suffix: f"image/{format}" for format, suffix in FORMATS.items()}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gallery:
    """The records and the images that were made of them so far."""

    def __init__(self) -> None:
        self.records = records()
        self._by_path = {record.path: record for record in self.records}
        self._by_id = {record.id: record for record in self.records}
        self._made: dict[str, asyncio.Task[bytes]] = {}
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="render")

    def application(self) -> web.Application:
        """The web application."""
        application = web.Application()
        routes: list[tuple[str, Handler]] = [
            ("/", self._front),
            ("/robots.txt", self._robots),
            ("/images/{path:.+}", self._image),
            ("/photos/{id}", self._landing),
            ("/v1/images/", self._search),
            ("/v1/images/{id}/", self._detail),
            ("/v1/images/{id}/thumb/", self._thumbnail),
        ]
        for path, handler in routes:
            application.router.add_get(path, handler)
        return application

    async def _front(self, _: web.Request) -> web.Response:
        return web.Response(text=pages.front(self.records), content_type="text/html")

    async def _robots(self, _: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nAllow: /\n")

    async def _landing(self, request: web.Request) -> web.Response:
        return web.Response(text=pages.landing(self._found(request)), content_type="text/html")

    async def _search(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").startswith("Bearer ")
        try:
            return web.json_response(search(self.records, request.query, _base(request), token=token))
        except Refused as refused:
            return web.json_response({"detail": refused.detail}, status=refused.status)

    async def _detail(self, request: web.Request) -> web.Response:
        return web.json_response(described(self._found(request), _base(request)))

    async def _thumbnail(self, request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(self._threads, thumbnail, self._found(request))
        return web.Response(body=data, content_type="image/jpeg")

    async def _image(self, request: web.Request) -> web.Response:
        record = self._by_path.get(request.match_info["path"])
        if record is None:
            raise web.HTTPNotFound
        data = await self._bytes(record)
        return web.Response(
            body=data,
            status=STATUSES.get(record.kind, 200),
            content_type=TYPES[record.path.rpartition(".")[2]],
            headers=HEADERS.get(record.kind),
        )

    async def _bytes(self, record: Record) -> bytes:
        """The image, made once however many ask for it."""
        task = self._made.get(record.path)
        if task is None:
            future = asyncio.get_running_loop().run_in_executor(self._threads, render, record)
            task = self._made[record.path] = asyncio.ensure_future(_value(future))
        return await asyncio.shield(task)

    def _found(self, request: web.Request) -> Record:
        record = self._by_id.get(request.match_info["id"])
        if record is None:
            body = orjson.dumps({"detail": "Not found."})
            raise web.HTTPNotFound(body=body, content_type="application/json")
        return record


async def _value(future: asyncio.Future[bytes]) -> bytes:
    return await future


def _base(request: web.Request) -> str:
    return f"http://{request.host}"


@contextlib.asynccontextmanager
async def served(listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Serves the gallery on loopback inside, on a socket that listens or on a free port; gives its address."""
    runner = web.AppRunner(Gallery().application(), access_log=None)
    await runner.setup()
    try:
        site = web.SockSite(runner, listener) if listener is not None else web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _serve(listener: socket.socket | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with served(listener) as url:
        sys.stdout.write(orjson.dumps({"url": url}).decode() + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Serves until asked to end, or until stdin ends."""
    parser = argparse.ArgumentParser(description="PixCrawler's gallery of photographs, with a search.")
    parser.add_argument("--fd", type=int, help="A listening socket, handed down; a free port unless told.")
    descriptor = parser.parse_args().fd
    lifeline.watch()
    asyncio.run(_serve(None if descriptor is None else socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    main()
