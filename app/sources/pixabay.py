"""Pixabay: stock photos under its own license, at most 500 a query. Off unless enabled.

Its terms forbid systematic mass downloads. Without full access the largest rendition is 1,280 pixels, while the width
and height that it tells are the original's. https://pixabay.com/api/docs/
"""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import AsyncGenerator, Mapping

import orjson

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_extra, clean_text, clean_url
from app.sources.http import Answer, ask, passing_trouble
from app.sources.keys import enabled_with_key, refused_key
from app.sources.licenses import PIXABAY
from app.sources.stock import NumberedPage, check_stock, items, number, numbered_pages, told_total, wide_enough
from app.values import Candidate, Json, Provenance

PAGE_HITS = 100
KEEP_S = 86_400
"""Its terms want an answer kept for a day."""
DEPTH = 500
QUERY_CHARS = 100
OBJECTION = "its terms forbid systematic mass downloads, which a dataset is."
ORIENTATIONS = {"landscape": "horizontal", "portrait": "vertical"}
"""Our words, and the API's."""
RENDITIONS = ("imageURL", "fullHDURL", "largeImageURL", "webformatURL")
"""From large to small; the first two need full access."""


class Pixabay:
    """See the module."""

    name = "pixabay"
    title = "Pixabay"
    terms = "https://pixabay.com/service/terms/"
    requires_key = True
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Where it is enabled and has a key."""
        return enabled_with_key(self.name, self.title, OBJECTION, settings.pixabay_enabled, settings.pixabay_key)

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`orientation`: one of ORIENTATIONS; `min_width`: pixels of the original, which may not be what is served."""
        return check_stock(options, ORIENTATIONS)

    def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """One API page of one keyword each."""
        return numbered_pages(self, tools, query, cursor)

    async def page(self, tools: Tools, query: Query, keyword: str, number: int) -> NumberedPage:
        """A page's photos; there is another until what can be reached of the query has been read."""
        params = _params(query, keyword, number, tools.settings.pixabay_key)
        answer = await _kept_or_asked(tools, self.title, params)
        if answer.status == 400 and answer.body is None and "out of valid range" in answer.text:
            return NumberedPage((), False)
        if answer.status == 400 and answer.body is None and "API key" in answer.text:
            raise SourceFailed(refused_key(self.name, self.title, answer.status))
        hits = items(self.name, self.title, answer, "hits")
        found = tuple(one for hit in hits if (one := _candidate(hit, keyword, query)))
        more = bool(hits) and number * PAGE_HITS < _reachable(answer)
        return NumberedPage(found, more, told_total(answer, "total"))


async def _kept_or_asked(tools: Tools, title: str, params: Mapping[str, str]) -> Answer:
    """The answer of the last day to the same query, or a new one, which is kept."""
    asked = sorted((name, value) for name, value in params.items() if name != "key")
    name = "pixabay:" + hashlib.sha256(orjson.dumps([tools.settings.pixabay_url, asked])).hexdigest()
    kept = await tools.answers.get(name) if tools.answers else None
    if kept is not None:
        return Answer(200, {}, orjson.loads(kept))
    answer = await ask(tools, title, tools.settings.pixabay_url, params, None, _passing)
    if tools.answers and answer.status == 200 and isinstance(answer.body, dict):
        await tools.answers.put(name, orjson.dumps(answer.body), KEEP_S)
    return answer


def _params(query: Query, keyword: str, page: int, key: str) -> dict[str, str]:
    params = {
        "key": key,
        "q": keyword[:QUERY_CHARS],
        "image_type": "photo",
        "safesearch": "true",
        "page": str(page),
        "per_page": str(PAGE_HITS),
    }
    if "orientation" in query.options:
        params["orientation"] = ORIENTATIONS[query.options["orientation"]]
    if "min_width" in query.options:
        params["min_width"] = str(query.options["min_width"])
    return params


def _passing(title: str, answer: Answer) -> str | None:
    """Pixabay says 400 in plain text, which asking again does not better."""
    return None if answer.status == 400 else passing_trouble(title, answer)


def _reachable(answer: Answer) -> int:
    return min(DEPTH, number(answer.body.get("totalHits")) if isinstance(answer.body, dict) else 0)


def _candidate(hit: Mapping[str, Json], keyword: str, query: Query) -> Candidate | None:
    url = next((hit[name] for name in RENDITIONS if isinstance(hit.get(name), str) and hit[name]), None)
    if url is None or not wide_enough(hit.get("imageWidth"), query):
        return None
    creator, creator_id = clean_text(hit.get("user")), hit.get("user_id")
    named = creator and isinstance(creator_id, int)
    extra = {name: hit.get(name) for name in ("id", "imageWidth", "imageHeight", "imageSize", "type")}
    extra["thumbnail"] = hit.get("previewURL")
    return Candidate(
        clean_url(url),
        keyword,
        Provenance(
            source="pixabay",
            landing_url=clean_text(hit.get("pageURL")),
            title=clean_text(hit.get("tags")),
            creator=creator,
            creator_url=f"https://pixabay.com/users/{urllib.parse.quote(creator or '')}-{creator_id}/"
            if named
            else None,
            license=PIXABAY.name,
            license_url=PIXABAY.url,
            attribution=f"Image by {creator} from Pixabay" if creator else None,
            extra=clean_extra(extra),
        ),
    )
