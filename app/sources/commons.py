"""Wikimedia Commons: freely licensed files by keyword, each with author, license and the page that describes it.

One search of the MediaWiki API per keyword, 50 files a request. The API goes on by `continue`, every key of which is
sent back; it may answer a page of results in pieces, which are joined by file. Its refusals come as HTTP 200.
https://www.mediawiki.org/wiki/API:Continue, https://www.mediawiki.org/wiki/Extension:CommonsMetadata
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from pathlib import PurePosixPath

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_extra, clean_text, clean_url
from app.sources.http import ask
from app.sources.keys import refused_key
from app.sources.licenses import license_of
from app.sources.markup import first_link, text_of
from app.sources.mediawiki import MAX_LAG_S, error_of, passing
from app.sources.options import check_choices, check_min_width, check_number, given
from app.sources.turns import Found, take_turns
from app.values import Candidate, Json, Provenance

PAGE_FILES = 50
"""Of one request, no more files get a rendition's address."""
DEPTH = 10_000
"""Results of one search that can be reached."""
PIECES = 20
"""Pieces of one page of results; with 50 files there is one, so more than this is a server that goes round."""
THUMBNAIL_WIDTH = 330
RENDITION_WIDTHS = (250, 330, 500, 960, 1280, 1920, 3840)
"""The widths that Wikimedia serves; it refuses others."""
LICENSES = ("by", "by-sa", "cc0", "pd", "pdm", "gfdl", "sa")
KEY_CODES = ("mwoauth-", "badtoken")
QUERY_CODES = frozenset({"badvalue", "toolong", "cirrussearch-parse-error", "search-error"})
"""Codes that speak of this query, not of who asks."""
DETAILS = (
    "LicenseShortName|License|LicenseUrl|Artist|Attribution|ObjectName|ImageDescription|DateTimeOriginal|Restrictions"
)


class Commons:
    """See the module."""

    name = "commons"
    title = "Wikimedia Commons"
    terms = "https://commons.wikimedia.org/wiki/Commons:Reusing_content_outside_Wikimedia"
    requires_key = False
    needs_keywords = True

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Always: a token only raises its limits."""
        return True, None

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`license`: slugs of LICENSES; `min_width`: pixels; `rendition_width`: pixels, 250 to 3,840.

        With `rendition_width` the smallest rendition that is at least as wide is taken in place of the original.
        """
        width = check_number(options, "rendition_width", RENDITION_WIDTHS[0], RENDITION_WIDTHS[-1], "pixels")
        return given(
            license=check_choices(options, "license", LICENSES),
            min_width=check_min_width(options),
            rendition_width=width and next(step for step in RENDITION_WIDTHS if step >= width),
        )

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """One page of one keyword's results each; a keyword's state is the API's `continue`."""

        async def ask_page(keyword: str, state: Json) -> Found:
            return await self._page(tools, query, keyword, state)

        async with contextlib.aclosing(take_turns(query.keywords, {}, cursor, ask_page)) as pages:
            async for page in pages:
                yield page

    async def _page(self, tools: Tools, query: Query, keyword: str, state: dict[str, str]) -> Found:
        """The files of a whole page of results, and how to go on."""
        files: dict[Json, dict[str, Json]] = {}
        left: dict[str, str] | None = state
        total: int | None = None
        for _ in range(PIECES):
            body = await self._piece(tools, query, keyword, left or {})
            total = total if total is not None else _total(body)
            for file in _files(body):
                files.setdefault(file.get("pageid"), {}).update(file)
            before, left = left, _continuation(body)
            if left is None or left == before or "batchcomplete" in body:
                left = None if left == before else left
                break
        ordered = sorted(files.values(), key=_rank)
        found = tuple(one for file in ordered if (one := _candidate(file, keyword, query.options)))
        return Found(found, None if left is None or _offset(left) >= DEPTH else left, total)

    async def _piece(self, tools: Tools, query: Query, keyword: str, state: dict[str, str]) -> dict[str, Json]:
        key = tools.settings.commons_key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = await ask(
            tools, self.title, tools.settings.commons_url, _params(query, keyword) | state, headers, passing
        )
        body = answer.body
        if not isinstance(body, dict):
            raise SourceFailed(f"{self.title} answered with something else than results.")
        code, words = error_of(answer)
        if key and (answer.status in (401, 403) or code.startswith(KEY_CODES)):
            raise SourceFailed(f"{refused_key(self.name, self.title, answer.status)} It said: {words[:300]}")
        if "error" in body:
            raise SourceFailed(f"{self.title} refused the query: {words}", of_query=code in QUERY_CODES)
        if answer.status != 200:
            raise SourceFailed(f"{self.title} refused the query ({answer.status}).")
        return body


