"""Failed images are tried again: all, or those of chosen reasons and hosts only."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from app.jobs import reviving
from tests.stand_ins.misbehaving import MisbehavingHost, held, image
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS, act, counted, good, key_of, refusal, urls
from tests.support.failing import FAILURES, FAULTS, RETRY, Crawled
from tests.support.service import Person, entries, running_worker, until

UPDATE = f"mutation($id: ID!, $most: Int!) {{ updateCrawlJob(input: {{id: $id, maxImages: $most}}) {{ {ERRORS} }} }}"


async def test_only_what_failed_by_what_may_be_over_is_tried_again(crawled: Crawled, db: asyncpg.Connection) -> None:
    crawled.host.behaviors |= {"/broken.jpg": image(jpeg(seed=91)), "/busy.jpg": image(jpeg(seed=92))}
    crawled.host.log.clear()
    ended = await crawled.retried(retryable=True)
    assert sorted(crawled.host.log) == ["/broken.jpg", "/busy.jpg"]
    assert ended == ended | {"status": "COMPLETED", "validImages": 5, "downloadedImages": 5, "totalImages": 13}
    assert ended["completedChunks"] == ended["totalChunks"] == 4
    assert await counted(db, crawled.job) == {"downloaded": 5, "failed": 8}
    found = await crawled.failures()
    assert (found["total"], found["retryable"]) == (8, 0)
    line = await db.fetchrow("select metadata_ from activity_logs where action = 'crawl_job.retried'")
    assert json.loads(line["metadata_"]) == {"retryable": True}


async def test_only_chosen_reasons_and_hosts_are_tried_again_and_others_keep_theirs(
    crawled: Crawled, db: asyncpg.Connection
) -> None:
    crawled.host.behaviors |= {path: image(jpeg(seed=93)) for path in ("/missing.jpg", "/page.jpg")}
    crawled.host.log.clear()
    ended = await crawled.retried(reasons=["http_status", "timeout"], hosts=["127.0.0.1", "other.example"])
    assert set(crawled.host.log) == {"/missing.jpg", "/missing-too.jpg", "/gone.jpg", "/busy.jpg"}
    assert ended == ended | {"status": "COMPLETED", "validImages": 4}
    assert await counted(db, crawled.job) == {"downloaded": 4, "failed": 9}
    final = await db.fetchval("select (options->>'final')::int from crawl_jobs where id = $1", key_of(crawled.job))
    assert final == 13
    reasons = {one["code"]: one["count"] for one in (await crawled.failures())["byReason"]}
    assert (reasons["http_status"], reasons["not_an_image"]) == (4, 2)
    crawled.host.log.clear()
    await crawled.retried(hosts=["LOCALHOST"])
    assert crawled.host.log == ["/other.jpg"]


async def test_a_choice_that_is_wrong_is_named_with_its_limit_and_changes_nothing(
    crawled: Crawled, db: asyncpg.Connection
) -> None:
    before = await counted(db, crawled.job)
    cases: list[tuple[dict[str, Any], list[str], str | None]] = [
        ({"reasons": ["http_status", "bad_luck"]}, ["reasons", "1"], None),
        ({"reasons": ["width"]}, ["reasons", "0"], None),  # validation's, and no failure
        ({"reasons": []}, ["reasons"], "1"),
        ({"hosts": []}, ["hosts"], "1"),
        ({"hosts": ["a.example"] * 101}, ["hosts"], "100"),
        ({"hosts": ["a" * 254]}, ["hosts", "0"], "253"),
        ({"hosts": ["a.example", " "]}, ["hosts", "1"], "253"),
        ({"hosts": ["never-asked.example"]}, ["hosts"], None),
        ({"reasons": ["timeout"]}, ["reasons"], None),
        ({"reasons": ["not_an_image"], "retryable": True}, ["reasons"], None),
    ]
    for choice, path, limit in cases:
        error = await crawled.refused(**choice)
        assert (error["code"], error["path"]) == ("INVALID", path), choice
        assert limit in (None, error["limit"]), choice
    assert "timeout" in (await crawled.refused(reasons=["bad_luck"]))["limit"]
    assert await counted(db, crawled.job) == before
    assert (await crawled.who.job(crawled.job))["status"] == "COMPLETED"


async def test_without_a_choice_all_that_failed_is_tried_again(crawled: Crawled) -> None:
    crawled.host.log.clear()
    await crawled.retried(reasons=None, hosts=None)
    assert set(crawled.host.log) == {*FAULTS, "/other.jpg"}
    assert (await crawled.failures())["total"] == 10


@pytest.mark.parametrize("choice", [{}, {"hosts": ["127.0.0.1"], "reasons": ["http_status", "not_an_image"]}])
async def test_a_retry_of_very_many_goes_on_in_parts_and_tries_each_once(
    crawled: Crawled, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, choice: dict[str, Any]
) -> None:
    monkeypatch.setattr(reviving, "BATCH_ROWS", 2)
    crawled.host.behaviors |= {"/missing.jpg": image(jpeg(seed=96)), "/reserved.jpg": image(jpeg(seed=97))}
    crawled.host.log.clear()
    ended = await crawled.retried(**choice)
    chosen = {*FAULTS, "/other.jpg"} - ({"/other.jpg", "/reserved.jpg", "/broken.jpg"} if choice else set())
    tried = [path for path in crawled.host.log if path not in ("/busy.jpg", "/broken.jpg", "/page.jpg")]
    assert sorted(tried) == sorted(chosen - {"/busy.jpg", "/broken.jpg", "/page.jpg"})
    assert set(crawled.host.log) == chosen
    stored = 4 if choice else 5
    assert await counted(db, crawled.job) == {"downloaded": stored, "failed": 13 - stored}
    assert ended == ended | {"status": "COMPLETED", "validImages": stored, "completedChunks": 4, "totalChunks": 4}
    options = json.loads(await db.fetchval("select options from crawl_jobs where id = $1", key_of(crawled.job)))
    assert (options["final"], "reviving" in options) == (13, False)


async def test_a_retry_that_is_cancelled_half_way_is_begun_anew_by_the_next(
    owner: Person, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviving, "BATCH_ROWS", 2)
    async with MisbehavingHost({}) as host:
        async with running_worker():
            job = await owner.crawl(sources=entries(*urls(host, *range(5))), chunkSize=2)
            await owner.ended(job)
        await act(owner, "retryCrawlJob", job)
        assert await counted(db, job) == {"failed": 3, "pending": 2}
        assert (await owner.job(job))["completedChunks"] == 2
        await act(owner, "cancelCrawlJob", job)
        assert await reviving.go_on() == 0
        host.behaviors |= good(5)
        done = await owner.do(RETRY, id=job, reasons=["http_status"])
        assert done["errors"] == []
        assert await counted(db, job) == {"failed": 1, "pending": 4}
        assert await reviving.go_on() == 1
        found = await owner.job(job)
        assert (found["status"], found["completedChunks"], found["totalChunks"]) == ("RUNNING", 0, 3)
        async with running_worker():
            ended = await owner.ended(job)
    assert ended == ended | {"status": "COMPLETED", "validImages": 5, "completedChunks": 3, "progress": 100}


async def test_of_two_retries_at_once_one_is_done(crawled: Crawled) -> None:
    ways: list[dict[str, Any]] = [{"retryable": True}, {"reasons": ["http_status"]}, {"hosts": ["127.0.0.1"]}, {}]
    done = await asyncio.gather(*(crawled.who.do(RETRY, id=crawled.job, **way) for way in ways))
    errors = [one["errors"][0] for one in done if one["errors"]]
    assert len(errors) == 3
    assert {(error["code"], error["actual"]) for error in errors} == {("ILLEGAL_TRANSITION", "RUNNING")}
    ended = await crawled.who.ended(crawled.job)
    assert ended == ended | {"status": "COMPLETED", "validImages": 3, "totalImages": 13}


async def test_a_job_that_has_its_images_is_retried_once_its_goal_is_higher(owner: Person) -> None:
    """A retry of a job whose goal is reached ended at once, and its failures were forgotten."""
    gate = asyncio.Event()
    behaviors = {path: held(gate, behavior) for path, behavior in good(2).items()}
    async with MisbehavingHost(behaviors | FAULTS) as host, running_worker():
        job = await owner.crawl(sources=entries(host.url("/missing.jpg"), *urls(host, 0, 1)), maxImages=2, chunkSize=1)

        async def failed() -> bool:
            return bool((await owner.get(FAILURES, id=job))["crawlJob"]["failures"]["total"])

        await until(failed)
        gate.set()
        assert (await owner.ended(job))["validImages"] == 2
        error = await refusal(owner, RETRY, id=job)
        assert (error["code"], error["limit"], error["actual"]) == ("ILLEGAL_TRANSITION", "2", "2")
        assert (await owner.get(FAILURES, id=job))["crawlJob"]["failures"]["total"] == 1
        assert (await owner.do(UPDATE, id=job, most=3))["errors"] == []
        host.behaviors["/missing.jpg"] = image(jpeg(seed=95))
        await act(owner, "retryCrawlJob", job)
        assert (await owner.ended(job))["validImages"] == 3
