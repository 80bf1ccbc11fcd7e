"""Flickr: openly licensed photos by keyword, each with its owner, license and page.

Of one search only some 4,000 results can be reached, after which they repeat. So a keyword is asked for as a whole
first, by relevance, and when that ends early once more by time of upload, in windows that are halved until each can be
read. What comes twice is the same address, and one image of the job.
https://www.flickr.com/services/api/flickr.photos.search.html
"""

from __future__ import annotations

import contextlib
import operator
import time
import urllib.parse
from collections.abc import AsyncGenerator, Mapping

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_text, clean_url
from app.sources.http import Answer, ask, passing_trouble
from app.sources.keys import refused_key, with_key
from app.sources.licenses import FLICKR, flickr_license, flickr_numbers
from app.sources.markup import text_of
from app.sources.options import MAX_WIDTH, check_choice, check_choices, check_min_width, check_number, given
from app.sources.turns import Found, take_turns
from app.values import Candidate, Json, Provenance

PAGE_PHOTOS = 100
DEPTH = 4_000
"""Results of one search until they repeat."""
WINDOW_DEPTH = 3_000
"""What a window of time may hold; totals are estimates, hence fewer than DEPTH."""
SHORTEST_WINDOW_S = 3_600
OPENED = 1_076_371_200
"""Flickr's first day, 2004-02-10, as Unix time."""
LICENSES = tuple(dict.fromkeys(one.slug for one in FLICKR.values() if one.slug))
SIZES = ("o", "6k", "5k", "4k", "3k", "k", "h", "l", "c", "z", "m", "n")
"""Suffixes of the fields that hold a rendition's address and size, the original first, then from large to small."""
EXTRAS = ("license", "owner_name", "path_alias", "description", "tags", "date_upload", "o_dims", "media")
PASSING_CODES = frozenset({"10", "105", "201"})
KEY_CODES = frozenset({"98", "99", "100"})


