"""DuckDuckGo's image search, as its own page asks it: unofficial, off unless enabled, left alone once it blocks.

A search needs a token (`vqd`) from the search page; it belongs to the words and to our User-Agent.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator, Mapping

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools
from app.sources.options import check_choice, check_min_width, given
from app.sources.turns import Found
from app.sources.web_answers import REDIRECTS, WebAnswer, blocked, fetch, led_to, refused
from app.sources.web_search import (
    GAP_S,
    candidate,
    check_code,
    check_flag,
    http_url,
    in_turns,
    is_repeat,
    off_unless_enabled,
    pixels,
    prints,
)
from app.values import Json

LICENSES = {
    "any": "any", "public": "Public", "share": "Share", "share_commercially": "ShareCommercially",
    "modify": "Modify", "modify_commercially": "ModifyCommercially",
}  # fmt: skip
TIMES, SIZES = ("day", "week", "month", "year"), ("small", "medium", "large", "wallpaper")
KINDS, SHAPES = ("photo", "clipart", "gif", "transparent", "line"), ("square", "tall", "wide")
QUERY_CHARS = 499
PAGE = 100
DEPTH = 1_000
BLOCKS = frozenset({202, 403, 418, 429})
_TOKEN = re.compile(r"""vqd=(?:"([\w-]+)"|'([\w-]+)'|([\w-]+)(?=&|"|'))""")


class Duckduckgo:
    """See the module."""

    name = "duckduckgo"
    title = "DuckDuckGo"
    terms = "https://duckduckgo.com/terms"
    requires_key = False
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where the operator has enabled it."""
        return off_unless_enabled(self.title, settings.duckduckgo_enabled, "PIXCRAWLER_DUCKDUCKGO_ENABLED")

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`license`, `time`, `size`, `kind`, `shape`, `region`, `safe_search` (true unless told), `min_width`."""
        return given(
            license=check_choice(options, "license", tuple(LICENSES)),
            time=check_choice(options, "time", TIMES),
            size=check_choice(options, "size", SIZES),
            kind=check_choice(options, "kind", KINDS),
            shape=check_choice(options, "shape", SHAPES),
            region=check_code(options, "region", "region", "[a-z]{2}-[a-z]{2,3}", "us-en"),
            safe_search=check_flag(options, "safe_search", "safeSearch"),
            min_width=check_min_width(options),
        )

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """A keyword's state: its next offset and the prints of the last page. A run asks for tokens anew."""
        tokens: dict[str, str] = {}

        async def ask_page(keyword: str, state: Json) -> Found:
            if keyword not in tokens:
                tokens[keyword] = await self._token(tools, keyword)
                await tools.sleep(GAP_S)
            return await self._page(tools, query, keyword, state, tokens[keyword])

        first: Json = {"offset": 0, "last": []}
        async with contextlib.aclosing(in_turns(self, tools, query, cursor, first, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _token(self, tools: Tools, keyword: str) -> str:
        params = {"q": keyword[:QUERY_CHARS], "iar": "images"}
        answer = await fetch(tools, self.title, _url(tools, ""), params)
        _require_open(answer)
        token = _TOKEN.search(answer.text)
        if token is None:
            raise blocked(self.title, "its page holds no token for a search")
        return next(group for group in token.groups() if group)

    async def _page(self, tools: Tools, query: Query, keyword: str, state: Json, token: str) -> Found:
        params = {
            "o": "json",
            "q": keyword[:QUERY_CHARS],
            "l": query.options.get("region", "us-en"),
            "vqd": token,
            "p": "1" if query.options.get("safe_search", True) else "-1",
            "ct": "EN",
            "s": str(state["offset"]),
            "f": filters(query.options),
        }
        answer = await fetch(tools, self.title, _url(tools, "i.js"), params, {"Referer": _url(tools, "")})
        _require_open(answer)
        body = answer.json()
        if not isinstance(body, dict) or not isinstance(body.get("results"), list):
            raise SourceFailed("DuckDuckGo answered with something else than a page of results.")
        results = [one for one in body["results"] if isinstance(one, dict)]
        addresses = [(address, one) for one in results if (address := http_url(one.get("image")))]
        marks = prints([address for address, _ in addresses])
        if is_repeat(marks, state["last"]):
            return Found((), None)
        found = tuple(
            made for address, one in addresses if (made := candidate(self.name, keyword, address, _about(one), query))
        )
        offset = state["offset"] + PAGE
        return Found(found, {"offset": offset, "last": marks} if body.get("next") and offset < DEPTH else None)


def filters(options: Mapping[str, Json]) -> str:
    """The six slots of `f`: time, size, color, kind, shape, license; those without a filter stay empty."""
    slots = {
        "time": str(options.get("time", "")).title(),
        "size": str(options.get("size", "")).title(),
        "color": "",
        "type": options.get("kind", ""),
        "layout": str(options.get("shape", "")).title(),
        "license": LICENSES.get(options.get("license", ""), ""),
    }
    return ",".join(f"{name}:{value}" if value else "" for name, value in slots.items())


def _url(tools: Tools, path: str) -> str:
    return f"{tools.settings.duckduckgo_url.rstrip('/')}/{path}"


def _require_open(answer: WebAnswer) -> None:
    """Raises SourceFailed for every answer but a good one."""
    if answer.status in BLOCKS:
        raise blocked("DuckDuckGo", f"it answered {answer.status}")
    if answer.status in REDIRECTS:
        raise blocked("DuckDuckGo", f"it sends us on to {led_to(answer)}")
    if answer.status != 200:
        raise refused("DuckDuckGo", answer)


def _about(item: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "page": item.get("url"),
        "title": item.get("title"),
        "index": item.get("source"),
        "thumbnail": http_url(item.get("thumbnail")),
        "width": pixels(item.get("width")),
        "height": pixels(item.get("height")),
    }
