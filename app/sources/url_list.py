"""A list of URLs: entries given with the job, or an uploaded file with an address, a label and further columns."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import PurePosixPath

from app.errors import Invalid, SourceFailed
from app.settings import Settings
from app.sources import url_files, url_parquet
from app.sources.base import KEYWORD_CHARS, Page, Query, Tools
from app.sources.url_rows import entry_candidate
from app.values import MAX_URL_CHARS, Json

UPLOAD_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".parquet")
"""The kinds of files that are read, told by the end of the upload's name."""
PAGE_ROWS = 1_000
ENTRIES = 20_000


class UrlList:
    """See the module. A row that is no address is a candidate too.

    The cursor: how many entries were read; of a file `{"row", "line", "byte"}`, rows, lines and bytes that were read.
    """

    name = "url_list"
    title = "URL list"
    terms = "https://www.rfc-editor.org/rfc/rfc9309"
    """There is no provider: every host speaks for itself, in its robots.txt."""
    requires_key = False
    needs_keywords = False

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Always."""
        return True, None

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """Exactly one of `entries` (url, keyword, provenance) and `upload_id` (with one of UPLOAD_SUFFIXES)."""
        entries, upload_id = options.get("entries"), options.get("upload_id")
        if (entries is None) == (upload_id is None):
            raise Invalid("Give either entries or uploadId.")
        if upload_id is not None:
            return {"upload_id": _checked_upload(upload_id)}
        if not isinstance(entries, list | tuple) or not 1 <= len(entries) <= ENTRIES:
            limit = f"1 to {ENTRIES:,} entries"
            actual = str(len(entries)) if isinstance(entries, list | tuple) else "no list"
            raise Invalid(f"A list has {limit}; upload longer ones.", path=["entries"], limit=limit, actual=actual)
        return {"entries": [_checked_entry(entry, place) for place, entry in enumerate(entries)]}

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """Pages of 1,000 rows."""
        keyword = query.keywords[0] if query.keywords else None
        if "entries" in query.options:
            for page in _entry_pages(query, int(cursor or 0), keyword):
                yield page
            return
        upload_id: str = query.options["upload_id"]
        suffix = PurePosixPath(upload_id).suffix.lower()

        def open_from(start: int) -> AsyncGenerator[bytes, None]:
            # From the byte before: after its last one a file has nothing that could be asked for.
            before = max(0, start - 1)
            return _limited(tools.open_upload(upload_id, before), before, start, tools.settings.upload_max_bytes)

        async with contextlib.AsyncExitStack() as stack:
            if suffix == ".parquet":
                path = await stack.enter_async_context(url_parquet.spooled(open_from))
                found = url_parquet.candidates_of(path, cursor, keyword, PAGE_ROWS)
            else:
                found = url_files.candidates_of(open_from, suffix, cursor, keyword, PAGE_ROWS)
            await stack.enter_async_context(contextlib.aclosing(found))
            async for candidates, after in found:
                yield Page(tuple(candidates), after)
        yield Page((), None)


async def _limited(blocks: AsyncIterator[bytes], at: int, start: int, limit: int) -> AsyncGenerator[bytes, None]:
    """Blocks that begin at byte `at`, from `start` on; SourceFailed once the file has more than `limit` bytes."""
    try:
        async for block in blocks:
            rest = block[max(0, start - at) :]
            at += len(block)
            if at > limit:
                raise SourceFailed(f"The list is larger than {limit:,} bytes.")
            if rest:
                yield rest
    finally:
        if isinstance(blocks, AsyncGenerator):
            await blocks.aclose()


def _entry_pages(query: Query, start: int, keyword: str | None) -> list[Page]:
    entries = query.options["entries"]
    pages = []
    for first in range(start, len(entries), PAGE_ROWS):
        after = first + PAGE_ROWS
        found = tuple(entry_candidate(entry, keyword) for entry in entries[first:after])
        pages.append(Page(found, after if after < len(entries) else None))
    return pages


def _checked_upload(upload_id: Json) -> str:
    suffix = PurePosixPath(str(upload_id)).suffix.lower()
    if suffix not in UPLOAD_SUFFIXES:
        known = ", ".join(UPLOAD_SUFFIXES)
        raise Invalid(f"The upload's name must end in one of {known}.", path=["uploadId"], limit=known, actual=suffix)
    return str(upload_id)


def _checked_entry(entry: Json, place: int) -> Mapping[str, Json]:
    path = ["entries", str(place)]
    if not isinstance(entry, Mapping) or not isinstance(entry.get("url"), str):
        raise Invalid("An entry has a url.", path=[*path, "url"])
    _check_length(entry["url"], MAX_URL_CHARS, [*path, "url"])
    checked: dict[str, Json] = {"url": entry["url"]}
    keyword = entry.get("keyword")
    if keyword is not None:
        if not isinstance(keyword, str):
            raise Invalid("keyword must be a text.", path=[*path, "keyword"])
        _check_length(keyword, KEYWORD_CHARS, [*path, "keyword"])
        checked["keyword"] = keyword
    provenance = entry.get("provenance")
    if provenance is not None:
        if not isinstance(provenance, Mapping):
            raise Invalid("provenance must be an object.", path=[*path, "provenance"])
        checked["provenance"] = dict(provenance)
    return checked


def _check_length(text: str, limit: int, path: list[str]) -> None:
    if len(text) > limit:
        told = f"{limit:,} characters"
        raise Invalid(f"{path[-1]} is longer than {told}.", path=path, limit=told, actual=f"{len(text):,} characters")
