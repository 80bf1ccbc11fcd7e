"""What lies at a listener's seat: of each thing the newest answer, and nothing that the first frame told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from graphql import GraphQLError

from schema.answers import Answer, answer
from schema.audiences import Audiences
from schema.feeds import Event, Feed


class Numbers(Feed[Event]):
    """States by number; whoever comes hears `now`."""

    def __init__(self) -> None:
        self.of = "numbers"
        self.now = 0
        self.news: asyncio.Queue[Event | None] = asyncio.Queue()
        self.opened = 0

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        self.opened -= 1

    async def first(self) -> Event:
        return Event(of=self.of, revision=self.now)

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        while (event := await self.news.get()) is not None:
            yield event

    def tell(self, revision: int, of: str = "numbers") -> None:
        self.news.put_nowait(Event(of=of, revision=revision))


async def made(event: Event) -> Answer:
    if event.revision < 0:
        raise RuntimeError("it broke")
    return answer({"of": event.of, "revision": event.revision}, None)


def failed(error: Exception) -> Answer:
    return Answer(None, [GraphQLError(str(error))])


def hearing(audiences: Audiences, feed: Numbers) -> AsyncGenerator[Answer, None]:
    return audiences.hear("key", feed, made, failed)


def text(of: str, revision: int) -> str:
    return f'{{"data":{{"of":"{of}","revision":{revision}}}}}'


async def settled(feed: Numbers) -> None:
    while not feed.news.empty():
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_one_who_is_slow_finds_the_newest_of_each_thing() -> None:
    audiences, feed = Audiences(), Numbers()
    slow = hearing(audiences, feed)
    assert (await anext(slow)).text == text("numbers", 0)
    for revision in range(1, 50):
        for of in ("a", "b", "numbers"):
            feed.tell(revision, of)
    await settled(feed)
    assert [(await anext(slow)).text for _ in range(3)] == [text(of, 49) for of in ("a", "b", "numbers")]
    await slow.aclose()
    assert feed.opened == 0


async def test_what_the_first_frame_told_is_no_news() -> None:
    audiences, feed = Audiences(), Numbers()
    early = hearing(audiences, feed)
    await anext(early)
    feed.now = 5
    late = hearing(audiences, Numbers())
    assert (await anext(late)).text == text("numbers", 5)
    for revision in (4, 5, 6):
        feed.tell(revision)
    await settled(feed)
    assert (await anext(late)).text == text("numbers", 6)
    await early.aclose()
    await late.aclose()


async def test_the_last_answer_is_heard_before_the_end() -> None:
    audiences, feed = Audiences(), Numbers()
    listeners = [hearing(audiences, feed) for _ in range(3)]
    for one in listeners:
        await anext(one)
    feed.tell(1)
    feed.news.put_nowait(None)
    assert [[found.text async for found in one] for one in listeners] == [[text("numbers", 1)]] * 3
    assert (feed.opened, audiences._known) == (0, {})


async def test_what_breaks_is_the_last_that_all_hear_and_whoever_comes_then_begins_anew() -> None:
    audiences, feed = Audiences(), Numbers()
    listeners = [hearing(audiences, feed) for _ in range(2)]
    for one in listeners:
        await anext(one)
    feed.tell(-1, "odd")
    heard: list[Any] = [[found.errors async for found in one] for one in listeners]
    assert [[str(error) for (error,) in errors] for errors in heard] == [["it broke"]] * 2
    other = Numbers()
    again = hearing(audiences, other)
    assert (await anext(again)).text == text("numbers", 0)
    assert (feed.opened, other.opened) == (0, 1)
    await again.aclose()
