"""Pexels: stock photos under its own license. Off unless enabled.

Its terms forbid building datasets or training models with its API without permission, and ask for a link to Pexels and
to the photographer wherever a photo is shown. https://www.pexels.com/api/documentation/
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_extra, clean_text, clean_url
from app.sources.http import ask
from app.sources.keys import enabled_with_key
from app.sources.licenses import PEXELS
from app.sources.stock import NumberedPage, check_stock, inner, items, numbered_pages, told_total, wide_enough
from app.values import Candidate, Json, Provenance

PAGE_PHOTOS = 80
OBJECTION = "its terms forbid using its API to build datasets or train models without its permission."
ORIENTATIONS = {"landscape": "landscape", "portrait": "portrait", "square": "square"}
"""Our words, and the API's."""


class Pexels:
    """See the module."""

    name = "pexels"
    title = "Pexels"
    terms = "https://www.pexels.com/terms-of-service/"
    requires_key = True
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where it is enabled and has a key."""
        return enabled_with_key(self.name, self.title, OBJECTION, settings.pexels_enabled, settings.pexels_key)

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`orientation`: one of ORIENTATIONS; `min_width`: pixels of the original."""
        return check_stock(options, ORIENTATIONS)

    def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """One API page of one keyword each."""
        return numbered_pages(self, tools, query, cursor)

    async def page(self, tools: Tools, query: Query, keyword: str, number: int) -> NumberedPage:
        """A page's photos; there is another where the answer names one."""
        params = {"query": keyword, "page": str(number), "per_page": str(PAGE_PHOTOS)}
        if "orientation" in query.options:
            params["orientation"] = ORIENTATIONS[query.options["orientation"]]
        url = tools.settings.pexels_url.rstrip("/") + "/search"
        answer = await ask(tools, self.title, url, params, {"Authorization": tools.settings.pexels_key})
        photos = items(self.name, self.title, answer, "photos")
        wanted = [photo for photo in photos if wide_enough(photo.get("width"), query)]
        found = tuple(
            _candidate(photo, keyword) for photo in wanted if isinstance(inner(photo, "src", "original"), str)
        )
        more = bool(photos and answer.body and answer.body.get("next_page"))
        return NumberedPage(found, more, told_total(answer, "total_results"))


def _candidate(photo: Mapping[str, Json], keyword: str) -> Candidate:
    creator = clean_text(photo.get("photographer"))
    extra = {name: photo.get(name) for name in ("id", "width", "height")} | {"thumbnail": inner(photo, "src", "medium")}
    return Candidate(
        clean_url(photo["src"]["original"]),
        keyword,
        Provenance(
            source="pexels",
            landing_url=clean_text(photo.get("url")),
            title=clean_text(photo.get("alt")),
            creator=creator,
            creator_url=clean_text(photo.get("photographer_url")),
            license=PEXELS.name,
            license_url=PEXELS.url,
            attribution=f"Photo by {creator} on Pexels" if creator else None,
            extra=clean_extra(extra),
        ),
    )
