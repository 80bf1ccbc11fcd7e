"""A front before an S3 server: passes requests on, and is slow or refuses writes while a test wants it to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import yarl
from aiohttp import web

REFUSAL = "<Error><Code>{code}</Code><Message>{code}</Message></Error>"
CODES = {403: "AccessDenied", 503: "SlowDown", 507: "InsufficientStorage"}
KEPT = ("Authorization", "Content-Type", "Range", "x-amz-content-sha256", "x-amz-date", "Content-Disposition")


@dataclass
class Front:
    """`refusing` answers every write with this status, `refusing_reads` every GET; each write takes `delay_s`."""

    target: str
    url: str = ""
    refusing: int = 0
    refusing_reads: int = 0
    delay_s: float = 0.0
    writes: int = 0
    under_way: int = 0
    peak: int = 0
    """The most writes that were under way at once."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        """One request."""
        body = await request.read()
        if request.method in ("PUT", "POST"):
            self.writes += 1
            self.under_way += 1
            self.peak = max(self.peak, self.under_way)
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.delay_s):
                        await self.ending.wait()
            finally:
                self.under_way -= 1
        status = {"PUT": self.refusing, "POST": self.refusing, "GET": self.refusing_reads}.get(request.method)
        if status:
            return web.Response(status=status, text=REFUSAL.format(code=CODES[status]))
        return await self._passed_on(request, body)

    async def _passed_on(self, request: web.Request, body: bytes) -> web.Response:
        url = yarl.URL(f"{self.target}{request.raw_path}", encoded=True)
        headers = {name: request.headers[name] for name in KEPT if name in request.headers}
        session: aiohttp.ClientSession = request.app[SESSION]
        async with session.request(request.method, url, data=body, headers=headers) as response:
            kept = {name: response.headers[name] for name in ("ETag", "Last-Modified") if name in response.headers}
            if request.method == "HEAD":
                kept["Content-Length"] = response.headers["Content-Length"]
            kind = response.headers.get("Content-Type", "")
            return web.Response(
                status=response.status, body=await response.read(), headers=kept | {"Content-Type": kind}
            )


SESSION = web.AppKey("session", aiohttp.ClientSession)


@contextlib.asynccontextmanager
async def before(target: str) -> AsyncIterator[Front]:
    """The front on a free loopback port."""
    front = Front(target)
    application = web.Application(client_max_size=64 * 2**20)
    application.router.add_route("*", "/{path:.*}", front.answer)
    runner = web.AppRunner(application, access_log=None)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        application[SESSION] = session
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
            front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield front
        finally:
            front.ending.set()
            await runner.cleanup()
