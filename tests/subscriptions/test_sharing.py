"""Many who watch the same cost one execution, nobody waits for a slow one, and nothing is left of those who leave."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest

from app.auth import viewer_of
from app.progress import hub, publish_change
from schema.context import Context
from schema.root import schema as on
from tests.support.asking import key_of
from tests.support.configured import configured
from tests.support.events import streaming
from tests.support.service import Person, entries, person, until
from tests.support.watching import CRAWL, Subscriber, watching

LISTED = entries("http://127.0.0.1:9/a.jpg")
PROJECT = "subscription($id: ID!) { projectProgress(id: $id) { at } }"


async def nothing_held() -> bool:
    found = hub()
    return not (found.topics or found.projects or found.activity.followers or on.events.taken)


async def changed(db: asyncpg.Connection, job: str, total: int) -> None:
    """One change of the job, told as workers do."""
    await db.execute("update crawl_jobs set total_images = $1", total)
    await publish_change("CrawlJob", key_of(job))


@contextlib.asynccontextmanager
async def all_watching(who: list[tuple[Person, str]], job: str) -> AsyncIterator[list[Subscriber]]:
    """Subscribers who have had their snapshots."""
    async with contextlib.AsyncExitStack() as stack:
        found = [await stack.enter_async_context(watching(one, query, job)) for one, query in who]
        for one in found:
            await one.frame()
        yield found


async def test_one_execution_is_everybodys_who_asks_the_same(owner: Person, db: asyncpg.Connection) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    async with all_watching([(owner, CRAWL)] * 20, job) as subscribers:
        before, read = on.events.executions, on.reads.statements
        await changed(db, job, 7)
        frames = [await one.frame() for one in subscribers]
    assert (on.events.executions - before, on.reads.statements - read) == (1, 1)
    assert {frame["crawlJob"]["totalImages"] for frame in frames} == {7}
    assert len({frame["at"] for frame in frames}) == 1


async def test_other_selections_and_other_sights_have_executions_of_their_own(
    owner: Person, db: asyncpg.Connection
) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    other = CRAWL.replace("version at", "version")
    async with person(owner.url, "admin") as first, person(owner.url, "admin") as second:
        asked = [(owner, CRAWL), (owner, other), (first, CRAWL), (second, CRAWL), (owner, CRAWL)]
        async with all_watching(asked, job) as subscribers:
            before = on.events.executions
            await changed(db, job, 7)
            frames = [await one.frame() for one in subscribers]
    assert on.events.executions - before == 3
    assert "at" not in frames[1]
    assert frames[2]["at"] == frames[3]["at"]


async def test_a_stranger_is_refused_what_others_share(owner: Person, stranger: Person, db: asyncpg.Connection) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    async with all_watching([(owner, CRAWL)] * 2, job) as subscribers:
        await changed(db, job, 7)
        for one in subscribers:
            await one.frame()
        async with watching(stranger, CRAWL, job) as refused:
            assert await refused.all() == []
    assert refused.errors[0]["extensions"]["code"] == "NOT_FOUND"


async def test_whoever_comes_late_hears_the_present_first(owner: Person, db: asyncpg.Connection) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    async with all_watching([(owner, CRAWL)], job) as (early,):
        await changed(db, job, 7)
        shared = await early.frame()
        async with watching(owner, CRAWL, job) as late:
            frame = await late.frame()
    assert frame["crawlJob"]["totalImages"] == 7
    assert frame["at"] > shared["at"]


async def test_one_who_is_slow_holds_nobody_and_then_hears_the_newest(owner: Person, db: asyncpg.Connection) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    viewer = await viewer_of(owner.token)

    async def follow() -> Any:
        return await on.stream(CRAWL, {"id": job}, Context(viewer))

    def total(result: Any) -> int:
        return int(orjson.loads(orjson.dumps(result.data))["crawlJobProgress"]["crawlJob"]["totalImages"])

    quick, slow = await follow(), await follow()
    async with contextlib.aclosing(quick), contextlib.aclosing(slow):
        assert (total(await anext(quick)), total(await anext(slow))) == (0, 0)
        for number in range(1, 6):
            await changed(db, job, number)
            assert total(await asyncio.wait_for(anext(quick), 5)) == number
        assert total(await anext(slow)) == 5
    await until(nothing_held)


async def test_a_user_has_a_limit_of_subscriptions_over_all_connections(owner: Person, stranger: Person) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    with configured(PIXCRAWLER_SUBSCRIPTIONS_PER_USER="2"):
        async with watching(owner, CRAWL, job) as first, streaming(owner, CRAWL, id=job) as second:
            await first.frame()
            await second.event()
            async with watching(owner, CRAWL, job) as third:
                assert await third.all() == []
            extensions = third.errors[0]["extensions"]
            assert (extensions["code"], extensions["limit"]) == ("LIMIT_EXCEEDED", "2")
            async with streaming(owner, CRAWL, id=job) as fourth:
                (_, payload), _ = await fourth.all()
            assert payload["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
            theirs = await stranger.crawl(sources=LISTED, start=False)
            async with watching(stranger, CRAWL, theirs) as another:
                await another.frame()
            await first.leave()

            async def one_left() -> bool:
                return sum(on.events.taken.values()) == 1

            await until(one_left)
            async with watching(owner, CRAWL, job) as fifth:
                await fifth.frame()
    await until(nothing_held)


@pytest.mark.parametrize("way", ["completes", "closes", "vanishes", "streams"])
async def test_coming_and_going_leaves_nothing(owner: Person, db: asyncpg.Connection, way: str) -> None:
    project = await owner.project()
    job = await owner.crawl(projectId=project, sources=LISTED, start=False)
    tasks = len(asyncio.all_tasks())
    asked = itertools.cycle([(CRAWL, job), (PROJECT, project)])

    async def come_and_go(query: str, key: str) -> None:
        if way == "streams":
            async with streaming(owner, query, id=key) as stream:
                await stream.event()
                stream.response.close()
            return
        async with watching(owner, query, key) as subscriber:
            await subscriber.frame()
            if way == "completes":
                await subscriber.leave()
            elif way == "vanishes":
                assert subscriber.ws._response.connection is not None
                assert subscriber.ws._response.connection.transport is not None
                subscriber.ws._response.connection.transport.abort()

    for _ in range(5):
        await asyncio.gather(*(come_and_go(*next(asked)) for _ in range(10)))
        await changed(db, job, 1)
    await until(nothing_held)

    async def as_before() -> bool:
        return len(asyncio.all_tasks()) <= tasks

    await until(as_before)
