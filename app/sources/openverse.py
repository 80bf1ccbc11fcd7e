"""Openverse: openly licensed images by keyword, each with creator, license and a ready attribution.

Anonymous use is limited to pages of 20 and 240 results a query; a token allows larger pages and more requests, not
more results. The keywords take turns, page by page, so that each gets its share of a job.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_extra, clean_text, clean_url
from app.sources.http import Answer, ask
from app.sources.keys import refused_key
from app.sources.options import check_choices, check_min_width, given
from app.sources.turns import Found, take_turns
from app.values import Candidate, Json, Provenance

LICENSES = (
    "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "cc0", "pdm", "sampling+", "nc-sampling+",
)  # fmt: skip
DEPTH = 240
"""Results of one query that can be reached, with a token too."""
ANONYMOUS_PAGE = 20
TOKEN_PAGE = 48
"""Up to 50 are allowed; 48 reach all 240 results in whole pages."""
QUERY_CHARS = 200


class Openverse:
    """See the module."""

    name = "openverse"
    title = "Openverse"
    terms = "https://docs.openverse.org/terms_of_service.html"
    requires_key = False
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Always: a token only raises its limits."""
        return True, None

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`license`: slugs of LICENSES; `min_width`: pixels, 1 to 100,000. Both may be absent."""
        return given(license=check_choices(options, "license", LICENSES), min_width=check_min_width(options))

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """One API page of one keyword each; a keyword's state is its next page."""

        async def ask_page(keyword: str, page: Json) -> Found:
            return await self._page(tools, query, keyword, page)

        async with contextlib.aclosing(take_turns(query.keywords, 1, cursor, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _page(self, tools: Tools, query: Query, keyword: str, page: int) -> Found:
        """A page's candidates, and the number of the next."""
        token = tools.settings.openverse_key
        size = TOKEN_PAGE if token else ANONYMOUS_PAGE
        params = {"q": keyword[:QUERY_CHARS], "page": str(page), "page_size": str(size)}
        if query.options.get("license"):
            params["license"] = ",".join(query.options["license"])
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = tools.settings.openverse_url.rstrip("/") + "/images/"
        answer = await ask(tools, self.title, url, params, headers)
        if _is_end(answer):
            return Found((), None)
        body = _body(answer, bool(token))
        min_width = query.options.get("min_width") or 0
        found = tuple(_candidate(item, keyword) for item in body["results"] if _wanted(item, min_width))
        more = page < _number(body.get("page_count")) and (page + 1) * size <= DEPTH
        total = _number(body.get("result_count"))
        return Found(found, page + 1 if more else None, total)


def _is_end(answer: Answer) -> bool:
    """Past the last page that may be asked for, Openverse answers 401: not bad credentials but the end."""
    detail = answer.body.get("detail") if isinstance(answer.body, dict) else None
    return answer.status == 401 and isinstance(detail, str) and "pagination depth" in detail


def _body(answer: Answer, with_key: bool) -> dict[str, Json]:
    body = answer.body
    if answer.status == 200 and isinstance(body, dict) and isinstance(body.get("results"), list):
        return body
    if answer.status == 200:
        raise SourceFailed("Openverse answered with something else than a page of results.")
    detail = body.get("detail") if isinstance(body, dict) else None
    refused = f"Openverse refused the query ({answer.status}): {_words(detail)}"
    if with_key and answer.status in (401, 403):
        raise SourceFailed(f"{refused_key('openverse', 'Openverse', answer.status)} It said: {_words(detail)}")
    raise SourceFailed(refused, of_query=answer.status == 400)


def _words(detail: Json) -> str:
    """Openverse's `detail`: a text, or lists of texts by parameter."""
    if isinstance(detail, dict):
        return " ".join(f"{name}: {_words(value)}" for name, value in detail.items())[:300]
    if isinstance(detail, list):
        return " ".join(str(part) for part in detail)[:300]
    return str(detail or "no reason given")[:300]


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _wanted(item: Json, min_width: int) -> bool:
    """Whether it is an image with an address, and not narrower than wanted by its own claim; no claim is no reason."""
    if not isinstance(item, dict) or not isinstance(item.get("url"), str):
        return False
    width = item.get("width")
    return not isinstance(width, int) or width >= min_width


def _candidate(item: Mapping[str, Json], keyword: str) -> Candidate:
    license_words = (clean_text(item.get("license")), clean_text(item.get("license_version")))
    kept = ("id", "provider", "source", "thumbnail", "width", "height")
    return Candidate(
        clean_url(item["url"]),
        keyword,
        Provenance(
            source="openverse",
            landing_url=clean_text(item.get("foreign_landing_url")),
            title=clean_text(item.get("title")),
            creator=clean_text(item.get("creator")),
            creator_url=clean_text(item.get("creator_url")),
            license=" ".join(word for word in license_words if word) if license_words[0] else None,
            license_url=clean_text(item.get("license_url")),
            attribution=clean_text(item.get("attribution")),
            extra=clean_extra({name: item.get(name) for name in kept}),
        ),
    )
