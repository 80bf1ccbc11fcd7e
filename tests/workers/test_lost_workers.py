"""What is lost costs time and nothing else: workers that are killed or told to end, Redis and database that go away."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest_asyncio

from app import queue
from app.storage import storage
from tests.chaos import accounts, site
from tests.chaos.losses import Losses, worker_environment
from tests.stand_ins import cable
from tests.support.asking import exported
from tests.support.fleet import Fleet, fleet
from tests.support.service import Person, entries, until

AWAY_S = 2.0
"""Longer than what a client waits for Redis or the database before it gives up."""
SLOW_S = (0.05, 0.3)
UNDER_WAY = "select active_chunks, leases, status, (options->>'final')::int as final from crawl_jobs where id = $1"


@pytest_asyncio.fixture(autouse=True)
async def _empty_storage() -> None:
    """What other tests of this process stored must not be counted."""
    await storage().delete([one.key async for one in storage().list("images/")])


async def job_row(db: asyncpg.Connection, job: str) -> dict[str, Any]:
    """What a crawl job holds now."""
    row = dict(await db.fetchrow(UNDER_WAY, int(job.split(":")[1])))
    return row | {"leases": orjson.loads(row["leases"])}


def assert_nothing_unexpected(workers: Fleet) -> None:
    """What is lost is logged as a warning: nobody is needed."""
    said = workers.log.read_text()
    assert '"level":"error"' not in said
    assert "Traceback" not in said


async def wrong_lines(db: asyncpg.Connection, job: str, host: site.Site, count: int) -> list[accounts.Line]:
    """What does not agree in the books of a crawl that is over."""
    lines = await accounts.lines_of(db, int(job.split(":")[1]), host, count)
    return [line for line in lines if not line.ok]


async def test_killed_workers_and_an_emptied_redis_lose_nothing(
    db: asyncpg.Connection, owner: Person, tmp_path: Path
) -> None:
    count = 400
    with fleet(2, worker_environment(), tmp_path / "log") as workers:
        async with site.serve() as host:
            job = await owner.crawl(sources=entries(*host.urls(count)), maxImages=count, chunkSize=25)
            losses = Losses(workers, queue.redis().flushdb, kills=2, flushes=1)
            await losses.run(db, int(job.split(":")[1]), count, deadline_s=60)
            assert await wrong_lines(db, job, host, count) == []
    assert losses.held > 0


async def test_a_worker_that_is_told_to_end_hands_its_chunks_back(
    db: asyncpg.Connection, owner: Person, tmp_path: Path
) -> None:
    count = 160
    with fleet(1, worker_environment() | {"PIXCRAWLER_LEASE_S": "60"}, tmp_path / "log") as workers:
        async with site.serve(SLOW_S) as host:
            job = await owner.crawl(sources=entries(*host.urls(count)), maxImages=count, chunkSize=50)

            async def at_work() -> bool:
                row = await job_row(db, job)
                return bool(row["active_chunks"] > 0 and row["final"] > 0)

            await until(at_work)
            took_s = await asyncio.to_thread(workers.terminate, 0)
            row = await job_row(db, job)
            assert (row["leases"], row["active_chunks"], row["status"]) == ({}, 0, "running")
            assert row["final"] < count
            assert took_s < 6, took_s
            workers.start(1)
            await owner.ended(job)
            assert await wrong_lines(db, job, host, count) == []
    assert workers.said("lease_expired") == 0
    assert_nothing_unexpected(workers)


async def test_a_redis_that_is_away_costs_only_that_time(db: asyncpg.Connection, owner: Person, tmp_path: Path) -> None:
    count = 160
    async with cable.to_redis(os.environ["REDIS_URL"]) as (wire, url), site.serve(SLOW_S) as host:
        with fleet(1, worker_environment() | {"REDIS_URL": url}, tmp_path / "log") as workers:
            job = await owner.crawl(sources=entries(*host.urls(count)), maxImages=count, chunkSize=50)
            await until(lambda: _some_final(db, job))
            wire.cut()
            await asyncio.sleep(AWAY_S)
            wire.mend()
            await owner.ended(job)
            assert workers.processes[0].poll() is None
            assert await wrong_lines(db, job, host, count) == []
    assert_nothing_unexpected(workers)


async def test_work_that_is_made_while_redis_is_away_is_done_without_it(
    db: asyncpg.Connection, owner: Person, tmp_path: Path
) -> None:
    """Candidates are sought, images fetched, and the dataset exported: workers ask the database what is due."""
    count = 60
    async with cable.to_redis(os.environ["REDIS_URL"]) as (wire, url), site.serve(SLOW_S) as host:
        with fleet(1, worker_environment() | {"REDIS_URL": url}, tmp_path / "log") as workers:
            await until(lambda: _said(workers, "worker_started"))
            wire.cut()
            await queue.redis().flushdb()
            job = await owner.crawl(sources=entries(*host.urls(count)), maxImages=count, chunkSize=20)
            await owner.ended(job)
            assert (await exported(owner, job))["status"] == "COMPLETED"
            assert workers.processes[0].poll() is None
            assert await wrong_lines(db, job, host, count) == []
    assert_nothing_unexpected(workers)


async def test_a_database_that_is_away_costs_only_that_time(
    db: asyncpg.Connection, owner: Person, tmp_path: Path
) -> None:
    count = 160
    async with cable.to_database(os.environ["DATABASE_URL"]) as (wire, url), site.serve(SLOW_S) as host:
        with fleet(1, worker_environment() | {"DATABASE_URL": url}, tmp_path / "log") as workers:
            job = await owner.crawl(sources=entries(*host.urls(count)), maxImages=count, chunkSize=50)
            await until(lambda: _some_final(db, job))
            wire.cut()
            await asyncio.sleep(AWAY_S)
            wire.mend()
            await owner.ended(job)
            assert workers.processes[0].poll() is None
            assert await wrong_lines(db, job, host, count) == []
    assert_nothing_unexpected(workers)


async def _some_final(db: asyncpg.Connection, job: str) -> bool:
    return bool((await job_row(db, job))["final"] > 0)


async def _said(workers: Fleet, event: str) -> bool:
    return workers.said(event) > 0
