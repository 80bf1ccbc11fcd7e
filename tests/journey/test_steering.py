"""Steering a crawl while it runs: pause, resume, cancel, retry, a held job, a moved goal, deletion."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from tests.stand_ins.misbehaving import Behavior, Exchange, MisbehavingHost, drip, head, held, image
from tests.stand_ins.openverse import OpenverseStandIn, record
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS, act, counted, good, key_of, refusal, urls, verb
from tests.support.configured import configured
from tests.support.service import Person, entries, running_worker, until

UPDATE = f"""mutation($input: UpdateCrawlJobInput!) {{
  updateCrawlJob(input: $input) {{ crawlJob {{ id name status maxImages }} {ERRORS} }} }}"""


DRIP = drip(b"\xff\xd8" + bytes(10_000), 0.05)


async def endless_headers(exchange: Exchange) -> bool:
    """Never comes to the body. Unlike a silent host it notices when the client leaves."""
    await exchange.send(head(200)[:-2])
    while await exchange.send(b"X-Waiting: still\r\n"):
        await asyncio.sleep(0.05)
    return False


def gated(gate: asyncio.Event, count: int) -> dict[str, Behavior]:
    return {f"/{number}.jpg": held(gate, image(jpeg(seed=number))) for number in range(count)}


async def under_way(host: MisbehavingHost, least: int = 1) -> None:
    async def enough() -> bool:
        return host.under_way >= least

    await until(enough)


async def idle(host: MisbehavingHost) -> None:
    async def none() -> bool:
        return host.under_way == 0

    await until(none)


async def test_pausing_lets_running_chunks_finish_and_begins_no_new_ones_and_resuming_goes_on(
    owner: Person, db: asyncpg.Connection
) -> None:
    gate = asyncio.Event()
    async with MisbehavingHost(gated(gate, 40)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(40))), chunkSize=2)
        await under_way(host, 4)
        assert (await act(owner, "pauseCrawlJob", job))["status"] == "PAUSED"
        begun = set(host.log)
        gate.set()

        async def finished() -> dict[str, Any] | None:
            found = await owner.job(job)
            return found if found["activeChunks"] == 0 else None

        found = await until(finished)
        await idle(host)
        # A chunk that was claimed just before the pause may have asked a little later.
        stored = (await counted(db, job))["downloaded"]
        assert len(begun) <= stored < 40
        assert stored == len(host.log) == found["downloadedImages"] == 2 * found["completedChunks"]
        assert (found["status"], found["taskIds"]) == ("PAUSED", [])
        await asyncio.sleep(1)  # three rounds of the reconciler: it must begin nothing
        assert len(host.log) == stored
        assert (await act(owner, "resumeCrawlJob", job))["status"] == "RUNNING"
        ended = await owner.ended(job)
    assert ended == ended | {"status": "COMPLETED", "validImages": 40, "completedChunks": 20, "progress": 100}
    assert len(host.log) == len(set(host.log)) == 40


async def test_a_paused_search_goes_on_as_soon_as_it_is_resumed(owner: Person) -> None:
    """A lease of 20 s must not be waited for: whoever searched before the pause is fenced out by it."""
    gate = asyncio.Event()
    async with MisbehavingHost(good(60)) as host:
        records = [record(number, "cat", url=host.url(f"/{number}.jpg")) for number in range(60)]
        async with OpenverseStandIn(records, gate=gate) as openverse:
            with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_LEASE_S="20"):
                async with running_worker():
                    job = await owner.crawl(keywords=["cat"], sources=[{"openverse": {}}])

                    async def asked() -> bool:
                        return bool(openverse.requests)

                    await until(asked)
                    await act(owner, "pauseCrawlJob", job)
                    await asyncio.sleep(1.5)  # a search looks every second whether it is still wanted
                    await act(owner, "resumeCrawlJob", job)
                    gate.set()
                    ended = await owner.ended(job, deadline_s=10)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 60)


async def test_a_search_whose_worker_is_told_to_end_is_taken_over_at_once(owner: Person) -> None:
    gate = asyncio.Event()
    async with MisbehavingHost(good(60)) as host:
        records = [record(number, "cat", url=host.url(f"/{number}.jpg")) for number in range(60)]
        async with OpenverseStandIn(records, gate=gate) as openverse:
            with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_LEASE_S="20"):
                async with running_worker():
                    job = await owner.crawl(keywords=["cat"], sources=[{"openverse": {}}])

                    async def asked() -> bool:
                        return bool(openverse.requests)

                    await until(asked)
                gate.set()
                async with running_worker():
                    ended = await owner.ended(job, deadline_s=10)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 60)


@pytest.mark.parametrize("behavior", [DRIP, endless_headers], ids=["body", "headers"])
async def test_cancelling_stops_within_two_seconds_and_leaves_pending_rows_pending(
    owner: Person, db: asyncpg.Connection, behavior: Behavior
) -> None:
    # Fewer than the host's connections: the good ones need not wait for the slow ones.
    slow = {f"/{number}.jpg": behavior for number in range(3, 13)}
    async with MisbehavingHost(good(3) | slow) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(13))), chunkSize=5)

        async def some() -> bool:
            return bool((await owner.job(job))["downloadedImages"] == 3)

        await until(some)
        started = time.monotonic()
        assert (await act(owner, "cancelCrawlJob", job))["status"] == "CANCELLED"
        await idle(host)
        assert time.monotonic() - started < 2
        found = await owner.job(job)
        assert found == found | {"activeChunks": 0, "taskIds": [], "status": "CANCELLED", "downloadedImages": 3}
        assert await counted(db, job) == {"downloaded": 3, "pending": 10}
        for number in range(3, 13):
            host.behaviors[f"/{number}.jpg"] = image(jpeg(seed=number))
        host.log.clear()
        await act(owner, "retryCrawlJob", job)
        ended = await owner.ended(job)
        assert len(host.log) == 10
    assert ended == ended | {"status": "COMPLETED", "validImages": 13, "totalChunks": 3, "completedChunks": 3}


async def test_a_held_job_waits_until_it_is_started(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost(good(2)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1)), start=False)
        await asyncio.sleep(1)  # three rounds of the reconciler: nobody starts it
        assert (await owner.job(job))["status"] == "PENDING"
        assert host.log == []
        assert (await act(owner, "startCrawlJob", job))["status"] == "RUNNING"
        assert (await owner.ended(job))["validImages"] == 2
    row = await db.fetchrow("select started_at, completed_at from crawl_jobs where id = $1", key_of(job))
    assert row["started_at"] < row["completed_at"]


async def test_a_lower_goal_than_what_is_there_completes_the_job(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost(good(4) | {"/4.jpg": DRIP}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(5))), maxImages=5)

        async def four() -> bool:
            return bool((await owner.job(job))["validImages"] == 4)

        await until(four)
        done = await owner.do(UPDATE, input={"id": job, "maxImages": 3, "name": "Fewer"})
        assert done["errors"] == []
        assert done["crawlJob"] == {"id": job, "name": "Fewer", "status": "COMPLETED", "maxImages": 3}
        await idle(host)
    assert await counted(db, job) == {"downloaded": 4, "pending": 1}
    assert (await owner.job(job))["activeChunks"] == 0


async def test_a_higher_goal_draws_more_and_an_ended_job_goes_on_by_retry(owner: Person) -> None:
    gate = asyncio.Event()
    async with MisbehavingHost(good(12) | {"/0.jpg": held(gate, image(jpeg(seed=0)))}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(12))), maxImages=3)
        await under_way(host)
        assert (await owner.do(UPDATE, input={"id": job, "maxImages": 6}))["errors"] == []
        gate.set()
        assert (await owner.ended(job))["validImages"] == 6
        await owner.do(UPDATE, input={"id": job, "maxImages": 9})
        await act(owner, "retryCrawlJob", job)
        assert (await owner.ended(job))["validImages"] == 9


async def test_deleting_a_running_job_ends_its_work_and_all_its_rows(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost({f"/{number}.jpg": DRIP for number in range(8)}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(8))))
        await under_way(host, 8)
        started = time.monotonic()
        deleted = await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)
        assert deleted == {"deletedId": job, "errors": []}
        await idle(host)
        assert time.monotonic() - started < 2
        assert await db.fetchval("select count(*) from images") == 0
        assert (await refusal(owner, verb("deleteCrawlJob", "deletedId"), id=job))["code"] == "NOT_FOUND"


async def test_deleting_a_project_ends_the_work_of_its_jobs(owner: Person, db: asyncpg.Connection) -> None:
    project = await owner.project()
    async with MisbehavingHost({"/0.jpg": DRIP}) as host, running_worker():
        await owner.crawl(projectId=project, sources=entries(*urls(host, 0)))
        await under_way(host)
        assert (await owner.do(verb("deleteProject", "deletedId"), id=project))["deletedId"] == project
        await idle(host)
    assert await db.fetchval("select count(*) from crawl_jobs") == 0
