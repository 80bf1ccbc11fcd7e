"""Flickr's photo search over given photos, in its wire format, refusals as HTTP 200, numbers partly as text.

`async with FlickrStandIn(photos) as flickr: Settings(flickr_url=flickr.url, flickr_key=KEY)`. As the real one it
repeats its last reachable results beyond `depth`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi

KEY = "flickr-key-0123456789"


def photo(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """A photo as Flickr describes it."""
    at = f"https://live.photos.example/65535/{keyword}-{number}"
    return {
        "keywords": [keyword],
        "id": str(number),
        "owner": "12345678@N00",
        "secret": "abc",
        "server": "65535",
        "title": f"A {keyword}, the {number}th",
        "license": "4",
        "ownername": "Ann Example",
        "pathalias": "ann",
        "dateupload": str(1_400_000_000 + number),
        "description": {"_content": f"A <b>{keyword}</b>"},
        "tags": keyword,
        "media": "photo",
        "url_l": f"{at}_b.jpg", "height_l": 683, "width_l": "1024",
        "url_z": f"{at}_z.jpg", "height_z": 427, "width_z": 640,
        "url_n": f"{at}_n.jpg", "height_n": 213, "width_n": 320,
    } | values  # fmt: skip


def failed(code: int, message: str) -> web.Response:
    return web.json_response({"stat": "fail", "code": code, "message": message})


@dataclass
class FlickrStandIn(KeywordApi):
    """See the module."""

    PATH = "/services/rest/"
    depth: int = 4_000

    @property
    def url(self) -> str:
        return f"{self.base}/services/rest/"

    def answer(self, request: web.Request) -> web.Response:
        asked = request.query
        if asked.get("api_key") != KEY:
            return failed(100, "Invalid API Key (Key has invalid format)")
        if asked.get("method") != "flickr.photos.search" or asked.get("nojsoncallback") != "1":
            return failed(112, f'Method "{asked.get("method")}" not found')
        licenses = set(asked["license"].split(","))
        first, last = int(asked.get("min_upload_date", "0")), int(asked.get("max_upload_date", "9999999999"))
        found = [
            one
            for one in self.matching(asked.get("text") or asked.get("tags") or "")
            if str(one["license"]) in licenses and first <= int(one["dateupload"]) <= last
        ]
        size, page = int(asked.get("per_page", "100")), int(asked.get("page", "1"))
        begin = (min(page * size, self.depth) // size - 1) * size
        body = {
            "page": page,
            "pages": math.ceil(len(found) / size),
            "perpage": size,
            "total": str(len(found)),
            "photo": found[begin : begin + size],
        }
        return web.json_response({"photos": body, "stat": "ok"})
