"""Unsplash's photo search over given photos, in its wire format.

`async with UnsplashStandIn(photos) as one: Settings(unsplash_url=one.url, unsplash_key=KEY, unsplash_enabled=True)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi
from tests.stand_ins.loopback import Handler

KEY = "unsplash-key-0123456789"


def photo(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """A photo as Unsplash describes it."""
    at = f"https://images.photos.example/photo-{keyword}-{number}?ixid=abc"
    return {
        "keywords": [keyword],
        "id": f"{keyword}-{number}",
        "width": 4000,
        "height": 3000,
        "description": None,
        "alt_description": f"A {keyword}, the {number}th",
        "urls": {"raw": at, "full": f"{at}&q=85", "regular": f"{at}&w=1080", "thumb": f"{at}&w=200"},
        "links": {
            "self": f"https://api.photos.example/photos/{number}",
            "html": f"https://photos.example/photos/{keyword}-{number}",
            "download_location": f"https://api.photos.example/photos/{number}/download?ixid=abc",
        },
        "user": {"id": "7", "username": "ann", "name": "Ann Example", "links": {"html": "https://photos.example/@ann"}},
    } | values


@dataclass
class UnsplashStandIn(KeywordApi):
    """See the module. `told` are the ids of the photos of which a use was told."""

    PATH: ClassVar[str] = "/search/photos"
    told: list[str] = field(default_factory=list)
    used_up: bool = False
    """Whether the limit leaves no room for telling a use."""

    @property
    def url(self) -> str:
        return f"{self.base}/"

    def routes(self) -> Mapping[str, Handler]:
        return {**super().routes(), "/photos/{id}/download": self._download}

    async def _download(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Client-ID {KEY}" or request.query.get("ixid") != "abc":
            return web.json_response({"errors": ["OAuth error: The access token is invalid"]}, status=401)
        if self.used_up:
            headers = {"X-Ratelimit-Remaining": "0", "Retry-After": "3600"}
            return web.json_response({"errors": ["Rate Limit Exceeded"]}, status=403, headers=headers)
        self.told.append(request.match_info["id"])
        return web.json_response({"url": "https://images.photos.example/photo"})

    def answer(self, request: web.Request) -> web.Response:
        headers = request.headers
        if headers.get("Authorization") != f"Client-ID {KEY}" or headers.get("Accept-Version") != "v1":
            return web.json_response({"errors": ["OAuth error: The access token is invalid"]}, status=401)
        size, page = min(30, int(request.query.get("per_page", "10"))), int(request.query.get("page", "1"))
        found = self.matching(request.query["query"])
        body = {
            "total": len(found),
            "total_pages": math.ceil(len(found) / size),
            "results": found[(page - 1) * size : page * size],
        }
        return web.json_response(body, headers={"X-Ratelimit-Limit": "50", "X-Ratelimit-Remaining": "49"})
