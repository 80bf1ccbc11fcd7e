"""A worker that is told to end does so soon, whatever it is at, and hands that on: no lease has to run out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.settings import settings
from tests.chaos.losses import worker_environment
from tests.stand_ins import bucket_front
from tests.stand_ins.misbehaving import MisbehavingHost, held, image
from tests.stand_ins.pictures import jpeg
from tests.support.asking import EXPORT, EXPORTED, VALIDATE, VALIDATION, ended, good, key_of, urls
from tests.support.buckets import new_bucket, s3_server
from tests.support.fleet import Fleet, fleet
from tests.support.service import Person, entries, running_worker, until

LONG = worker_environment() | {"PIXCRAWLER_LEASE_S": "60"}
"""Longer than any of these tests: what is not handed on is not found again in time."""
SOON_S = 8.0


async def end(workers: Fleet) -> None:
    """SIGTERM to the one worker, which must have ended soon."""
    took_s = await asyncio.to_thread(workers.terminate, 0)
    assert took_s < SOON_S, took_s
    assert "Traceback" not in workers.log.read_text()


async def finished(
    who: Person, make: str, ask: str, kind: str, job: str, **given: Any
) -> tuple[str, asyncio.Task[dict[str, Any]]]:
    """A validation or export, made, and its end to be awaited."""
    made = await who.do(make, input={"crawlJobId": job, **given})
    assert not made["errors"], made
    key = str(made[kind]["id"])
    return key, asyncio.create_task(ended(who, ask, key))


async def crawled(who: Person, count: int) -> str:
    """A job of so many images, done by a worker of this process."""
    async with MisbehavingHost(good(count)) as host, running_worker():
        job = await who.crawl(sources=entries(*urls(host, *range(count))))
        await who.ended(job)
    return job


async def test_in_the_midst_of_a_discovery(owner: Person, db: asyncpg.Connection, tmp_path: Path) -> None:
    gate = asyncio.Event()
    behaviors = {"/page.html": held(gate, image(b"<img src=/0.jpg>", kind="text/html"))} | {"/0.jpg": image(jpeg())}
    async with MisbehavingHost(behaviors) as host:
        with fleet(1, LONG, tmp_path / "log") as workers:
            job = await owner.crawl(sources=[{"webPage": {"urls": [host.url("/page.html")]}}])

            async def asked() -> bool:
                return host.under_way == 1

            await until(asked)
            await end(workers)
            seeker = await db.fetchval("select options->'seeker' from crawl_jobs where id = $1", key_of(job))
            assert seeker == "null"
            gate.set()
            workers.start(1)
            found = await owner.ended(job)
    assert (found["status"], found["validImages"]) == ("COMPLETED", 1)


async def test_in_the_midst_of_a_validation(
    owner: Person, db: asyncpg.Connection, database: str, tmp_path: Path
) -> None:
    job = await crawled(owner, 3)
    key, ending = await finished(owner, VALIDATE, VALIDATION, "validationJob", job, rules={"minWidth": 1})
    other = await asyncpg.connect(database)
    async with other.transaction():
        # Whoever records verdicts locks this row first.
        await other.execute("select 1 from crawl_jobs where id = $1 for update", key_of(job))
        with fleet(1, LONG, tmp_path / "log") as workers:

            async def running() -> bool:
                return bool(await db.fetchval("select 1 from validation_jobs where status = 'running'"))

            await until(running)
            await end(workers)
    row = await db.fetchrow("select status, started_at from validation_jobs where id = $1", key_of(key))
    assert (row["status"], row["started_at"]) == ("running", None)
    await other.close()
    with fleet(1, LONG, tmp_path / "log"):
        found = await ending
    assert (found["status"], found["validatedImages"]) == ("COMPLETED", 3)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server's address."""
    with s3_server() as address:
        yield address


async def test_in_the_midst_of_an_export(
    owner: Person, db: asyncpg.Connection, endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with bucket_front.before(endpoint) as front:
        bucket = new_bucket(endpoint, monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.url)
        monkeypatch.setenv("STORAGE_URL", f"s3://{bucket}/data")
        settings.cache_clear()
        job = await crawled(owner, 3)
        front.delay_s, front.writes = 60.0, 0
        with fleet(1, LONG, tmp_path / "log") as workers:
            key, ending = await finished(owner, EXPORT, EXPORTED, "exportJob", job)

            async def writing() -> bool:
                return front.writes > 0

            await until(writing)
            await end(workers)
            row = await db.fetchrow("select status, started_at from export_jobs where id = $1", key_of(key))
            assert (row["status"], row["started_at"]) == ("running", None)
            front.delay_s = 0.0
            workers.start(1)
            found = await ending
        assert (found["status"], found["exportedImages"]) == ("COMPLETED", 3)
        monkeypatch.undo()
        settings.cache_clear()
