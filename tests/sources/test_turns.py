"""Keywords take turns whatever their states are, and every cursor continues where its page ended."""

from __future__ import annotations

import contextlib

import orjson

from app.sources.base import Page
from app.sources.turns import Found, take_turns
from app.values import Candidate, Json

PAGES = {"cat": 3, "dog": 1, "bird": 2}


async def ask(keyword: str, state: Json) -> Found:
    """PAGES pages of one candidate each; 0 is a state like any other."""
    after = {"at": state["at"] + 1}
    left = after if after["at"] < PAGES[keyword] else None
    return Found((Candidate(f"https://host.example/{keyword}/{state['at']}", keyword),), left, PAGES[keyword])


async def pages(cursor: Json | None, *keywords: str) -> list[Page]:
    async with contextlib.aclosing(take_turns(keywords, {"at": 0}, cursor, ask)) as found:
        return [page async for page in found]


async def test_each_keyword_gets_a_page_before_any_gets_a_second() -> None:
    found = await pages(None, "cat", "dog", "bird")
    assert [page.candidates[0].url.removeprefix("https://host.example/") for page in found] == [
        "cat/0", "dog/0", "bird/0", "cat/1", "bird/1", "cat/2",
    ]  # fmt: skip
    assert [page.cursor is None for page in found] == [False] * 5 + [True]
    assert [page.total for page in found] == [3, 1, 2, 3, 2, 3]


async def test_a_cursor_that_went_through_json_continues_with_the_next_page() -> None:
    whole = await pages(None, "cat", "dog", "bird")
    for place, page in enumerate(whole[:-1]):
        assert await pages(orjson.loads(orjson.dumps(page.cursor)), "cat", "dog", "bird") == whole[place + 1 :]


async def test_without_keywords_there_is_nothing() -> None:
    assert await pages(None) == []
