"""DuckDuckGo's image search over given records: a page with a token, then JSON, 100 results at a time.

`async with DuckduckgoStandIn(records) as duck: Settings(duckduckgo_url=duck.url, duckduckgo_enabled=True)`. A token
belongs to the words and to the User-Agent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.stand_ins.keyword_api import Website

PAGE = 100


def result(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """An image as DuckDuckGo tells it."""
    return {
        "title": f"A {keyword}, the {number}th",
        "image": f"https://images.example/{keyword}-{number}.jpg",
        "thumbnail": f"https://tse.example/th?id={keyword}-{number}",
        "url": f"https://pages.example/{keyword}-{number}",
        "height": 683,
        "width": 1024,
        "source": "Bing",
        "keywords": [keyword],
    } | values


@dataclass
class DuckduckgoStandIn(Website):
    """See the module. `token_form` is how the page writes its token."""

    token_form: str = 'vqd="{}",'
    paths: list[str] = field(default_factory=list)

    def answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        words = request.query.get("q", "")
        token = "4-" + hashlib.md5((words + request.headers["User-Agent"]).encode(), usedforsecurity=False).hexdigest()
        if request.path == "/" and request.query.get("iar") == "images":
            page = f"<html><script>{self.token_form.format(token)}</script></html>"
            return web.Response(text=page, content_type="text/html")
        if request.path != "/i.js" or request.query.get("vqd") != token or request.headers.get("Referer") != self.url:
            return web.Response(status=403)
        start = int(request.query.get("s", "0"))
        found = self.matching(words)
        body: dict[str, Any] = {"query": words, "results": found[start : start + PAGE]}
        if start + PAGE < len(found):
            body["next"] = f"i.js?q={words}&o=json&s={start + PAGE}"
        return web.json_response(body, content_type="application/x-javascript")
