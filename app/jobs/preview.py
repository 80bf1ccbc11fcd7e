"""What sources have for keywords, before a job is made: their own counts and some of the first page, nothing written.

Somebody waits for the answer, and it is the operator's keys that pay for it. So each search is one page, nothing that
fails is asked again, and one preview has a deadline and so many requests; what was not reached says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp

from app.errors import AppError, Invalid, RateLimited, SourceFailed, SourceUnavailable, StorageRefused
from app.fetching.client import open_client
from app.jobs.crawl_spec import check_uploads, checked_keywords, checked_source, require_keywords
from app.jobs.expansion import checked_expansion, expanded
from app.jobs.kept_answers import KeptAnswers
from app.jobs.limits import SOURCES, check_count, check_number
from app.jobs.upload import open_upload
from app.log import log, new_id
from app.settings import settings
from app.sources.base import Page, Query, Tools
from app.sources.registry import SOURCES as KNOWN_SOURCES
from app.values import Candidate, PreviewSpec, SourceSpec, Term, Viewer, camel

FIRST = 10
SEARCHES = 40
"""Sources times terms: each is a request at least."""
REQUESTS = 100
"""Of one preview: some searches begin with a token, a site with its robots.txt and maps."""
AT_ONCE = 2
"""Previews of one person at once."""
PATIENCE_SHARE = 0.8
"""Of an operation's time."""
WORDS = {
    "late": "Time ran out before this was asked.",
    "many": f"A preview sends {REQUESTS} requests at most; this search would have needed more.",
}

_under_way = Counter[UUID]()


@dataclass(slots=True)
class Preview:
    """A source's answer to one term: what it counts and shows, or why it does not."""

    source: str
    place: int
    term: Term | None
    by_term: bool = False
    """Whether it is asked for the term; others are asked as they are, and the term's keyword is the label."""
    total: int | None = None
    candidates: tuple[Candidate, ...] = ()
    error: AppError | None = None


async def preview(viewer: Viewer, spec: PreviewSpec) -> list[Preview]:
    """Each source's answer to each term, in their order. Raises Invalid over a limit, RateLimited, SourceUnavailable.

    The last only where Wikidata is wanted and does not answer: a source that cannot be asked is told as its previews'
    `error`.
    """
    ends_s = time.monotonic() + settings().operation_timeout_s * PATIENCE_SHARE
    with _one_of_few(viewer):
        check_number(spec.first, ["input", "first"], 1, FIRST)
        check_count(spec.sources, ["input", "sources"], 1, SOURCES)
        keywords = checked_keywords(spec.keywords)
        asked = [_asked(source, place) for place, source in enumerate(spec.sources)]
        usable = [one for one in asked if isinstance(one, SourceSpec)]
        require_keywords(keywords, usable)
        await check_uploads(viewer, usable)
        terms = await expanded(keywords, checked_expansion(spec.expansion, keywords))
        planned = [_planned(spec.sources[place].name, place, one, terms) for place, one in enumerate(asked)]
        _check_size([one for searches in planned for one in searches if one.error is None])
        await _search_all(usable, [one for one in planned if one[0].error is None], spec.first, ends_s)
    return [one for searches in planned for one in searches]


@contextlib.contextmanager
def _one_of_few(viewer: Viewer) -> Iterator[None]:
    if _under_way[viewer.id] >= AT_ONCE:
        raise RateLimited(f"You have {AT_ONCE} previews under way: wait for one of them.", limit=str(AT_ONCE))
    _under_way[viewer.id] += 1
    try:
        yield
    finally:
        _under_way[viewer.id] -= 1
        if not _under_way[viewer.id]:
            del _under_way[viewer.id]


def _asked(source: SourceSpec, place: int) -> SourceSpec | SourceUnavailable:
    try:
        return checked_source(source, place)
    except SourceUnavailable as error:
        return error


def _planned(name: str, place: int, source: SourceSpec | SourceUnavailable, terms: Sequence[Term]) -> list[Preview]:
    """A source's searches, still to be asked; one with its error where it cannot be."""
    if isinstance(source, SourceUnavailable):
        return [Preview(name, place, None, error=source)]
    if KNOWN_SOURCES[name].needs_keywords:
        return [Preview(name, place, term, True) for term in terms]
    return [Preview(name, place, terms[0] if terms else None)]


def _check_size(searches: Sequence[Preview]) -> None:
    if len(searches) > SEARCHES:
        raise Invalid(
            f"A preview makes {SEARCHES} searches at most, sources times terms, not {len(searches)}.",
            path=["input"],
            limit=str(SEARCHES),
            actual=str(len(searches)),
        )


async def _search_all(
    sources: Sequence[SourceSpec], searches: Sequence[list[Preview]], first: int, ends_s: float
) -> None:
    """All sources at once, each one's searches one after the other."""
    async with open_client(settings(), traces=[_counting()]) as client, asyncio.TaskGroup() as tasks:
        for source, own in zip(sources, searches, strict=True):
            tools = Tools(client, settings(), open_upload, hurried=True, answers=KeptAnswers())
            tasks.create_task(_search_source(tools, source, own, first, ends_s))


def _counting() -> aiohttp.TraceConfig:
    """Ends what would go over the limit of requests."""
    sent = 0

    async def count(*_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > REQUESTS:
            raise SourceFailed(WORDS["many"])

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(count)
    return trace


async def _search_source(
    tools: Tools, source: SourceSpec, searches: Sequence[Preview], first: int, ends_s: float
) -> None:
    """Where a source as a whole does not answer, its other terms are not asked."""
    path = ["input", "sources", str(searches[0].place), camel(source.name)]
    for place, search in enumerate(searches):
        failed = await _search(tools, source, search, first, ends_s)
        if failed is None:
            continue
        for one in [search] if failed.of_query else searches[place:]:
            one.error = SourceUnavailable(failed.message, path=path)
        if not failed.of_query:
            return


async def _search(tools: Tools, source: SourceSpec, search: Preview, first: int, ends_s: float) -> SourceFailed | None:
    """The first page, into `search`; what failed otherwise."""
    try:
        async with asyncio.timeout(max(0.0, ends_s - time.monotonic())):
            page = await _first_page(tools, source, search.term)
    except SourceFailed as error:
        return error
    except StorageRefused as error:
        return SourceFailed(str(error))
    except TimeoutError:
        return SourceFailed(WORDS["late"])
    except Exception:  # noqa: BLE001 - here a source's part ends: the others have answers
        error_id = new_id()
        log.exception("preview_failed", error_id=error_id, source=source.name)
        return SourceFailed(f"Something unexpected happened; the log has it under {error_id}.")
    if page is not None:
        search.total, search.candidates = page.total, page.candidates[:first]
    return None


async def _first_page(tools: Tools, source: SourceSpec, term: Term | None) -> Page | None:
    known = KNOWN_SOURCES[source.name]
    words = None if term is None else term.text if known.needs_keywords else term.keyword
    query = Query((words,) if words else (), source.options)
    async with contextlib.aclosing(known.pages(tools, query, None)) as pages:
        return await anext(pages, None)
