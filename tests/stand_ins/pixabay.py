"""Pixabay's image search over given hits, in its wire format: 500 a query, refusals as 400 in plain text.

`async with PixabayStandIn(hits) as pixabay: Settings(pixabay_url=pixabay.url, pixabay_key=KEY, pixabay_enabled=True)`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi

KEY = "pixabay-key-0123456789"
DEPTH = 500


def photo(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """A hit as Pixabay describes it."""
    at = f"https://pixabay.photos.example/get/{keyword}-{number}"
    return {
        "keywords": [keyword],
        "id": number,
        "pageURL": f"https://photos.example/{keyword}-{number}/",
        "type": "photo",
        "tags": f"{keyword}, animal, the {number}th",
        "previewURL": f"{at}_150.jpg",
        "webformatURL": f"{at}_640.jpg",
        "largeImageURL": f"{at}_1280.jpg",
        "imageWidth": 4000,
        "imageHeight": 3000,
        "imageSize": 4_731_420,
        "user_id": 48_777,
        "user": "Ann Example",
    } | values


def refused(words: str) -> web.Response:
    return web.Response(status=400, text=f"[ERROR 400] {words}")


class PixabayStandIn(KeywordApi):
    """See the module."""

    PATH = "/api/"

    @property
    def url(self) -> str:
        return f"{self.base}/api/"

    def answer(self, request: web.Request) -> web.Response:
        asked = request.query
        if asked.get("key") != KEY:
            return refused("Invalid or missing API key (https://pixabay.com/api/docs/).")
        size, page = int(asked.get("per_page", "20")), int(asked.get("page", "1"))
        if not 3 <= size <= 200 or len(asked["q"]) > 100:
            return refused('"per_page" is out of valid range.')
        found = self.matching(asked["q"])
        reached = found[:DEPTH]
        if page > 1 and (page - 1) * size >= len(reached):
            return refused('"page" is out of valid range.')
        hits = reached[(page - 1) * size : page * size]
        return web.json_response({"total": len(found), "totalHits": len(reached), "hits": hits})
