"""The failure ledger: why each address failed, counted, found, and as a file."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import aiohttp
import asyncpg

from tests.support.asking import at, exported, key_of, verb
from tests.support.failing import FAILURES, NOWHERE, Crawled
from tests.support.service import Person, entries

LINK = "query($id: ID!, $format: FailuresFormat!) { crawlJob(id: $id) { failuresUrl(format: $format) } }"
FETCHES = """query($id: ID!, $filter: ImageFilter) { crawlJob(id: $id) { images(first: 100, filter: $filter) { nodes {
  originalUrl fetch { host attempts httpStatus finalUrl etag lastModified retryable } } } } }"""


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
