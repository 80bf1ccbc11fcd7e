"""Brave's image search over given records, in its wire format: one page a query, two windows of the rate limit.

`async with BraveStandIn(records) as brave: Settings(brave_url=brave.url, brave_key=KEY)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi

KEY = "a-brave-key"
MOST = 200
QUERY_CHARS, QUERY_WORDS = 400, 50


def result(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """An image as Brave tells it."""
    return {
        "type": "image_result",
        "title": f"A {keyword}, the {number}th",
        "url": f"https://pages.example/{keyword}-{number}",
        "source": "pages.example",
        "thumbnail": {"src": f"https://imgs.search.brave.example/{keyword}-{number}"},
        "properties": {
            "url": f"https://images.example/{keyword}-{number}.jpg",
            "placeholder": f"https://imgs.search.brave.example/small/{keyword}-{number}",
            "width": 1024,
            "height": 683,
        },
        "confidence": "high",
        "keywords": [keyword],
    } | values


@dataclass
class BraveStandIn(KeywordApi):
    """See the module."""

    PATH: ClassVar[str] = "/res/v1/images/search"
    remaining: str = "1, 14523"
    reset: str = "1, 1419704"

    @property
    def url(self) -> str:
        return f"{self.base}/res/v1/"

    def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Subscription-Token") != KEY:
            return failure(422, "SUBSCRIPTION_TOKEN_INVALID", "The provided subscription token is invalid.")
        words, count = request.query.get("q", ""), int(request.query.get("count", "50"))
        if not 1 <= count <= MOST or len(words) > QUERY_CHARS or len(words.split()) > QUERY_WORDS:
            return failure(422, "VALIDATION", "Unable to validate request parameter(s)")
        headers = {
            "X-RateLimit-Limit": "1, 15000",
            "X-RateLimit-Policy": "1;w=1, 15000;w=2592000",
            "X-RateLimit-Remaining": self.remaining,
            "X-RateLimit-Reset": self.reset,
        }
        body = {"type": "images", "query": {"original": words}, "results": self.matching(words)[:count]}
        return web.json_response(body, headers=headers)


def failure(status: int, code: str, detail: str, **headers: str) -> web.Response:
    error = {"id": "00000000-0000-4000-8000-000000000000", "status": status, "code": code, "detail": detail}
    return web.json_response({"type": "ErrorResponse", "error": error}, status=status, headers=headers)
