"""Pexels' photo search over given photos, in its wire format.

`async with PexelsStandIn(photos) as pexels: Settings(pexels_url=pexels.url, pexels_key=KEY, pexels_enabled=True)`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi

KEY = "pexels-key-0123456789"


def photo(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """A photo as Pexels describes it."""
    at = f"https://images.photos.example/photos/{number}/{keyword}.jpeg"
    return {
        "keywords": [keyword],
        "id": number,
        "width": 4000,
        "height": 3000,
        "url": f"https://photos.example/photo/{keyword}-{number}/",
        "photographer": "Ann Example",
        "photographer_url": "https://photos.example/@ann",
        "photographer_id": 7,
        "src": {"original": at, "large": f"{at}?h=650", "medium": f"{at}?h=350", "tiny": f"{at}?h=200"},
        "alt": f"A {keyword}, the {number}th",
    } | values


class PexelsStandIn(KeywordApi):
    """See the module."""

    PATH = "/v1/search"

    @property
    def url(self) -> str:
        return f"{self.base}/v1/"

    def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != KEY:
            return web.json_response({"error": "Invalid API key"}, status=401)
        size, page = min(80, int(request.query.get("per_page", "15"))), int(request.query.get("page", "1"))
        found = self.matching(request.query["query"])
        body: dict[str, Any] = {
            "page": page,
            "per_page": size,
            "photos": found[(page - 1) * size : page * size],
            "total_results": len(found),
        }
        if page * size < len(found):
            body["next_page"] = f"https://api.pexels.example/v1/search/?page={page + 1}"
        return web.json_response(body, headers={"X-Ratelimit-Limit": "20000", "X-Ratelimit-Remaining": "19999"})
