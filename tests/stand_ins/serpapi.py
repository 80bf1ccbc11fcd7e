"""SerpApi's Google Images over given records, in its wire format: pages of 100, counted from 0.

`async with SerpapiStandIn(records) as serpapi: Settings(serpapi_url=serpapi.url, serpapi_key=KEY)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi

KEY = "a-serpapi-key"
PAGE = 100


def result(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """An image as SerpApi tells it."""
    return {
        "position": number,
        "thumbnail": f"https://serpapi.example/{keyword}-{number}.jpeg",
        "original": f"https://images.example/{keyword}-{number}.jpg",
        "original_width": 1024,
        "original_height": 683,
        "title": f"A {keyword}, the {number}th",
        "link": f"https://pages.example/{keyword}-{number}",
        "source": "Pages Example",
        "is_product": False,
        "keywords": [keyword],
    } | values


@dataclass
class SerpapiStandIn(KeywordApi):
    """See the module."""

    PATH: ClassVar[str] = "/search"

    @property
    def url(self) -> str:
        return f"{self.base}/"

    def answer(self, request: web.Request) -> web.Response:
        if request.query.get("api_key") != KEY:
            return failure(401, "Invalid API key. Your API key should be here: https://serpapi.com/manage-api-key")
        if request.query.get("engine") != "google_images":
            return failure(400, "Unsupported engine.")
        page = int(request.query.get("ijn", "0"))
        shown = self.matching(request.query.get("q", ""))[page * PAGE : (page + 1) * PAGE]
        status = {"search_metadata": {"status": "Success"}}
        if not shown:
            return web.json_response(status | {"error": "Google hasn't returned any results for this query."})
        return web.json_response(status | {"images_results": shown})


def failure(status: int, error: str, **headers: str) -> web.Response:
    return web.json_response({"error": error}, status=status, headers=headers)
