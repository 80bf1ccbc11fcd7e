"""Bing's image search, as its own page asks it: unofficial, off unless enabled, left alone once it blocks.

After about 1,000 results it repeats itself.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncGenerator, Mapping

from app.settings import Settings
from app.sources.base import Page, Query, Tools
from app.sources.bing_markup import BingPage, read_page
from app.sources.options import check_choice, check_min_width, check_number, given
from app.sources.turns import Found
from app.sources.web_answers import REDIRECTS, WebAnswer, blocked, fetch, led_to, refused
from app.sources.web_search import (
    candidate,
    check_code,
    http_url,
    in_turns,
    is_repeat,
    off_unless_enabled,
    prints,
    size_of,
)
from app.values import Json

LICENSES = {
    "any": "licenseType-Any", "public_domain": "license-L1", "commercial": "license-L2_L3_L4",
    "modify_commercially": "license-L2_L3",
}  # fmt: skip
KINDS = {
    "photo": "photo-photo", "clipart": "photo-clipart", "line": "photo-linedrawing",
    "transparent": "photo-transparent", "gif": "photo-animatedgif",
}  # fmt: skip
SIZES, SHAPES = ("small", "medium", "large", "wallpaper"), ("square", "wide", "tall")
MAX_AGE_DAYS = 3_650
PAGE = 35
DEPTH = 1_000
BLOCKS = frozenset({202, 403, 418, 429})
_MARKS = re.compile("[\ue000-\uf8ff]")
"""Bing marks the words that were sought with characters of private use."""


class Bing:
    """See the module."""

    name = "bing"
    title = "Bing"
    terms = "https://www.microsoft.com/servicesagreement"
    requires_key = False
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where the operator has enabled it."""
        return off_unless_enabled(self.title, settings.bing_enabled, "PIXCRAWLER_BING_ENABLED")

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """Filters: `license`, `size`, `kind`, `shape`, `max_age_days`, `market` (en-US unless told), `min_width`."""
        return given(
            license=check_choice(options, "license", tuple(LICENSES)),
            size=check_choice(options, "size", SIZES),
            kind=check_choice(options, "kind", tuple(KINDS)),
            shape=check_choice(options, "shape", SHAPES),
            max_age_days=check_number(options, "max_age_days", 1, MAX_AGE_DAYS, "days"),
            market=check_code(options, "market", "market", "[a-z]{2}-[A-Z]{2}", "en-US"),
            min_width=check_min_width(options),
        )

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """A keyword's state: its next place, from 1, and the prints of the last page."""

        async def ask_page(keyword: str, state: Json) -> Found:
            return await self._page(tools, query, keyword, state)

        first: Json = {"first": 1, "last": []}
        async with contextlib.aclosing(in_turns(self, tools, query, cursor, first, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _page(self, tools: Tools, query: Query, keyword: str, state: Json) -> Found:
        market = query.options.get("market", "en-US")
        params = {"q": keyword, "async": "1", "first": str(state["first"]), "count": str(PAGE), "mkt": market}
        if chosen := filters(query.options):
            params["qft"] = chosen
        url = tools.settings.bing_url.rstrip("/") + "/images/async"
        page = _read(await fetch(tools, self.title, url, params), later=state["first"] > 1)
        addresses = [(address, about, size) for about, size in page.results if (address := http_url(about.get("murl")))]
        marks = prints([address for address, _, _ in addresses])
        if is_repeat(marks, state["last"]):
            return Found((), None)
        found = tuple(
            made
            for address, about, size in addresses
            if (made := candidate(self.name, keyword, address, _about(about, size), query))
        )
        place = state["first"] + len(page.results)
        return Found(found, {"first": place, "last": marks} if place <= DEPTH else None)


def filters(options: Mapping[str, Json]) -> str:
    """The parameter `qft`; its blanks are the `+` of the address: ` filterui:photo-photo filterui:license-L1`."""
    chosen = [
        KINDS.get(options.get("kind", "")),
        f"imagesize-{options['size']}" if "size" in options else None,
        f"aspect-{options['shape']}" if "shape" in options else None,
        f"age-lt{options['max_age_days'] * 24 * 60}" if "max_age_days" in options else None,
        LICENSES.get(options.get("license", "")),
    ]
    return "".join(f" filterui:{one}" for one in chosen if one)


def _read(answer: WebAnswer, later: bool) -> BingPage:
    """The results. Past the end there is an empty page or a list without any; a page that is no list is a block."""
    if answer.status in BLOCKS:
        raise blocked("Bing", f"it answered {answer.status}")
    if answer.status in REDIRECTS:
        raise blocked("Bing", f"it sends us on to {led_to(answer)}")
    if answer.status != 200:
        raise refused("Bing", answer)
    page = read_page(answer.text)
    if not page.results and not page.has_list and not (later and not answer.text.strip()):
        raise blocked("Bing", "its page holds no list of results")
    return page


def _about(item: Mapping[str, Json], size: str) -> dict[str, Json]:
    width, height = size_of(size)
    title = item.get("t")
    return {
        "page": item.get("purl"),
        "title": _MARKS.sub("", title) if isinstance(title, str) else None,
        "thumbnail": http_url(item.get("turl")),
        "width": width,
        "height": height,
    }
