"""Brave Search: images of its own index, one page of up to 200 a keyword, with a key.

Its terms let results be kept only under a plan with storage rights.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, Mapping

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools
from app.sources.options import check_min_width, given
from app.sources.turns import Found
from app.sources.web_answers import WebAnswer, fetch, refused, said
from app.sources.web_search import candidate, check_code, check_flag, http_url, in_turns, pixels, with_key
from app.values import Json

QUERY_CHARS, QUERY_WORDS = 400, 50
PAGE = 200
KEY_STATUSES = frozenset({401, 403})
KEY_CODES = ("SUBSCRIPTION_TOKEN_INVALID", "SUBSCRIPTION_NOT_FOUND")
"""How a refused key is named where the status is 422, which also stands for a wrong parameter."""
SHORT_WAIT_S = 60.0


class Brave:
    """See the module."""

    name = "brave"
    title = "Brave Search"
    terms = "https://api-dashboard.search.brave.com/terms-of-service"
    requires_key = True
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where there is a key."""
        note = "Keeping results needs a plan with storage rights."
        return with_key(self.title, settings.brave_key, "PIXCRAWLER_BRAVE_KEY", note)

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`country` (two capitals or ALL), `language`, `safe_search` (true unless told), `min_width` (pixels)."""
        return given(
            country=check_code(options, "country", "country", "[A-Z]{2}|ALL", "US or ALL"),
            language=check_code(options, "language", "language", "[a-z]{2}(-[a-z]{2,4})?", "en or pt-br"),
            safe_search=check_flag(options, "safe_search", "safeSearch"),
            min_width=check_min_width(options),
        )

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """One page a keyword: there is no second."""

        async def ask_page(keyword: str, _state: Json) -> Found:
            wait_s: float = tools.memory.get("wait_s", 0.0)
            if wait_s > SHORT_WAIT_S:
                raise SourceFailed("Brave Search's plan has no requests left for now.", wait_s)
            if wait_s:
                await tools.sleep(wait_s)
            found, tools.memory["wait_s"] = await self._page(tools, query, keyword)
            return found

        async with contextlib.aclosing(in_turns(self, tools, query, cursor, 1, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _page(self, tools: Tools, query: Query, keyword: str) -> tuple[Found, float]:
        """A page, and how long to wait until the next request is welcome, seconds."""
        safe = query.options.get("safe_search", True)
        words = " ".join(keyword.split()[:QUERY_WORDS])[:QUERY_CHARS]
        params = {"q": words, "count": str(PAGE), "safesearch": "strict" if safe else "off", "spellcheck": "false"}
        if "country" in query.options:
            params["country"] = query.options["country"]
        if "language" in query.options:
            params["search_lang"] = query.options["language"]
        headers = {"X-Subscription-Token": tools.settings.brave_key, "Accept": "application/json"}
        url = tools.settings.brave_url.rstrip("/") + "/images/search"
        answer = await fetch(tools, self.title, url, params, headers, patient=True)
        found = tuple(
            made
            for one in _results(answer)
            if (address := http_url(_part(one, "properties").get("url")))
            and (made := candidate(self.name, keyword, address, _about(one), query))
        )
        return Found(found, None), wait_of(answer.headers)


def wait_of(headers: Mapping[str, str]) -> float:
    """How long until every window of the rate limit has room, seconds: `X-RateLimit-Remaining: 0, 14523`.

    Windows without both numbers count as having room.
    """
    remaining = headers.get("X-RateLimit-Remaining", "").split(",")
    resets = headers.get("X-RateLimit-Reset", "").split(",")
    return max(
        (
            float(reset.strip()[:9])
            for left, reset in itertools.zip_longest(remaining, resets, fillvalue="")
            if left.strip() == "0" and reset.strip().isdecimal()
        ),
        default=0.0,
    )


def _results(answer: WebAnswer) -> list[dict[str, Json]]:
    no_key = answer.status == 422 and any(code in answer.text for code in KEY_CODES)
    if answer.status in KEY_STATUSES or no_key:
        reason = said(answer) or "no reason given"
        raise SourceFailed(f"Brave Search refused PIXCRAWLER_BRAVE_KEY ({answer.status}): {reason}")
    if answer.status != 200:
        raise refused("Brave Search", answer)
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("results"), list):
        raise SourceFailed("Brave Search answered with something else than a page of results.")
    return [one for one in body["results"] if isinstance(one, dict)]


def _part(item: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    part = item.get(name)
    return part if isinstance(part, dict) else {}


def _about(item: Mapping[str, Json]) -> dict[str, Json]:
    properties = _part(item, "properties")
    return {
        "page": item.get("url"),
        "title": item.get("title"),
        "site": item.get("source"),
        "confidence": item.get("confidence"),
        "thumbnail": http_url(_part(item, "thumbnail").get("src")),
        "width": pixels(properties.get("width")),
        "height": pixels(properties.get("height")),
    }
