"""What the stock photo sites have in common: off unless enabled, numbered pages, one license for all, orientation."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple, Protocol

from app.errors import SourceFailed
from app.sources.base import Page, Query, Tools
from app.sources.http import Answer
from app.sources.keys import refused_key
from app.sources.options import check_choice, check_min_width, given
from app.sources.turns import Found, take_turns
from app.values import Candidate, Json

QUERY_STATUSES = frozenset({400, 404, 410, 422})
"""They speak of the query: one of Unsplash's is told by 410 to look like spam."""
MAX_PAGES = 10_000
"""A site that always names another page is left in the end."""


class NumberedPage(NamedTuple):
    """A page's candidates, whether there is another, and how many results there are, where the source says so."""

    candidates: tuple[Candidate, ...]
    more: bool
    total: int | None = None


class NumberedPages(Protocol):
    """A source that asks for a keyword's page by its number."""

    async def page(self, tools: Tools, query: Query, keyword: str, number: int) -> NumberedPage:
        """Page `number`, from 1. Raises SourceFailed."""


async def numbered_pages(
    source: NumberedPages, tools: Tools, query: Query, cursor: Json | None
) -> AsyncGenerator[Page, None]:
    """One page of one keyword each; a keyword's state is its next page."""

    async def ask_page(keyword: str, number: Json) -> Found:
        page = await source.page(tools, query, keyword, number)
        return Found(page.candidates, number + 1 if page.more and number < MAX_PAGES else None, page.total)

    async with contextlib.aclosing(take_turns(query.keywords, 1, cursor, ask_page)) as pages:
        async for page in pages:
            yield page


def check_stock(options: Mapping[str, Json], orientations: Mapping[str, str]) -> dict[str, Json]:
    """`orientation`: one of the given; `min_width`: pixels, of the original."""
    orientation = check_choice(options, "orientation", tuple(orientations))
    return given(orientation=orientation, min_width=check_min_width(options))


def items(name: str, title: str, answer: Answer, field: str) -> list[Mapping[str, Json]]:
    """The objects of an answer's list `field`. Raises SourceFailed for refusals and for answers without the list."""
    body = answer.body
    if answer.status in (401, 403):
        raise SourceFailed(refused_key(name, title, answer.status))
    if answer.status != 200:
        of_query = answer.status in QUERY_STATUSES
        raise SourceFailed(f"{title} refused the query ({answer.status}): {_words(answer)}", of_query=of_query)
    listed = body.get(field) if isinstance(body, dict) else None
    if not isinstance(listed, list):
        raise SourceFailed(f"{title} answered with something else than a page of results.")
    return [item for item in listed if isinstance(item, dict)]


def wide_enough(width: Json, query: Query) -> bool:
    """Whether an original is as wide as wanted by its own claim; no claim is no reason against it."""
    return not isinstance(width, int) or width >= (query.options.get("min_width") or 0)


def number(value: Json) -> int:
    """A whole number; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def told_total(answer: Answer, field: str) -> int | None:
    """How many results an answer says that there are; None where it does not."""
    value = answer.body.get(field) if isinstance(answer.body, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def inner(item: Mapping[str, Json], *names: str) -> Json:
    """The value at the end of nested objects; None where the way breaks off."""
    value: Json = item
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _words(answer: Answer) -> str:
    """The reason in `error`, `code` or `errors`, or the answer's text."""
    body = answer.body
    told = (body.get("error") or body.get("errors") or body.get("code")) if isinstance(body, dict) else answer.text
    told = " ".join(str(part) for part in told) if isinstance(told, list) else told
    return str(told or "no reason given")[:300]
