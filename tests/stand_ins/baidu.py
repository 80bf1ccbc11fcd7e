"""Baidu's image search over given records: cookies from its first page, then what is nearly JSON, 30 at a time.

`async with BaiduStandIn(records) as baidu: Settings(baidu_url=baidu.url, baidu_enabled=True)`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.stand_ins.keyword_api import Website

COOKIE = "BAIDUID"
_CODED = str.maketrans("abcdefghijklmnopqrstuvw1234567890", "wkv1ju2it3hs4g5rq6fp7eo8dn9cm0bla")


def coded(address: str) -> str:
    """An address in Baidu's alphabet."""
    signs = {":": "_z2C$q", ".": "_z&e3B", "/": "AzdH3F"}
    return "".join(signs.get(letter, letter.translate(_CODED)) for letter in address)


def result(number: int, keyword: str, **values: Any) -> dict[str, Any]:
    """An image as Baidu tells it."""
    address = f"https://images.example/{keyword}-{number}.jpg"
    return {
        "thumbURL": f"https://thumbs.example/{keyword}-{number}.jpg",
        "hoverURL": f"https://copies.example/{keyword}-{number}.jpg",
        "replaceUrl": [{"ObjURL": address, "FromURL": f"https://pages.example/{keyword}-{number}"}],
        "objURL": coded(address),
        "fromPageTitle": f"A <strong>{keyword}</strong>'s\tpage, the {number}th",
        "fromURLHost": "pages.example",
        "width": 1024,
        "height": 683,
        "type": "jpg",
        "keywords": [keyword],
    } | values


@dataclass
class BaiduStandIn(Website):
    """See the module. Without its cookies it blocks."""

    with_cookies: bool = True

    def answer(self, request: web.Request) -> web.Response:
        if request.path == "/":
            page = web.Response(text="<html></html>", content_type="text/html")
            if self.with_cookies:
                page.set_cookie(COOKIE, "0123456789ABCDEF:FG=1")
            return page
        if request.path != "/search/acjson" or request.cookies.get(COOKIE) != "0123456789ABCDEF:FG=1":
            return anti_flag()
        start, size = int(request.query.get("pn", "0")), int(request.query.get("rn", "30"))
        found = self.matching(request.query.get("word", ""))
        body = {
            "queryExt": request.query.get("word"),
            "listNum": len(found),
            "data": [*found[start : start + size], {}],
        }
        return web.Response(text=nearly_json(body), content_type="application/json")


def nearly_json(body: Any) -> str:
    r"""JSON with `\'` for an apostrophe and bare tabs in its texts."""
    return json.dumps(body, ensure_ascii=False).replace("'", r"\'").replace(r"\t", "\t")


def anti_flag() -> web.Response:
    return web.json_response({"antiFlag": 1, "message": "Forbid spider access"})
