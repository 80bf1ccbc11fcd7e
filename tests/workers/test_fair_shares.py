"""Users share workers: a million URLs of one, or many jobs of one, do not keep another's hundred waiting."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import asyncpg

from app.jobs.ring import Seat
from app.jobs.turns import next_chunk, next_dataset, next_discovery
from app.queue import Export
from tests.chaos import site
from tests.chaos.losses import worker_environment
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import EXPORT, act, good, key_of, urls
from tests.support.fleet import fleet
from tests.support.service import Person, entries, running_worker, until

SLOW_S = (0.01, 0.04)
LARGE = 800
SMALL = 100
PLACES = {"PIXCRAWLER_WORKER_CHUNKS": "2", "PIXCRAWLER_HOST_CONNECTIONS": "16"}
FINAL = "select coalesce(sum((options->>'final')::int), 0) from crawl_jobs where id = any($1)"
DRAWS = 200


async def test_a_late_small_job_of_another_user_is_done_long_before_the_large_ones(
    db: asyncpg.Connection, owner: Person, stranger: Person, tmp_path: Path
) -> None:
    async with site.serve(SLOW_S) as host:
        listed = host.urls(3 * LARGE + 8 * SMALL + SMALL)
        with fleet(2, worker_environment() | PLACES, tmp_path / "log"):
            parts = [listed[n * LARGE : (n + 1) * LARGE] for n in range(3)]
            parts += [listed[3 * LARGE + n * SMALL : 3 * LARGE + (n + 1) * SMALL] for n in range(8)]
            theirs = [await owner.crawl(sources=entries(*part), maxImages=len(part), chunkSize=100) for part in parts]
            keys = [key_of(job) for job in theirs]

            async def well_under_way() -> bool:
                return bool(await db.fetchval(FINAL, keys) > 100)

            await until(well_under_way)
            before = host.asked
            mine = await stranger.crawl(sources=entries(*listed[-SMALL:]), maxImages=SMALL, chunkSize=50)
            await stranger.ended(mine)
            meanwhile = host.asked - before - SMALL
            # Each of the two workers has two places of the other user's, and one for whoever has none. Of 3,200 of the
            # other's 450 to 920 come first: some for each second in which the place for newcomers does not look.
            assert meanwhile < 12 * SMALL, f"{meanwhile} images of another user came before {SMALL} of this one"
            for job in theirs[:3]:
                await act(owner, "cancelCrawlJob", job)


async def test_between_users_with_nothing_under_way_chance_decides_however_many_jobs_they_have(
    db: asyncpg.Connection, owner: Person, stranger: Person
) -> None:
    async with MisbehavingHost(good(2)) as host, running_worker():
        many = [await owner.crawl(sources=entries(*urls(host, 0))) for _ in range(8)]
        one = await stranger.crawl(sources=entries(*urls(host, 1)))
        for job in many:
            await owner.ended(job)
        await stranger.ended(one)
    await db.execute("update images set status = 'pending'")
    await db.execute("update crawl_jobs set status = 'running', options = options || '{\"final\": 0}'")
    found = [await next_chunk(Seat(), {}, newcomers=False) for _ in range(DRAWS)]
    drawn = Counter(chunk.crawl_job_id for chunk in found if chunk)
    assert sum(drawn.values()) == DRAWS
    assert DRAWS / 4 < drawn[key_of(one)] < DRAWS * 3 / 4
    assert len(drawn) == 9


async def test_who_has_a_chunk_under_way_waits_for_who_has_none(
    db: asyncpg.Connection, owner: Person, stranger: Person
) -> None:
    async with MisbehavingHost(good(4)) as host, running_worker():
        busy = await owner.crawl(sources=entries(*urls(host, 0, 1)), chunkSize=1)
        idle = await stranger.crawl(sources=entries(*urls(host, 2, 3)), chunkSize=1)
        await owner.ended(busy)
        await stranger.ended(idle)
    await db.execute("update images set status = 'pending'")
    await db.execute("update crawl_jobs set status = 'running', options = options || '{\"final\": 0}'")
    held = """update crawl_jobs set leases = '{"1": {"task": "t", "worker": "w", "until": 9e9}}', active_chunks = 1
        where id = $1"""
    await db.execute(held, key_of(busy))
    # Nor do the hosts that a worker knows come before whose turn it is.
    for newcomers, seat in itertools.product((False, True), (Seat(), Seat(0, 2), Seat(1, 2))):
        chosen = await next_chunk(seat, {}, newcomers=newcomers)
        assert chosen is not None
        assert chosen.crawl_job_id == key_of(idle)
    await db.execute(held, key_of(idle))
    assert await next_chunk(Seat(), {}, newcomers=True) is None
    found = await next_chunk(Seat(), {}, newcomers=False)
    assert found is not None
    assert found.chunk == 2


async def test_a_discovery_of_a_user_for_whom_nobody_seeks_comes_first(
    db: asyncpg.Connection, owner: Person, stranger: Person
) -> None:
    seeking = [await owner.crawl(sources=entries("http://127.0.0.1:9/a.jpg")) for _ in range(3)]
    mine = await stranger.crawl(sources=entries("http://127.0.0.1:9/b.jpg"))
    await db.execute(
        """update crawl_jobs set status = 'running', options = options || '{"seeker": {"task": "t", "until": 9e9}}'
        where id = $1""",
        key_of(seeking[0]),
    )
    for newcomers in (False, True):
        found = await next_discovery(newcomers=newcomers)
        assert found is not None
        assert found.crawl_job_id == key_of(mine)


async def test_an_export_of_a_user_with_none_under_way_comes_first(
    db: asyncpg.Connection, owner: Person, stranger: Person
) -> None:
    async with MisbehavingHost(good(2)) as host, running_worker("crawl"):
        theirs = await owner.crawl(sources=entries(*urls(host, 0)))
        mine = await stranger.crawl(sources=entries(*urls(host, 1)))
        await owner.ended(theirs)
        await stranger.ended(mine)
    for who, job in [(owner, theirs)] * 5 + [(stranger, mine)]:
        made = await who.do(EXPORT, input={"crawlJobId": job})
        assert not made["errors"], made
    last = key_of(made["exportJob"]["id"])
    await db.execute(
        "update export_jobs set status = 'running', started_at = now() where id = (select min(id) from export_jobs)"
    )
    for newcomers in (False, True):
        assert await next_dataset(60, newcomers=newcomers) == Export(last)
    await db.execute("update export_jobs set status = 'running', started_at = now() where id = $1", last)
    assert await next_dataset(60, newcomers=True) is None
    assert isinstance(await next_dataset(60, newcomers=False), Export)
