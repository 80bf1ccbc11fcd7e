"""A SearXNG instance over given records, in the wire format of its JSON answers.

`async with SearxngStandIn(records) as searxng: Settings(searxng_url=searxng.url)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi

PAGE = 10


def result(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """An image as SearXNG tells it."""
    return {
        "url": f"https://pages.example/{keyword}-{number}",
        "title": f"A {keyword}, the {number}th",
        "content": "",
        "engine": "bing images",
        "engines": ["bing images", "flickr"],
        "template": "images.html",
        "img_src": f"https://images.example/{keyword}-{number}.jpg",
        "thumbnail_src": f"//thumbs.example/{keyword}-{number}.jpg",
        "source": "images.example",
        "resolution": "1920 x 1080",
        "img_format": "jpeg",
        "filesize": "1.2 MB",
        "author": "Ann Example",
        "category": "images",
        "score": 1.5,
        "positions": [number],
        "keywords": [keyword],
    } | values


@dataclass
class SearxngStandIn(KeywordApi):
    """See the module."""

    PATH: ClassVar[str] = "/searx/search"
    silent: tuple[tuple[str, str], ...] = ()
    """Engines that do not answer, each with why."""

    @property
    def url(self) -> str:
        return f"{self.base}/searx"

    def answer(self, request: web.Request) -> web.Response:
        if request.query.get("format") != "json" or request.query.get("categories") != "images":
            return web.Response(text="<html>results for people</html>", content_type="text/html")
        if not request.query.get("q"):
            return web.json_response({"error": "No query"}, status=400)
        page = int(request.query.get("pageno", "1"))
        shown = self.matching(request.query["q"])[(page - 1) * PAGE : page * PAGE]
        return web.json_response(
            {
                "query": request.query["q"],
                "results": shown,
                "answers": [],
                "corrections": [],
                "infoboxes": [],
                "suggestions": [],
                "unresponsive_engines": [list(one) for one in self.silent],
            }
        )


def limited(retry_after_s: int | None = None) -> web.Response:
    """What the limiter answers."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return web.Response(status=429, text="Too Many Requests", headers=headers)


def no_json() -> web.Response:
    """What an instance answers that has not switched JSON on."""
    return web.Response(status=403, text="<html>Forbidden</html>", content_type="text/html")