def _params(query: Query, keyword: str) -> dict[str, str]:
    words = ["filetype:bitmap"]
    if query.options.get("min_width"):
        words.append(f"filew:>{query.options['min_width'] - 1}")
    return {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "maxlag": str(MAX_LAG_S),
        "generator": "search",
        "gsrnamespace": "6",
        "gsrsearch": " ".join([*words, keyword]),
        "gsrlimit": str(PAGE_FILES),
        "gsrinfo": "totalhits",
        "prop": "imageinfo",
        "iiprop": "url|size|mime|mediatype|sha1|extmetadata",
        "iiurlwidth": str(query.options.get("rendition_width") or THUMBNAIL_WIDTH),
        "iiextmetadatalanguage": "en",
        "iiextmetadatafilter": DETAILS,
    }


def _continuation(body: Mapping[str, Json]) -> dict[str, str] | None:
    told = body.get("continue")
    if not isinstance(told, dict):
        return None
    return {str(name): str(value) for name, value in told.items()} or None


def _offset(state: Mapping[str, str]) -> int:
    told = state.get("gsroffset", "")
    return int(told[:9]) if told.isdecimal() else 0


def _files(body: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The files of a piece; format version 1 has them by id."""
    query = body.get("query")
    told = query.get("pages") if isinstance(query, dict) else None
    listed = list(told.values()) if isinstance(told, dict) else told if isinstance(told, list) else []
    return [file for file in listed if isinstance(file, dict)]


def _total(body: Mapping[str, Json]) -> int | None:
    """The search's own count, which comes with its first piece."""
    query = body.get("query")
    info = query.get("searchinfo") if isinstance(query, dict) else None
    told = info.get("totalhits") if isinstance(info, dict) else None
    return told if isinstance(told, int) else None


def _rank(file: Mapping[str, Json]) -> int:
    index = file.get("index")
    return index if isinstance(index, int) else DEPTH


def _candidate(file: Mapping[str, Json], keyword: str, options: Mapping[str, Json]) -> Candidate | None:
    """A file that can be fetched and is wanted by its license and its width; None for others."""
    infos = file.get("imageinfo")
    info = infos[0] if isinstance(infos, list) and infos and isinstance(infos[0], dict) else {}
    if not isinstance(info.get("url"), str) or info.get("mediatype") != "BITMAP":
        return None
    if isinstance(info.get("width"), int) and info["width"] < (options.get("min_width") or 0):
        return None
    provenance, slug = _provenance(file, info)
    if options.get("license") and slug not in options["license"]:
        return None
    rendition = info.get("thumburl") if "rendition_width" in options else None
    return Candidate(clean_url(rendition or info["url"]), keyword, provenance)


def _provenance(file: Mapping[str, Json], info: Mapping[str, Json]) -> tuple[Provenance, str | None]:
    """Where a file comes from, and its license's slug."""
    told = {name: _detail(info, name) for name in DETAILS.split("|")}
    short = text_of(told["LicenseShortName"])
    known = license_of(told["License"], short, told["LicenseUrl"])
    creator = text_of(told["Artist"])
    credit = [words for words in (creator, short) if words]
    extra = {
        "id": file.get("pageid"),
        "original": info["url"],
        "thumbnail": info.get("thumburl"),
        **{name: info.get(name) for name in ("width", "height", "size", "mime", "sha1")},
        "description": text_of(told["ImageDescription"]),
        "taken": text_of(told["DateTimeOriginal"]),
        "restrictions": text_of(told["Restrictions"]),
        "license": None if known.name else short,
    }
    provenance = Provenance(
        source="commons",
        landing_url=clean_text(info.get("descriptionurl")),
        title=text_of(told["ObjectName"]) or _name(file),
        creator=creator,
        creator_url=first_link(told["Artist"]),
        license=known.name,
        license_url=clean_text(known.url),
        attribution=text_of(told["Attribution"]) or ", ".join(credit) or None,
        extra=clean_extra(extra),
    )
    return provenance, known.slug


def _detail(info: Mapping[str, Json], name: str) -> Json:
    details = info.get("extmetadata")
    detail = details.get(name) if isinstance(details, dict) else None
    return detail.get("value") if isinstance(detail, dict) else None


def _name(file: Mapping[str, Json]) -> str | None:
    """`File:A cat.jpg` → `A cat`."""
    told = clean_text(file.get("title"))
    return PurePosixPath(told.partition(":")[2] or told).stem if told else None
