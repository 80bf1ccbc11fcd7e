"""Wikimedia Commons' search over given files, in MediaWiki's wire format (formatversion 2), refusals as HTTP 200.

`async with CommonsStandIn(files) as commons: Settings(commons_url=commons.url)`. With `pieces` the image information of
a page of results comes in several answers, as the API does where it is too much for one.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.stand_ins.keyword_api import KeywordApi

WIDTHS = {20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840}
LICENSE_URL = "https://creativecommons.org/licenses/by-sa/4.0"


def file(number: int, keyword: str, details: dict[str, Any] | None = None, **info: Any) -> dict[str, Any]:
    """A file as Commons describes it; `details` are values of extmetadata (None: absent), `info` of imageinfo."""
    name = f"{keyword}-{number}.jpg"
    values = {
        "ObjectName": f"A {keyword}, the {number}th",
        "License": "cc-by-sa-4.0",
        "LicenseShortName": "CC BY-SA 4.0",
        "LicenseUrl": LICENSE_URL,
        "Artist": '<a href="//commons.wikimedia.org/wiki/User:Ann" title="User:Ann">Ann &amp; <b>Bo</b></a>',
    } | (details or {})
    return {
        "keywords": [keyword],
        "pageid": number,
        "ns": 6,
        "title": f"File:{name}",
        "imageinfo": [
            {
                "size": 170_000,
                "width": 1600,
                "height": 1200,
                "url": f"https://upload.example/commons/a/ab/{name}",
                "descriptionurl": f"https://commons.example/wiki/File:{name}",
                "sha1": f"{number:040x}",
                "mime": "image/jpeg",
                "mediatype": "BITMAP",
                "extmetadata": {
                    key: {"value": value, "source": "commons-desc-page"}
                    for key, value in values.items()
                    if value is not None
                },
            }
            | info
        ],
    }


def refusal(code: str, info: str, retry_after_s: int | None = None) -> web.Response:
    """MediaWiki's way to refuse: HTTP 200."""
    headers = {"MediaWiki-API-Error": code} | ({} if retry_after_s is None else {"Retry-After": str(retry_after_s)})
    return web.json_response({"error": {"code": code, "info": info, "docref": "See api.php"}}, headers=headers)


@dataclass
class CommonsStandIn(KeywordApi):
    """See the module."""

    PATH = "/w/api.php"
    pieces: int = 1

    @property
    def url(self) -> str:
        return f"{self.base}/w/api.php"

    def answer(self, request: web.Request) -> web.Response:
        asked = request.query
        if asked.get("formatversion") != "2" or asked.get("generator") != "search" or asked.get("gsrnamespace") != "6":
            return refusal("badvalue", "The stand-in knows one kind of query.")
        if int(asked["iiurlwidth"]) not in WIDTHS:
            return web.Response(status=429, text="Use thumbnail steps listed on https://w.wiki/GHai")
        words = " ".join(word for word in asked["gsrsearch"].split() if ":" not in word)
        found, limit, offset = self.matching(words), int(asked["gsrlimit"]), int(asked.get("gsroffset", "0"))
        shown = [one | {"index": offset + place + 1} for place, one in enumerate(found[offset : offset + limit])]
        piece = int(asked.get("iicontinue", "0").partition("|")[0])
        body: dict[str, Any] = {
            "query": {"pages": [self._part(one, place, piece, asked) for place, one in enumerate(shown)]}
        }
        if piece + 1 < self.pieces:
            body["continue"] = {"iicontinue": f"{piece + 1}|x", "continue": "||", "gsroffset": offset}
            return web.json_response(body)
        if asked.get("gsrinfo") == "totalhits":
            body["query"]["searchinfo"] = {"totalhits": len(found)}
        body["batchcomplete"] = True
        if offset + limit < len(found):
            body["continue"] = {"gsroffset": offset + limit, "continue": "gsroffset||"}
        # The API orders by page id, not by rank.
        body["query"]["pages"].sort(key=lambda one: str(one["pageid"]))
        return web.json_response(body)

    def _part(self, one: dict[str, Any], place: int, piece: int, asked: Any) -> dict[str, Any]:
        if place % self.pieces != piece:
            return {name: value for name, value in one.items() if name != "imageinfo"}
        width = asked["iiurlwidth"]
        infos = [
            info
            | {"thumburl": f"https://upload.example/commons/thumb/{width}px-{urllib.parse.quote(one['title'][5:])}"}
            for info in one.get("imageinfo", [])
        ]
        return one | {"imageinfo": infos}
