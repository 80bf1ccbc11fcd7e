"""The failure ledger: why each address failed, counted, as a file, and tried again for chosen reasons only."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from app.fetching.download import Downloader
from app.jobs import reviving
from tests.stand_ins.misbehaving import Behavior, MisbehavingHost, held, image, redirect, reset, status
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS, act, at, counted, exported, good, key_of, refusal, urls, verb
from tests.support.service import Person, entries, running_worker, until

FAILURES = """query($id: ID!, $first: Int! = 25) { crawlJob(id: $id) { failures(first: $first) { total retryable
  byReason { code message count retryable statuses { httpStatus count } }
  byHost { host count retryable byReason { code count } } otherHosts { hosts count } } } }"""
LINK = "query($id: ID!, $format: FailuresFormat!) { crawlJob(id: $id) { failuresUrl(format: $format) } }"
FETCHES = """query($id: ID!, $filter: ImageFilter) { crawlJob(id: $id) { images(first: 100, filter: $filter) { nodes {
  originalUrl fetch { host attempts httpStatus finalUrl etag lastModified retryable } } } } }"""
RETRY = f"""mutation($id: ID!, $reasons: [String!], $hosts: [String!], $retryable: Boolean! = false) {{
  retryCrawlJob(id: $id, reasons: $reasons, hosts: $hosts, retryable: $retryable) {{
    crawlJob {{ id status progress }} {ERRORS} }} }}"""
UPDATE = f"mutation($id: ID!, $most: Int!) {{ updateCrawlJob(input: {{id: $id, maxImages: $most}}) {{ {ERRORS} }} }}"

PAGE = image(b"<html>no</html>", kind="text/html")
FAULTS: dict[str, Behavior] = {
    "/missing.jpg": status(404),
    "/gone.jpg": status(410),
    "/missing-too.jpg": status(404),
    "/page.jpg": PAGE,
    "/moved.jpg": redirect("/page.jpg"),
    "/reserved.jpg": image(jpeg(seed=90), "X-Robots-Tag: noai"),
    "/broken.jpg": reset,
    "/busy.jpg": status(503),
}
NOWHERE = "=cmd://nowhere"


class Crawled:
    """A crawl of eleven addresses at 127.0.0.1, one at localhost and one at no host, that has ended."""

    def __init__(self, who: Person, host: MisbehavingHost, job: str) -> None:
        self.who, self.host, self.job = who, host, job

    async def failures(self, **variables: Any) -> dict[str, Any]:
        return dict((await self.who.get(FAILURES, id=self.job, **variables))["crawlJob"]["failures"])

    async def retried(self, **choice: Any) -> dict[str, Any]:
        """The job at its next end, after a retry that must not be refused."""
        done = await self.who.do(RETRY, id=self.job, **choice)
        assert done["errors"] == []
        assert done["crawlJob"]["status"] == "RUNNING"
        return await self.who.ended(self.job)

    async def refused(self, **choice: Any) -> dict[str, Any]:
        return await refusal(self.who, RETRY, id=self.job, **choice)


@pytest_asyncio.fixture
async def crawled(owner: Person, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crawled]:
    monkeypatch.setattr(Downloader, "_wait_s", lambda *_: 0.01)  # a second attempt does not wait
    async with MisbehavingHost(good(3) | FAULTS) as host, running_worker():
        listed = [
            *urls(host, 0, 1, 2),
            *(host.url(path) for path in FAULTS),
            f"http://LOCALHOST:{host.port}/other.jpg",
            NOWHERE,
        ]
        job = await owner.crawl(sources=entries(*listed, keyword="cat, fat"), chunkSize=4)
        ended = await owner.ended(job)
        assert ended == ended | {"status": "COMPLETED", "validImages": 3, "totalImages": 13}
        yield Crawled(owner, host, job)


async def test_failures_are_counted_by_reason_and_by_host(crawled: Crawled) -> None:
    found = await crawled.failures()
    assert (found["total"], found["retryable"]) == (10, 2)
    assert [(one["code"], one["count"], one["retryable"]) for one in found["byReason"]] == [
        ("http_status", 5, 1),
        ("not_an_image", 2, 0),
        ("bad_url", 1, 0),
        ("connect_failed", 1, 1),
        ("opt_out", 1, 0),
    ]
    assert all(one["message"].endswith(".") for one in found["byReason"])
    assert [one["statuses"] for one in found["byReason"]] == [
        [{"httpStatus": 404, "count": 3}, {"httpStatus": 410, "count": 1}, {"httpStatus": 503, "count": 1}],
        *([[]] * 4),
    ]
    first, *others = found["byHost"]
    assert (first["host"], first["count"], first["retryable"]) == ("127.0.0.1", 8, 2)
    assert first["byReason"][:2] == [{"code": "http_status", "count": 4}, {"code": "not_an_image", "count": 2}]
    assert [(one["host"], one["count"]) for one in others] == [(None, 1), ("localhost", 1)]
    assert found["otherHosts"] == {"hosts": 0, "count": 0}


async def test_hosts_beyond_the_first_are_counted_together(crawled: Crawled) -> None:
    found = await crawled.failures(first=1)
    assert [one["host"] for one in found["byHost"]] == ["127.0.0.1"]
    assert found["otherHosts"] == {"hosts": 2, "count": 2}
    for first in (0, 101):
        (error,) = (await crawled.who.ask(FAILURES, id=crawled.job, first=first))["errors"]
        assert error["extensions"]["code"] == "INVALID"
        assert error["extensions"]["limit"] == "100"


async def test_images_are_found_by_reason_host_and_status_and_tell_how_their_fetch_went(crawled: Crawled) -> None:
    async def fetches(**filters: Any) -> dict[str, Any]:
        nodes = (await crawled.who.get(FETCHES, id=crawled.job, filter=filters))["crawlJob"]["images"]["nodes"]
        return {one["originalUrl"].rpartition("/")[2]: one["fetch"] for one in nodes}

    assert set(await fetches(httpStatus=[404])) == {"missing.jpg", "missing-too.jpg", "other.jpg"}
    assert set(await fetches(issue=["http_status"], httpStatus=[410, 503])) == {"gone.jpg", "busy.jpg"}
    assert set(await fetches(host=["LocalHost"])) == {"other.jpg"}
    assert set(await fetches(host=["127.0.0.1"], status=["DOWNLOADED"])) == {"0.jpg", "1.jpg", "2.jpg"}
    moved = (await fetches(issue=["not_an_image"]))["moved.jpg"]
    assert moved == {
        "host": "127.0.0.1", "attempts": 1, "httpStatus": 200, "finalUrl": crawled.host.url("/page.jpg"),
        "etag": None, "lastModified": None, "retryable": False,
    }  # fmt: skip
    busy = (await fetches(httpStatus=[503]))["busy.jpg"]
    assert (busy["attempts"], busy["retryable"]) == (3, True)
    (nowhere,) = (await fetches(issue=["bad_url"])).values()
    assert (nowhere["host"], nowhere["httpStatus"]) == (None, None)


async def test_the_ledger_is_a_file_with_a_line_for_each_failure(crawled: Crawled) -> None:
    who, job = crawled.who, crawled.job
    link = at(who.url, (await who.get(LINK, id=job, format="CSV"))["crawlJob"]["failuresUrl"])
    async with aiohttp.ClientSession() as stranger:  # the link needs no token
        async with stranger.get(link) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
            name = f"crawl-job-{key_of(job)}-failures.csv"
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
            assert answer.headers["Cache-Control"] == "no-store"
            text = await answer.text()
        async with stranger.head(link) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
    rows = {row["url"].rpartition("/")[2]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert len(rows) == 10
    missing = rows["missing.jpg"]
    assert missing.pop("at")
    assert missing == {
        "url": crawled.host.url("/missing.jpg"), "host": "127.0.0.1", "keyword": "cat, fat", "source": "url_list",
        "reason": "http_status", "message": "The host answered 404 Status", "measured": "404", "allowed": "",
        "attempts": "1", "http_status": "404", "final_url": "", "retryable": "false",
    }  # fmt: skip
    assert rows["nowhere"]["url"] == f"'{NOWHERE}"
    assert rows["moved.jpg"]["final_url"] == crawled.host.url("/page.jpg")

    link = at(who.url, (await who.get(LINK, id=job, format="JSONL"))["crawlJob"]["failuresUrl"])
    async with who.session.get(link) as answer:
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in (await answer.text()).splitlines()]
    assert [line["reason"] for line in lines] == [row["reason"] for row in rows.values()]
    assert [line["url"] for line in lines][-1] == NOWHERE


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


async def test_the_ledger_of_a_large_job_is_whole_and_in_order(owner: Person, db: asyncpg.Connection) -> None:
    job = await owner.crawl(sources=entries(NOWHERE), start=False)
    await db.execute(
        "insert into images (crawl_job_id, original_url, filename, status, chunk, issues)"
        " select $1, 'https://a.example/' || n, n, case when n % 3 = 0 then 'pending' else 'failed' end, 0,"
        ' \'[{"code": "timeout", "message": "Late."}]\' from generate_series(1, 3600) n',
        key_of(job),
    )
    link = at(owner.url, (await owner.get(LINK, id=job, format="CSV"))["crawlJob"]["failuresUrl"])
    async with owner.session.get(link) as answer:
        found = [row["url"] for row in csv.DictReader(io.StringIO(await answer.text(), newline=""))]
    assert found == [f"https://a.example/{n}" for n in range(1, 3601) if n % 3]


async def test_a_ledger_is_given_to_whoever_has_the_jobs_own_link_and_to_no_one_else(
    owner: Person, stranger: Person
) -> None:
    job, other = [await owner.crawl(sources=entries(NOWHERE), start=False) for _ in range(2)]
    assert (await stranger.get(LINK, id=job, format="CSV"))["crawlJob"] is None
    link = at(owner.url, (await owner.get(LINK, id=job, format="CSV"))["crawlJob"]["failuresUrl"])
    for wrong in (
        link.replace(f"/{key_of(job)}.csv", f"/{key_of(other)}.csv"),
        link.replace(".csv", ".jsonl"),
        link.replace(".csv", ".xlsx"),
        link.partition("?")[0],
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        link.replace("expires=", "expires=9"),
    ):
        async with owner.session.get(wrong) as answer:
            assert answer.status == 403, wrong
    async with owner.session.put(link, data=b"mine") as answer:
        assert answer.status == 403
    async with owner.session.get(link) as answer:
        assert answer.status == 200
        assert len((await answer.text()).splitlines()) == 1  # nothing failed
    deleted = await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)
    assert deleted["errors"] == []
    async with owner.session.get(link) as answer:
        assert answer.status == 404


async def test_an_export_may_be_of_chosen_hosts(crawled: Crawled) -> None:
    chosen = await exported(crawled.who, crawled.job, filter={"host": ["127.0.0.1"], "httpStatus": [200]})
    assert chosen["exportedImages"] == 3
    chosen = await exported(crawled.who, crawled.job, filter={"host": ["a.example"]})
    assert chosen["exportedImages"] == 0