class Flickr:
    """See the module."""

    name = "flickr"
    title = "Flickr"
    terms = "https://www.flickr.com/help/terms/api"
    requires_key = True
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """With a key."""
        return with_key(self.name, self.title, settings.flickr_key)

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`license`: slugs of LICENSES (all unless told; photos without one are never sought); `match`: `text`
        (title, description and tags) or `tags`; `min_width`, `rendition_width`: pixels.

        With `rendition_width` the smallest rendition that is at least as wide is taken in place of the largest.
        """
        return given(
            license=check_choices(options, "license", LICENSES),
            match=check_choice(options, "match", ("text", "tags")),
            min_width=check_min_width(options),
            rendition_width=check_number(options, "rendition_width", 1, MAX_WIDTH, "pixels"),
        )

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """One page of one keyword each. A keyword's state: the page, and the windows still to read, the next one last.

        A window is `[first, last]` in Unix time; before there are any, the keyword is asked for as a whole.
        """

        async def ask_page(keyword: str, state: Json) -> Found:
            return await self._page(tools, query, keyword, state)

        first = {"page": 1, "windows": None}
        async with contextlib.aclosing(take_turns(query.keywords, first, cursor, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _page(self, tools: Tools, query: Query, keyword: str, state: Mapping[str, Json]) -> Found:
        windows: list[list[int]] | None = state["windows"]
        window = windows[-1] if windows else None
        photos = await self._photos(tools, _params(query, keyword, state["page"], window, tools.settings.flickr_key))
        total, more = _number(photos.get("total")), state["page"] < _number(photos.get("pages"))
        if window and total > WINDOW_DEPTH and window[1] - window[0] > SHORTEST_WINDOW_S:
            middle = sum(window) // 2
            halves = [[window[0], middle], [middle + 1, window[1]]]
            return Found((), {"page": 1, "windows": [*(windows or [])[:-1], *halves]})
        told = None if window else total  # a window's total is not the keyword's
        found = tuple(one for photo in photos["photo"] if (one := _candidate(photo, keyword, query.options)))
        if more and (state["page"] + 1) * PAGE_PHOTOS <= DEPTH:
            return Found(found, {"page": state["page"] + 1, "windows": windows}, told)
        left = (windows or [])[:-1]
        if windows is None and more:
            left = [[OPENED, int(time.time())]]
        return Found(found, {"page": 1, "windows": left} if left else None, told)

    async def _photos(self, tools: Tools, params: Mapping[str, str]) -> Mapping[str, Json]:
        answer = await ask(tools, self.title, tools.settings.flickr_url, params, None, _passing)
        code, words = _failure(answer)
        if code in KEY_CODES or answer.status in (401, 403):
            raise SourceFailed(refused_key(self.name, self.title, answer.status))
        if code:
            raise SourceFailed(f"{self.title} refused the query ({code}): {words}", of_query=True)
        photos = answer.body.get("photos") if isinstance(answer.body, dict) else None
        if answer.status != 200 or not isinstance(photos, dict) or not isinstance(photos.get("photo"), list):
            raise SourceFailed(f"{self.title} answered {answer.status} with something else than photos.")
        return photos


def _params(query: Query, keyword: str, page: int, window: list[int] | None, key: str) -> dict[str, str]:
    numbers = flickr_numbers(query.options.get("license") or LICENSES)
    params = {
        "method": "flickr.photos.search",
        "api_key": key,
        "format": "json",
        "nojsoncallback": "1",
        query.options.get("match") or "text": keyword,
        "license": ",".join(str(number) for number in numbers),
        "media": "photos",
        "safe_search": "1",
        "sort": "relevance",
        "per_page": str(PAGE_PHOTOS),
        "page": str(page),
        "extras": ",".join([*EXTRAS, *(f"url_{size}" for size in SIZES)]),
    }
    if window:
        params |= {"min_upload_date": str(window[0]), "max_upload_date": str(window[1])}
    return params


def _failure(answer: Answer) -> tuple[str, str]:
    """Code and words of a refusal, which comes with status 200; empty where there is none."""
    body = answer.body
    if not isinstance(body, dict) or body.get("stat") != "fail":
        return "", ""
    return str(body.get("code") or "unknown"), (clean_text(body.get("message"), 300) or "no reason given")


def _passing(title: str, answer: Answer) -> str | None:
    code, words = _failure(answer)
    return f"{title} is in trouble ({code}): {words}" if code in PASSING_CODES else passing_trouble(title, answer)


def _number(value: Json) -> int:
    """Flickr writes numbers as numbers or as texts."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _rendition(photo: Mapping[str, Json], wanted: int | None) -> tuple[str, int] | None:
    """Address and width of the largest rendition, or of the smallest that is `wanted` pixels wide; 0: width unknown."""
    there = [
        (photo[f"url_{size}"], _number(photo.get(f"width_{size}")))
        for size in SIZES
        if isinstance(photo.get(f"url_{size}"), str) and photo[f"url_{size}"]
    ]
    if not there:
        return None
    wide = [rendition for rendition in there if wanted and rendition[1] >= wanted]
    return min(wide, key=operator.itemgetter(1)) if wide else max(there, key=operator.itemgetter(1))


def _candidate(photo: Json, keyword: str, options: Mapping[str, Json]) -> Candidate | None:
    """A photo with an address, wide enough by its own claim; None for others."""
    if not isinstance(photo, dict):
        return None
    chosen, largest = _rendition(photo, options.get("rendition_width")), _rendition(photo, None)
    if chosen is None or largest is None or 0 < largest[1] < (options.get("min_width") or 0):
        return None
    return Candidate(clean_url(chosen[0]), keyword, _provenance(photo, chosen[0]))


def _provenance(photo: Mapping[str, Json], url: str) -> Provenance:
    owner = clean_text(photo.get("pathalias")) or clean_text(photo.get("owner"))
    creator_url = f"https://www.flickr.com/photos/{urllib.parse.quote(owner, safe='@')}" if owner else None
    known, number = flickr_license(photo.get("license")), clean_text(photo.get("license"))
    told = photo.get("description")
    extra = {
        "id": clean_text(photo.get("id")),
        "thumbnail": clean_text(photo.get("url_n")),
        "description": text_of(told.get("_content") if isinstance(told, dict) else told),
        "tags": clean_text(photo.get("tags")),
        "license": None if known.name else number,
        "width": next((_number(photo.get(f"width_{size}")) for size in SIZES if photo.get(f"url_{size}") == url), 0),
    }
    return Provenance(
        source="flickr",
        landing_url=f"{creator_url}/{urllib.parse.quote(str(photo['id']))}" if owner and photo.get("id") else None,
        title=clean_text(photo.get("title")),
        creator=clean_text(photo.get("ownername")),
        creator_url=creator_url,
        license=known.name,
        license_url=known.url,
        extra={name: value for name, value in extra.items() if value} or None,
    )
