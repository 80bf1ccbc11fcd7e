"""SerpApi: Google's image search as an API, pages of 100, with a key; each page is one paid search."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools
from app.sources.options import check_choice, check_min_width, given
from app.sources.turns import Found
from app.sources.web_answers import WebAnswer, fetch, refused, said
from app.sources.web_search import (
    candidate,
    check_code,
    check_flag,
    http_url,
    in_turns,
    is_repeat,
    pixels,
    prints,
    with_key,
)
from app.values import Json

LICENSES = {"creative_commons": "il:cl", "commercial": "il:ol"}
"""Google's filters: Creative Commons, and "commercial and other licenses"."""
MAX_PAGES = 20
"""Google ends long before; a page that costs money is not asked for beyond that."""
NOTHING = "hasn't returned any results"
KEY_STATUSES = frozenset({401, 403})


class Serpapi:
    """See the module."""

    name = "serpapi"
    title = "SerpApi"
    terms = "https://serpapi.com/legal"
    requires_key = True
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where there is a key."""
        return with_key(self.title, settings.serpapi_key, "PIXCRAWLER_SERPAPI_KEY", "Each page is one paid search.")

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`license` (a filter, LICENSES), `country`, `language`, `safe_search` (true unless told), `min_width`."""
        return given(
            license=check_choice(options, "license", tuple(LICENSES)),
            country=check_code(options, "country", "country", "[a-z]{2}", "us"),
            language=check_code(options, "language", "language", "[a-z]{2,3}(-[a-zA-Z]{2,4})?", "en or zh-cn"),
            safe_search=check_flag(options, "safe_search", "safeSearch"),
            min_width=check_min_width(options),
        )

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """A keyword's state: its next page and the prints of the last one."""

        async def ask_page(keyword: str, state: Json) -> Found:
            return await self._page(tools, query, keyword, state)

        async with contextlib.aclosing(
            in_turns(self, tools, query, cursor, {"page": 0, "last": []}, ask_page)
        ) as pages:
            async for page in pages:
                yield page

    async def _page(self, tools: Tools, query: Query, keyword: str, state: Json) -> Found:
        options = query.options
        params = {
            "engine": "google_images",
            "q": keyword,
            "ijn": str(state["page"]),
            "safe": "active" if options.get("safe_search", True) else "off",
            "api_key": tools.settings.serpapi_key,
        }
        params |= {
            parameter: options[name] for parameter, name in (("gl", "country"), ("hl", "language")) if name in options
        }
        if "license" in options:
            params["tbs"] = LICENSES[options["license"]]
        url = tools.settings.serpapi_url.rstrip("/") + "/search"
        results = _results(await fetch(tools, self.title, url, params, patient=True))
        addresses = [(address, one) for one in results if (address := http_url(one.get("original")))]
        if results and not addresses:
            raise SourceFailed("SerpApi's results hold no addresses of images (`original`), only thumbnails.")
        marks = prints([address for address, _ in addresses])
        if is_repeat(marks, state["last"]):
            return Found((), None)
        found = tuple(
            made for address, one in addresses if (made := candidate(self.name, keyword, address, _about(one), query))
        )
        more = state["page"] + 1 < MAX_PAGES
        return Found(found, {"page": state["page"] + 1, "last": marks} if more else None)


def _results(answer: WebAnswer) -> list[dict[str, Json]]:
    """The results; none where Google has none, which SerpApi tells as an error."""
    if answer.status in KEY_STATUSES:
        reason = said(answer) or "no reason given"
        raise SourceFailed(f"SerpApi refused PIXCRAWLER_SERPAPI_KEY ({answer.status}): {reason}")
    if answer.status != 200:
        raise refused("SerpApi", answer)
    body = answer.json()
    if not isinstance(body, dict):
        raise SourceFailed("SerpApi answered with something else than a page of results.")
    results = body.get("images_results")
    if isinstance(results, list):
        return [one for one in results if isinstance(one, dict)]
    error = said(answer)
    if NOTHING in error.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"):
        return []
    raise SourceFailed(f"SerpApi found nothing to give: {error or 'its answer holds no list of images'}")


def _about(item: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "page": item.get("link"),
        "title": item.get("title"),
        "site": item.get("source"),
        "thumbnail": http_url(item.get("thumbnail")),
        "width": pixels(item.get("original_width")),
        "height": pixels(item.get("original_height")),
        "is_product": item.get("is_product"),
    }
