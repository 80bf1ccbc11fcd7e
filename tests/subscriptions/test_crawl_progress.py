"""A crawl job's progress as a subscriber sees it: a snapshot, numbers that move, the final state, the end."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.progress import hub, publish_change
from tests.stand_ins.misbehaving import Behavior, Exchange, MisbehavingHost, held, image
from tests.stand_ins.pictures import jpeg
from tests.support.asking import act, good, key_of, urls, verb
from tests.support.service import Person, entries, running_worker, until
from tests.support.watching import CRAWL, watching

LISTED = entries("http://127.0.0.1:9/a.jpg")
IMAGES = 60


async def nobody_watches() -> bool:
    return hub().topics == {}


def paced(number: int) -> Behavior:
    """A picture that comes after a while: the crawl takes more than a second."""

    async def behave(exchange: Exchange) -> bool:
        await asyncio.sleep(0.3 + 0.02 * number)
        return await exchange.answer(200, jpeg(seed=number))

    return behave


async def test_a_subscriber_sees_the_numbers_move_and_the_final_state(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost({f"/{n}.jpg": paced(n) for n in range(IMAGES)}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(IMAGES))), chunkSize=20, start=False)
        async with watching(owner, CRAWL, job) as subscriber:
            snapshot = await subscriber.frame()
            assert snapshot["crawlJob"] == snapshot["crawlJob"] | {"id": job, "status": "PENDING", "progress": 0}
            await act(owner, "startCrawlJob", job)
            frames = await subscriber.all()
            assert subscriber.ended_by == "complete"
    jobs = [frame["crawlJob"] for frame in frames]
    versions = [frame["version"] for frame in frames]
    assert versions == sorted(set(versions))
    assert versions[-1] == await db.fetchval("select revision from crawl_jobs")
    assert [one["status"] for one in jobs if one["status"] in ("COMPLETED", "FAILED")] == ["COMPLETED"]
    assert jobs[-1] == jobs[-1] | {"progress": 100, "validImages": IMAGES, "activeChunks": 0, "completedChunks": 3}
    for field in ("progress", "totalImages", "downloadedImages", "validImages"):
        assert [one[field] for one in jobs] == sorted(one[field] for one in jobs)
    assert len({one["validImages"] for one in jobs}) > 4
    _check_rates(frames)


def _check_rates(frames: list[dict[str, Any]]) -> None:
    running = [frame for frame in frames if 10 < frame["crawlJob"]["validImages"] < IMAGES]
    assert running
    for frame in running:
        assert 1 < frame["imagesPerSecond"] < 600
        assert frame["bytesPerSecond"] > 1_000
        assert frame["etaSeconds"] is not None
        assert 0 < frame["etaSeconds"] < 60
    assert frames[0]["imagesPerSecond"] == 0
    assert frames[0]["etaSeconds"] is None
    assert frames[-1]["etaSeconds"] is None


async def test_at_most_ten_updates_come_in_a_second_and_the_last_value_wins(
    owner: Person, db: asyncpg.Connection
) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    async with watching(owner, CRAWL, job) as subscriber:
        await subscriber.frame()

        async def change_often() -> None:
            for number in range(1, 301):
                await db.execute("update crawl_jobs set total_images = $1", number)
                await publish_change("CrawlJob", key_of(job))
                await asyncio.sleep(0.005)
            await db.execute("update crawl_jobs set status = 'completed', total_images = 1000")
            await publish_change("CrawlJob", key_of(job))

        changing = asyncio.create_task(change_often())
        frames = await subscriber.all()
        await changing
    assert frames[-1]["crawlJob"]["totalImages"] == 1000
    assert len(frames) > 8
    updates = [datetime.fromisoformat(frame["at"]) for frame in frames[1:]]
    for start in updates:
        # A tenth less than a second: one may be late by chance and the next in time.
        assert sum(1 for moment in updates if start <= moment < start + timedelta(seconds=0.9)) <= 10


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
async def test_a_job_that_is_final_already_is_one_frame_and_the_end(
    owner: Person, db: asyncpg.Connection, state: str
) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    await db.execute("update crawl_jobs set status = $1", state)
    async with watching(owner, CRAWL, job) as subscriber:
        (frame,) = await subscriber.all()
    assert (frame["crawlJob"]["status"], subscriber.ended_by) == (state.upper(), "complete")
    await until(nobody_watches)


async def test_what_is_missing_or_anothers_is_an_error_message_in_the_same_words(
    owner: Person, stranger: Person
) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    heard = []
    for key in (job, "CrawlJob:2000000000", "CrawlJob:x", "", "Project:1"):
        async with watching(stranger, CRAWL, key) as subscriber:
            assert await subscriber.all() == []
            assert subscriber.ended_by == "error"
            heard.append([error["extensions"]["code"] for error in subscriber.errors])
            assert subscriber.errors[0]["message"] == "No such crawl job."
    assert heard == [["NOT_FOUND"]] * 5
    await until(nobody_watches)


async def test_many_subscribers_of_one_job_all_see_the_snapshot_and_the_end(owner: Person) -> None:
    gate = asyncio.Event()
    async with MisbehavingHost({"/0.jpg": held(gate, image(jpeg()))}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0)))

        async def follow() -> list[dict[str, Any]]:
            async with watching(owner, CRAWL, job) as subscriber:
                await subscriber.frame()
                ready.release()
                return await subscriber.all()

        ready = asyncio.Semaphore(0)
        following = [asyncio.create_task(follow()) for _ in range(30)]
        for _ in following:
            await ready.acquire()
        assert hub().topics["CrawlJob", key_of(job)].watchers == 1
        gate.set()
        heard = await asyncio.gather(*following)
    assert {frames[-1]["crawlJob"]["status"] for frames in heard} == {"COMPLETED"}
    assert len({frames[-1]["version"] for frames in heard}) == 1
    await until(nobody_watches)


@pytest.mark.parametrize("way", ["completes", "closes", "vanishes"])
async def test_a_client_that_leaves_frees_everything_that_it_held(owner: Person, way: str) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    before = len(asyncio.all_tasks())
    async with watching(owner, CRAWL, job) as subscriber:
        await subscriber.frame()
        assert hub().topics != {}
        if way == "completes":
            await subscriber.leave()
        elif way == "vanishes":
            assert subscriber.ws._response.connection is not None
            transport = subscriber.ws._response.connection.transport
            assert transport is not None
            transport.abort()
        else:
            await subscriber.ws.close()
        await until(nobody_watches)

    async def as_before() -> bool:
        return len(asyncio.all_tasks()) <= before

    await until(as_before)


async def test_a_deleted_job_ends_the_subscription(owner: Person) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    async with watching(owner, CRAWL, job) as subscriber:
        await subscriber.frame()
        await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)
        assert await subscriber.all() == subscriber.frames
        assert len(subscriber.frames) == 1
        assert subscriber.ended_by == "complete"
    await until(nobody_watches)


async def test_a_deleted_running_job_ends_the_subscription_too(owner: Person) -> None:
    async with MisbehavingHost({f"/{n}.jpg": paced(n) for n in range(40)}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(40))), chunkSize=5)
        async with watching(owner, CRAWL, job) as subscriber:
            while (await subscriber.frame())["crawlJob"]["validImages"] < 5:
                pass
            await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)
            await subscriber.all()
            assert subscriber.ended_by == "complete"


async def test_pausing_and_resuming_are_seen(owner: Person) -> None:
    gate = asyncio.Event()
    behaviors = {f"/{n}.jpg": held(gate, image(jpeg(seed=n))) for n in range(3)}
    async with MisbehavingHost(good(0) | behaviors) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1, 2)))
        async with watching(owner, CRAWL, job) as subscriber:
            for name, status in (("", "RUNNING"), ("pauseCrawlJob", "PAUSED"), ("resumeCrawlJob", "RUNNING")):
                if name:
                    await act(owner, name, job)
                while (await subscriber.frame())["crawlJob"]["status"] != status:
                    pass
            gate.set()
            assert (await subscriber.all())[-1]["crawlJob"]["status"] == "COMPLETED"
