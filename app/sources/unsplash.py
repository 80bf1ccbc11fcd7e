"""Unsplash: stock photos under its own license. Off unless enabled.

Its terms restrict use for machine learning, ask for hotlinking, and for a request to the photo's `download_location`
when it is used: that is sent for each photo that a job takes, and counts towards the key's limit.
https://unsplash.com/documentation
"""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncGenerator, Mapping, Sequence

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_extra, clean_text, clean_url
from app.sources.http import Answer, ask, passing_trouble
from app.sources.keys import enabled_with_key, refused_key
from app.sources.licenses import UNSPLASH
from app.sources.stock import NumberedPage, check_stock, inner, items, number, numbered_pages, told_total, wide_enough
from app.values import Candidate, Json, Provenance

PAGE_PHOTOS = 30
OBJECTION = "its terms restrict machine learning and ask for hotlinking, which a dataset cannot do."
ORIENTATIONS = {"landscape": "landscape", "portrait": "portrait", "square": "squarish"}
"""Our words, and the API's."""


class Unsplash:
    """See the module."""

    name = "unsplash"
    title = "Unsplash"
    terms = "https://unsplash.com/api-terms"
    requires_key = True
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where it is enabled and has a key."""
        return enabled_with_key(self.name, self.title, OBJECTION, settings.unsplash_enabled, settings.unsplash_key)

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`orientation`: one of ORIENTATIONS; `min_width`: pixels of the original."""
        return check_stock(options, ORIENTATIONS)

    def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """One API page of one keyword each."""
        return numbered_pages(self, tools, query, cursor)

    async def page(self, tools: Tools, query: Query, keyword: str, number: int) -> NumberedPage:
        """A page's photos, and whether the query has more pages."""
        params = {
            "query": keyword,
            "page": str(number),
            "per_page": str(PAGE_PHOTOS),
            "order_by": "relevant",
            "content_filter": "high",
        }
        if "orientation" in query.options:
            params["orientation"] = ORIENTATIONS[query.options["orientation"]]
        url = tools.settings.unsplash_url.rstrip("/") + "/search/photos"
        answer = await ask(tools, self.title, url, params, _headers(tools), _passing)
        photos = items(self.name, self.title, answer, "results")
        wanted = [photo for photo in photos if wide_enough(photo.get("width"), query)]
        found = tuple(_candidate(photo, keyword) for photo in wanted if isinstance(inner(photo, "urls", "full"), str))
        return NumberedPage(found, bool(photos) and number < _page_count(answer), told_total(answer, "total"))

    async def tell_use(self, tools: Tools, candidates: Sequence[Candidate]) -> None:
        """One request a photo, to its `download_location`. A photo that is gone meanwhile needs none."""
        for one in candidates:
            location = str((one.provenance.extra or {}).get("download_location"))
            if not _is_ours(tools, location):
                continue
            answer = await ask(tools, self.title, location, {}, _headers(tools), _passing)
            if answer.status in (401, 403):
                raise SourceFailed(refused_key(self.name, self.title, answer.status))


def _headers(tools: Tools) -> dict[str, str]:
    return {"Authorization": f"Client-ID {tools.settings.unsplash_key}", "Accept-Version": "v1"}


def _is_ours(tools: Tools, location: str) -> bool:
    """Whether an address is the API's own: no other is shown the key."""
    api = urllib.parse.urlsplit(tools.settings.unsplash_url)
    there = urllib.parse.urlsplit(location)
    return (there.scheme, there.netloc) == (api.scheme, api.netloc)


def _passing(title: str, answer: Answer) -> str | None:
    """A used-up limit is told by 403 as well, which then has nothing remaining or is plain text."""
    if answer.status == 403 and (answer.body is None or answer.headers.get("X-Ratelimit-Remaining") == "0"):
        return f"{title} has had enough of our requests for now (403)."
    return passing_trouble(title, answer)


def _page_count(answer: Answer) -> int:
    return number(answer.body.get("total_pages")) if isinstance(answer.body, dict) else 0


def _candidate(photo: Mapping[str, Json], keyword: str) -> Candidate:
    creator = clean_text(inner(photo, "user", "name"))
    extra = {name: photo.get(name) for name in ("id", "width", "height")}
    extra |= {
        "thumbnail": inner(photo, "urls", "thumb"),
        "download_location": inner(photo, "links", "download_location"),
    }
    return Candidate(
        clean_url(photo["urls"]["full"]),
        keyword,
        Provenance(
            source="unsplash",
            landing_url=clean_text(inner(photo, "links", "html")),
            title=clean_text(photo.get("description")) or clean_text(photo.get("alt_description")),
            creator=creator,
            creator_url=clean_text(inner(photo, "user", "links", "html")),
            license=UNSPLASH.name,
            license_url=UNSPLASH.url,
            attribution=f"Photo by {creator} on Unsplash" if creator else None,
            extra=clean_extra(extra),
        ),
    )
