"""Openverse's image search over given records, in its wire format, with its limits and its oddities.

`async with OpenverseStandIn(records) as openverse: Settings(openverse_url=openverse.url)`. A record matches a query if
its `keywords` hold it; the rest of a record is served as it is. `faults` are given out before real answers.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.stand_ins.loopback import Handler, Loopback

DEPTH = 240
ANONYMOUS_PAGE, TOKEN_PAGE = 20, 50
TOKEN = "a-token"
LICENSES = {"by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "cc0", "pdm", "sampling+", "nc-sampling+"}


def record(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """An image as Openverse describes it."""
    name = f"{keyword}-{number}"
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "title": f"A {keyword}, the {number}th",
        "foreign_landing_url": f"https://photos.example/{name}",
        "url": f"https://live.photos.example/{name}.jpg",
        "creator": "Ann Example",
        "creator_url": "https://photos.example/ann",
        "license": "by",
        "license_version": "2.0",
        "license_url": "https://creativecommons.org/licenses/by/2.0/",
        "provider": "flickr",
        "source": "flickr",
        "attribution": f'"A {keyword}" by Ann Example is licensed under CC BY 2.0.',
        "width": 1024,
        "height": 683,
        "thumbnail": f"https://api.openverse.org/v1/images/{number}/thumb/",
        "mature": False,
        "tags": [{"name": keyword, "accuracy": None}],
        "keywords": [keyword],
    } | values


@dataclass
class OpenverseStandIn(Loopback):
    """See the module."""

    records: Sequence[dict[str, Any]]
    faults: list[web.Response] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Answers wait for it, where there is one."""

    @property
    def url(self) -> str:
        return f"{self.base}/v1/"

    def routes(self) -> Mapping[str, Handler]:
        return {"/v1/images/": self._search}

    async def _search(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.query))
        self.tokens.append(request.headers.get("Authorization"))
        if self.gate is not None:
            await self.gate.wait()
        if self.faults:
            return self.faults.pop(0)
        known = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        size, page = int(request.query.get("page_size", "20")), int(request.query.get("page", "1"))
        if size > (TOKEN_PAGE if known else ANONYMOUS_PAGE):
            limit = TOKEN_PAGE if known else ANONYMOUS_PAGE
            return denied(401, f"page_size may not exceed {limit} for {'' if known else 'anonymous '}requests")
        if size * page > DEPTH:
            return denied(401, f"pagination depth may not exceed {DEPTH} for {'' if known else 'anonymous '}requests")
        licenses = set(filter(None, request.query.get("license", "").split(",")))
        if licenses - LICENSES:
            unknown = sorted(licenses - LICENSES)[0]
            return denied(400, {"license": [f"License '{unknown}' does not exist."]})
        return self._page(request.query.get("q", ""), licenses, page, size)

    def _page(self, words: str, licenses: set[str], page: int, size: int) -> web.Response:
        found = [
            one for one in self.records if words in one["keywords"] and (not licenses or one["license"] in licenses)
        ]
        found = found[:DEPTH]
        shown = [
            {name: value for name, value in one.items() if name != "keywords"}
            for one in found[(page - 1) * size : page * size]
        ]
        body = {
            "result_count": len(found),
            "page_count": math.ceil(len(found) / size),
            "page_size": size,
            "page": page,
            "results": shown,
        }
        return web.json_response(body, headers={"X-RateLimit-Limit-anon_burst": "20/min"})


def denied(status: int, detail: Any, **headers: str) -> web.Response:
    return web.json_response({"detail": detail}, status=status, headers=headers)


def throttled(retry_after_s: int | None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    detail = f"Request was throttled. Expected available in {retry_after_s} seconds."
    return denied(429, detail, **headers)
