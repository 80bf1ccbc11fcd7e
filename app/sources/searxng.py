"""SearXNG: a metasearch that somebody runs; here the operator's own, which the setting names.

Public instances allow programs four requests an hour and switch JSON off: they are not meant for crawling.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_text
from app.sources.options import check_choice, check_min_width, check_number, given
from app.sources.turns import Found
from app.sources.web_answers import WebAnswer, fetch, refused
from app.sources.web_search import candidate, check_code, http_url, in_turns, is_repeat, pixels, prints, size_of
from app.values import Json

TIME_RANGES = ("day", "month", "year")
LANGUAGE = r"all|[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?"
ENGINES = r"[a-z0-9][a-z0-9 ._-]{0,59}(,[a-z0-9][a-z0-9 ._-]{0,59}){0,19}"
MAX_PAGES = 50
"""Some engines repeat themselves in another order for ever."""
STALE_PAGES = 2
"""Pages without anything new after which a keyword has run dry: engines take turns being empty."""
KEPT = ("engine", "source", "img_format", "filesize", "resolution")


class Searxng:
    """See the module."""

    name = "searxng"
    title = "SearXNG"
    terms = "https://docs.searxng.org/"
    requires_key = False
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where the operator names an instance."""
        if settings.searxng_url:
            return True, None
        return False, "SearXNG needs an instance of your own: set PIXCRAWLER_SEARXNG_URL to its address."

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`engines` (comma list), `language`, `safe_search` (0 to 2), `time_range`, `min_width` (pixels)."""
        return given(
            engines=check_code(options, "engines", "engines", ENGINES, "bing images,flickr"),
            language=check_code(options, "language", "language", LANGUAGE, "en or pt-BR"),
            safe_search=check_number(options, "safe_search", 0, 2),
            time_range=check_choice(options, "time_range", TIME_RANGES),
            min_width=check_min_width(options),
        )

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """A keyword's state: its next page, the prints of the last one, and how many had nothing new."""

        async def ask_page(keyword: str, state: Json) -> Found:
            return await self._page(tools, query, keyword, state)

        first: Json = {"page": 1, "last": [], "stale": 0}
        async with contextlib.aclosing(in_turns(self, tools, query, cursor, first, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _page(self, tools: Tools, query: Query, keyword: str, state: Json) -> Found:
        params = {"q": keyword, "format": "json", "categories": "images", "pageno": str(state["page"])}
        params |= {"language": query.options.get("language", "all")}
        params |= {name: query.options[name] for name in ("engines", "time_range") if name in query.options}
        if "safe_search" in query.options:
            params["safesearch"] = str(query.options["safe_search"])
        url = tools.settings.searxng_url.rstrip("/") + "/search"
        body = _body(await fetch(tools, self.title, url, params))
        results = [one for one in body["results"] if isinstance(one, dict)]
        _require_engines(body, results)
        addresses = [(address, one) for one in results if (address := http_url(one.get("img_src")))]
        marks = prints([address for address, _ in addresses])
        stale = state["stale"] + 1 if is_repeat(marks, state["last"]) else 0
        found = tuple(
            made
            for address, one in addresses
            if not stale and (made := candidate(self.name, keyword, address, _about(one), query))
        )
        if not results or stale >= STALE_PAGES or state["page"] >= MAX_PAGES:
            return Found(found, None)
        return Found(found, {"page": state["page"] + 1, "last": marks or state["last"], "stale": stale})


def _body(answer: WebAnswer) -> dict[str, Json]:
    if answer.status == 403:
        raise SourceFailed(
            "SearXNG does not give JSON (403): its settings.yml must list json under search.formats, "
            "and its limiter must let this machine pass."
        )
    if answer.status == 429:
        raise SourceFailed(
            "SearXNG's limiter has had enough of our requests (429): let this machine pass in its limiter.toml."
        )
    if answer.status != 200:
        raise refused("SearXNG", answer)
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("results"), list):
        raise SourceFailed("SearXNG answered with something else than a page of results.")
    return body


def _require_engines(body: Mapping[str, Json], results: list[dict[str, Json]]) -> None:
    """Nothing found because an engine did not answer is not the end of what there is. Raises SourceFailed."""
    silent = body.get("unresponsive_engines")
    if results or not isinstance(silent, list) or not silent:
        return
    words = [": ".join(str(part) for part in one) if isinstance(one, list) else str(one) for one in silent]
    raise SourceFailed(f"SearXNG's engines do not answer ({(clean_text('; '.join(words)) or '')[:300]}).")


def _about(item: Mapping[str, Json]) -> dict[str, Json]:
    width, height = size_of(item.get("resolution"))
    about = {"page": item.get("url"), "title": item.get("title"), "creator": item.get("author") or None}
    about |= {name: item.get(name) for name in KEPT} | {"engines": item.get("engines")}
    return about | {"thumbnail": http_url(item.get("thumbnail_src")), "width": pixels(width), "height": pixels(height)}
