"""Redis may lose everything or go away: subscribers still see the final state, and the work still ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from app import queue
from app.progress import channel_name, hub
from tests.stand_ins.misbehaving import MisbehavingHost, held, image
from tests.stand_ins.pictures import jpeg
from tests.stand_ins.wire import Wire, wire
from tests.support import databases
from tests.support.asking import good, urls
from tests.support.configured import configured
from tests.support.service import Person, entries, person, running_api, running_worker, until
from tests.support.watching import CRAWL, watching


@pytest_asyncio.fixture
async def line(db: asyncpg.Connection) -> AsyncIterator[Wire]:
    """The wire by which API and workers of this test reach Redis."""
    async with wire(databases.redis_of_this_process()) as made:
        await queue.close()
        with configured(REDIS_URL=made.url):
            yield made
            await queue.close()


async def test_the_final_state_comes_though_redis_is_away_and_work_goes_on_when_it_is_back(line: Wire) -> None:
    gate = asyncio.Event()
    host = MisbehavingHost({"/0.jpg": held(gate, image(jpeg()))} | good(9, first=1))
    async with running_api() as url, person(url) as owner, running_worker(), host:
        first = await owner.crawl(sources=entries(*urls(host, 0)))

        async def asked() -> bool:
            return host.under_way == 1

        await until(asked)
        async with watching(owner, CRAWL, first) as subscriber:
            await subscriber.frame()
            line.cut()
            gate.set()
            frames = await subscriber.all(timeout_s=10)
        assert frames[-1]["crawlJob"]["status"] == "COMPLETED"
        # A job that is made while Redis is away is not lost either.
        second = await owner.crawl(sources=entries(*urls(host, *range(1, 10))), chunkSize=2)
        line.mend()
        async with watching(owner, CRAWL, second) as subscriber:
            frames = await subscriber.all(timeout_s=20)
        assert frames[-1]["crawlJob"] == frames[-1]["crawlJob"] | {"status": "COMPLETED", "validImages": 9}


async def test_a_flushed_redis_costs_a_delay_and_no_image(owner: Person, db: asyncpg.Connection) -> None:
    gate = asyncio.Event()
    behaviors = {f"/{n}.jpg": held(gate, image(jpeg(seed=n))) for n in range(60)}
    async with MisbehavingHost(behaviors) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(60))), chunkSize=2)

        async def several() -> bool:
            return host.under_way >= 8

        await until(several)
        async with watching(owner, CRAWL, job) as subscriber:
            await subscriber.frame()
            await queue.redis().flushdb()
            gate.set()
            frames = await subscriber.all(timeout_s=20)
        assert sorted(host.log) == sorted({f"/{n}.jpg" for n in range(60)})
    assert frames[-1]["crawlJob"] == frames[-1]["crawlJob"] | {"status": "COMPLETED", "validImages": 60}


async def test_news_that_is_none_does_not_stop_the_news(owner: Person, db: asyncpg.Connection) -> None:
    """Of a newer version of ours, say, or of somebody who shares the server."""
    job = await owner.crawl(sources=entries("http://127.0.0.1:9/a.jpg"), start=False)
    async with watching(owner, CRAWL, job) as subscriber:
        await subscriber.frame()
        for odd in (b"no JSON", b"[]", b'{"kind": "CrawlJob"}', b'{"kind": "CrawlJob", "id": 1, "a": "new field"}'):
            assert await queue.redis().publish(channel_name(), odd) == 1
        await db.execute("update crawl_jobs set status = 'cancelled'")
        assert (await subscriber.all())[-1]["crawlJob"]["status"] == "CANCELLED"
    assert hub().topics == {}
