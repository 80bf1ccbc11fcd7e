"""Baidu's image search, as its own page asks it: unofficial, off unless enabled, left alone once it blocks.

Its addresses may be written in an alphabet of its own, and its JSON is not quite JSON.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import AsyncGenerator, Mapping

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools
from app.sources.markup import text_of
from app.sources.options import check_min_width, given
from app.sources.turns import Found
from app.sources.web_answers import REDIRECTS, WebAnswer, blocked, fetch, led_to, refused
from app.sources.web_search import (
    GAP_S,
    candidate,
    http_url,
    in_turns,
    is_repeat,
    off_unless_enabled,
    pixels,
    prints,
)
from app.values import Json

PAGE = 30
COOKIES_S = 3_600.0
"""How long the cookies of the first page are used."""
DEPTH = 1_000
BLOCKS = frozenset({202, 403, 418, 429})
_SIGNS = (("_z2C$q", ":"), ("_z&e3B", "."), ("AzdH3F", "/"))
_LETTERS = str.maketrans("wkv1ju2it3hs4g5rq6fp7eo8dn9cm0bla", "abcdefghijklmnopqrstuvw1234567890")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Baidu:
    """See the module."""

    name = "baidu"
    title = "Baidu"
    terms = "https://www.baidu.com/duty/"
    requires_key = False
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where the operator has enabled it."""
        return off_unless_enabled(self.title, settings.baidu_enabled, "PIXCRAWLER_BAIDU_ENABLED")

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`min_width`: pixels, by the results' own claims. There is no filter by license."""
        return given(min_width=check_min_width(options))

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """A keyword's state: its next offset and the prints of the last page. A run asks for cookies once an hour."""

        async def ask_page(keyword: str, state: Json) -> Found:
            if time.monotonic() >= tools.memory.get("cookies_until_s", -1.0):
                tools.memory["cookies"] = await self._cookies(tools)
                tools.memory["cookies_until_s"] = time.monotonic() + COOKIES_S
                await tools.sleep(GAP_S)
            return await self._page(tools, query, keyword, state, tools.memory["cookies"])

        first: Json = {"offset": 0, "last": []}
        async with contextlib.aclosing(in_turns(self, tools, query, cursor, first, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _cookies(self, tools: Tools) -> dict[str, str]:
        answer = await fetch(tools, self.title, _url(tools, ""), {})
        _require_open(answer)
        return dict(answer.cookies)

    async def _page(self, tools: Tools, query: Query, keyword: str, state: Json, cookies: dict[str, str]) -> Found:
        params = {"tn": "resultjson_com", "ipn": "rj", "word": keyword, "pn": str(state["offset"]), "rn": str(PAGE)}
        headers = {"Referer": _url(tools, "")}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        answer = await fetch(tools, self.title, _url(tools, "search/acjson"), params, headers)
        _require_open(answer)
        results = _results(answer)
        addresses = [(address, one) for one in results if (address := address_of(one))]
        marks = prints([address for address, _ in addresses])
        if is_repeat(marks, state["last"]):
            return Found((), None)
        found = tuple(
            made for address, one in addresses if (made := candidate(self.name, keyword, address, _about(one), query))
        )
        offset = state["offset"] + PAGE
        return Found(found, {"offset": offset, "last": marks} if offset < DEPTH else None)


def _url(tools: Tools, path: str) -> str:
    return f"{tools.settings.baidu_url.rstrip('/')}/{path}"


def _require_open(answer: WebAnswer) -> None:
    """Raises SourceFailed for every answer but a good one; a redirect leads to a riddle for people."""
    if answer.status in BLOCKS:
        raise blocked("Baidu", f"it answered {answer.status}")
    if answer.status in REDIRECTS:
        raise blocked("Baidu", f"it sends us on to {led_to(answer)}")
    if answer.status != 200:
        raise refused("Baidu", answer)


def _results(answer: WebAnswer) -> list[dict[str, Json]]:
    body = read_json(answer.text)
    if isinstance(body, dict) and body.get("antiFlag") == 1:
        raise blocked("Baidu", text_of(body.get("message")) or "it says so")
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        raise SourceFailed("Baidu answered with something else than a page of results.")
    return [one for one in body["data"] if isinstance(one, dict) and one]


def read_json(text: str) -> Json | None:
    r"""JSON in which `\'` stands for an apostrophe and texts hold control characters; None for what is not that."""
    try:
        return json.loads(_ESCAPE.sub(lambda found: "'" if found[1] == "'" else found[0], text), strict=False)
    except (ValueError, RecursionError):
        return None


def decode_address(text: str) -> str:
    """An `objURL` in plain letters; one that is plain already stays as it is."""
    if http_url(text):
        return text
    for sign, plain in _SIGNS:
        text = text.replace(sign, plain)
    return text.translate(_LETTERS)


def address_of(item: Mapping[str, Json]) -> str | None:
    """The image's address: as its page has it, else decoded, else that of Baidu's own copy."""
    coded = item.get("objURL")
    return (
        http_url(_replaced(item).get("ObjURL"))
        or (http_url(decode_address(coded)) if isinstance(coded, str) else None)
        or http_url(item.get("hoverURL"))
    )


def _replaced(item: Mapping[str, Json]) -> Mapping[str, Json]:
    several = item.get("replaceUrl")
    first = several[0] if isinstance(several, list) and several else None
    return first if isinstance(first, dict) else {}


def _about(item: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "page": _replaced(item).get("FromURL"),
        "title": item.get("fromPageTitle"),
        "host": item.get("fromURLHost"),
        "format": item.get("type"),
        "thumbnail": http_url(item.get("thumbURL")),
        "width": pixels(item.get("width")),
        "height": pixels(item.get("height")),
    }
