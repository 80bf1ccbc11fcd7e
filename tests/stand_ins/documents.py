"""A web server of documents that a test writes down: pages, sitemaps, feeds, listings, robots.txt.

`async with Documents({"/": "<html>…"}) as site: site.url`. Texts may name the server's own address as `{base}`. A value
may be a text, bytes, JSON, or a function of the request that makes an answer. `faults` are given out, by path, before
real answers. What is not written down is 404.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.stand_ins.loopback import Handler, Loopback

TYPES = {
    ".xml": "application/xml", ".txt": "text/plain", ".json": "application/json", ".gz": "application/gzip",
    ".jpg": "image/jpeg", ".rss": "application/rss+xml",
}  # fmt: skip


@dataclass
class Documents(Loopback):
    """See the module."""

    documents: Mapping[str, Any]
    faults: dict[str, list[Callable[[], web.Response]]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """Paths with their queries, robots.txt left out."""
    robots_requests: int = 0

    def routes(self) -> Mapping[str, Handler]:
        return {"/{path:.*}": self._answer}

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            self.robots_requests += 1
        else:
            self.requests.append(request.path_qs)
        if self.faults.get(request.path):
            return self.faults[request.path].pop(0)()
        value = self.documents.get(request.path_qs, self.documents.get(request.path))
        if value is None:
            return web.Response(status=404, text="Not Found")
        if callable(value):
            answer: web.Response = value(request)
            return answer
        if isinstance(value, list | dict):
            return web.json_response(text=json.dumps(value).replace("{base}", self.base))
        if isinstance(value, bytes):
            return web.Response(body=value, content_type=self._type(request.path))
        return web.Response(text=value.replace("{base}", self.base), content_type=self._type(request.path))

    def _type(self, path: str) -> str:
        return next((kind for suffix, kind in TYPES.items() if path.endswith(suffix)), "text/html")


def throttled(retry_after_s: int | None = None) -> Callable[[], web.Response]:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return lambda: web.Response(status=429, text="Too Many Requests", headers=headers)


def broken(status: int = 503) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status)
