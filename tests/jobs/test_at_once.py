"""What several do to one job at the same moment: one of them after the other, and none of them fails."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from app.jobs import validation
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import VALIDATE, ended, good, key_of, urls, verb
from tests.support.asking import VALIDATION as ASK_VALIDATION
from tests.support.service import Person, entries, running_worker, until

LISTED = entries("http://127.0.0.1:9/a.jpg")
ROWS = """
insert into images (crawl_job_id, original_url, filename, status, chunk, width, height, file_size, format, sha256)
select $1, 'http://127.0.0.1/' || n, 'x', 'downloaded', 1, 100 + n % 50, 100, 1000, 'jpeg', sha256(n::text::bytea)
from generate_series(1, $2) n
"""


async def with_images(owner: Person, db: asyncpg.Connection, count: int) -> str:
    """A job that has ended with so many stored images."""
    job = await owner.crawl(sources=LISTED, start=False)
    await db.execute(ROWS, key_of(job), count)
    await db.execute(
        "update crawl_jobs set status = 'completed', total_images = $1, downloaded_images = $1, valid_images = $1",
        count,
    )
    return job


async def test_two_validations_at_once_leave_exact_counters(owner: Person, db: asyncpg.Connection) -> None:
    job = await with_images(owner, db, 400)
    made = [
        (await owner.do(VALIDATE, input={"crawlJobId": job, "rules": {"minWidth": least}}))["validationJob"]["id"]
        for least in (110, 140, 120, 130)
    ]
    async with running_worker():
        for key in made:
            assert (await ended(owner, ASK_VALIDATION, key))["status"] == "COMPLETED"
    usable = await db.fetchval("select count(*) from images where status in ('downloaded', 'valid')")
    assert await db.fetchval("select valid_images from crawl_jobs") == usable
    assert await db.fetchval("select count(*) from images where status = 'downloaded'") == 0


@pytest.mark.parametrize("name", ["deleteCrawlJob", "deleteProject"])
async def test_a_job_is_deleted_while_its_images_are_judged(
    owner: Person, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(validation, "BATCH_ROWS", 5)
    job = await with_images(owner, db, 2_000)
    await owner.do(VALIDATE, input={"crawlJobId": job, "rules": {"minWidth": 120}})
    key = job
    if name == "deleteProject":
        key = f"Project:{await db.fetchval('select id from projects')}"
    async with running_worker():

        async def some() -> Any:
            return await db.fetchval("select count(*) from images where status <> 'downloaded'")

        await until(some)
        assert await owner.do(verb(name, "deletedId"), id=key) == {"deletedId": key, "errors": []}
    assert await db.fetchval("select count(*) from validation_jobs") == 0


async def test_many_presses_of_every_button_at_once_are_done_or_refused_and_never_fail(
    owner: Person, db: asyncpg.Connection
) -> None:
    async with MisbehavingHost(good(20)) as host, running_worker():
        project = await owner.project()
        job = await owner.crawl(projectId=project, sources=entries(*urls(host, *range(20))), chunkSize=1)
        names = ("start", "pause", "resume", "cancel", "retry")

        async def press(number: int) -> Any:
            return await owner.do(verb(f"{names[number % 5]}CrawlJob"), id=job)

        answers = await asyncio.gather(*(press(number) for number in range(60)))
        codes = {error["code"] for answer in answers for error in answer["errors"]}
        assert codes <= {"ILLEGAL_TRANSITION"}
        done = sum(1 for answer in answers if not answer["errors"])
        lines = "select count(*) from activity_logs where action = any($1)"
        actions = [f"crawl_job.{verb}" for verb in ("paused", "resumed", "cancelled", "retried")]
        started = "select count(*) from activity_logs where action = 'crawl_job.started'"
        assert done - await db.fetchval(lines, actions) in (0, 1)
        assert await db.fetchval(started) <= 1
        await owner.do(verb("resumeCrawlJob"), id=job)
        await owner.do(verb("retryCrawlJob"), id=job)
        found = await owner.ended(job)
    assert found == found | {"status": "COMPLETED", "validImages": 20, "activeChunks": 0, "completedChunks": 20}


async def test_starting_and_deleting_the_project_at_once_never_fail(owner: Person, db: asyncpg.Connection) -> None:
    for _ in range(10):
        project = await owner.project()
        job = await owner.crawl(projectId=project, sources=LISTED, start=False)
        started, deleted = await asyncio.gather(
            owner.do(verb("startCrawlJob"), id=job), owner.do(verb("deleteProject", "deletedId"), id=project)
        )
        assert deleted["deletedId"] == project
        assert {error["code"] for error in started["errors"]} <= {"NOT_FOUND"}
    assert await db.fetchval("select count(*) from crawl_jobs") == 0
