"""What may be crawled again, by whom, and what becomes of what changes meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.jobs import chunk
from app.jobs.collect import collect
from app.jobs.crawl import ASKED_OPTIONS, unbegun
from app.jobs.results import record_results
from app.jobs.upload import key_of as upload_key
from app.storage import storage
from app.values import Fetch, Fetched, Lease
from tests.stand_ins.changing import ChangingHost
from tests.support.asking import ERRORS, act, at, key_of, refusal, verb
from tests.support.configured import configured
from tests.support.recrawling import AGAIN, DIFFERENCE, GONE, again, begun_again, compared, counts, crawled, tagged
from tests.support.service import Person, entries, person, running_worker

HELD = {"sources": entries("http://127.0.0.1:9/a.jpg"), "start": False}
ASKED = """query($id: ID!) { crawlJob(id: $id) { name keywords maxImages chunkSize status errorMessage
  project { id } terms { keyword term by } sources { name options } } }"""


async def cancelled(owner: Person, **given: Any) -> str:
    """An ended job that has never begun."""
    job = await owner.crawl(**(HELD | given))
    await act(owner, "cancelCrawlJob", job)
    return job


async def test_the_new_job_asks_what_the_former_one_asked(owner: Person) -> None:
    sources = [{"openverse": {"license": ["by"], "minWidth": 300}}, *HELD["sources"]]  # type: ignore[misc]
    expansion = {"plurals": True, "synonyms": [{"keyword": "cat", "synonyms": ["kitty"]}]}
    given = {"name": "Cats", "keywords": ["cat", "dog"], "maxImages": 70, "chunkSize": 9, "expansion": expansion}
    former = await cancelled(owner, sources=sources, **given)
    asked = (await owner.get(ASKED, id=former))["crawlJob"]
    made = await owner.do(AGAIN, input={"id": former})
    assert made["errors"] == []
    job = made["crawlJob"]["id"]
    assert job != former
    told = (await owner.get(ASKED, id=job))["crawlJob"]
    assert told | {"status": None} == asked | {"status": None}
    assert made["crawlJob"]["status"] in ("PENDING", "RUNNING")
    assert (await owner.get(DIFFERENCE, id=job))["crawlJob"]["recrawlOf"] == {"id": former}
    assert (await owner.get(DIFFERENCE, id=former))["crawlJob"] == {"recrawlOf": None, "difference": None}


async def test_each_option_of_a_job_is_either_asked_or_begun_anew(owner: Person, db: asyncpg.Connection) -> None:
    """One that is neither would be lost by a re-crawl, or tell of how far the former job came."""
    former = await cancelled(owner)
    job = await begun_again(owner, former)
    keys = {
        key: {
            row[0]
            for row in await db.fetch("select jsonb_object_keys(options) from crawl_jobs where id = $1", key_of(key))
        }
        for key in (former, job)
    }
    assert keys[former] == {*ASKED_OPTIONS, *unbegun(1, held=True)}
    assert keys[job] == keys[former] | {"recrawl_of", "recrawl_stored"}


async def test_it_is_called_like_the_former_one_unless_told(owner: Person) -> None:
    former = await cancelled(owner, name="Cats")
    names = [(await owner.do(AGAIN, input={"id": former, **told}))["crawlJob"]["name"] for told in ({}, {"name": "B"})]
    assert names == ["Cats", "B"]


@pytest.mark.parametrize(("given", "path"), [({"name": ""}, "name"), ({"name": "x" * 101}, "name"),
                                             ({"idempotencyKey": "x" * 101}, "idempotencyKey")])  # fmt: skip
async def test_what_is_too_long_is_refused_with_its_field(owner: Person, given: dict[str, str], path: str) -> None:
    error = await refusal(owner, AGAIN, input={"id": await cancelled(owner), **given})
    assert (error["code"], error["path"], error["limit"]) == ("INVALID", ["input", path], "100")


async def test_only_a_job_that_has_ended_is_crawled_again(owner: Person) -> None:
    job = await owner.crawl(**HELD)
    error = await refusal(owner, AGAIN, input={"id": job})
    assert (error["code"], error["path"], error["actual"]) == ("ILLEGAL_TRANSITION", ["input", "id"], "PENDING")
    assert error["allowed"] == ["COMPLETED", "FAILED", "CANCELLED"]


async def test_what_is_missing_or_anothers_is_answered_alike(owner: Person, stranger: Person, api: str) -> None:
    job = await cancelled(owner)
    for key in (job, "CrawlJob:2147483647", "Project:1", "x"):
        error = await refusal(stranger, AGAIN, input={"id": key})
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "id"])
    async with person(api, "admin") as admin:
        made = await admin.do(AGAIN, input={"id": job})
    assert (await owner.get(ASKED, id=made["crawlJob"]["id"]))["crawlJob"]["name"] == "Job"


async def test_an_archived_project_takes_no_re_crawl(owner: Person) -> None:
    project = await owner.project()
    job = await cancelled(owner, projectId=project)
    await owner.do(verb("archiveProject", "project { id }"), id=project)
    error = await refusal(owner, AGAIN, input={"id": job})
    assert (error["code"], error["path"], error["actual"]) == ("ILLEGAL_TRANSITION", ["input", "id"], "ARCHIVED")


async def test_the_same_idempotency_key_gives_the_same_job_once(owner: Person, db: asyncpg.Connection) -> None:
    job = await cancelled(owner)
    made = await asyncio.gather(*(begun_again(owner, job, idempotencyKey="weekly") for _ in range(10)))
    assert len(set(made)) == 1
    assert await db.fetchval("select count(*) from crawl_jobs") == 2
    lines = await db.fetch("select metadata_->>'recrawl_of' from activity_logs where action = 'crawl_job.created'")
    assert [line[0] for line in lines if line[0]] == [str(key_of(job))]
    assert await begun_again(owner, job) not in made


async def test_a_source_that_cannot_be_used_any_more_is_named(owner: Person) -> None:
    with configured(PIXCRAWLER_BRAVE_KEY="key"):
        job = await cancelled(owner, sources=[{"brave": {}}], keywords=["cat"])
    error = await refusal(owner, AGAIN, input={"id": job})
    assert (error["code"], error["path"]) == ("SOURCE_UNAVAILABLE", ["input", "id"])
    assert "PIXCRAWLER_BRAVE_KEY" in error["message"]


async def test_an_uploaded_list_serves_again_and_stays_while_a_job_names_it(
    owner: Person, db: asyncpg.Connection
) -> None:
    made = await owner.do(
        f'mutation {{ createUrlListUpload(input: {{filename: "a.txt"}}) {{ uploadId uploadUrl {ERRORS} }} }}'
    )
    async with ChangingHost(tagged(0, 1)) as host, running_worker():
        listed = "\n".join(host.url(path) for path in host.files).encode()
        async with owner.session.put(at(owner.url, made["uploadUrl"]), data=listed) as response:
            assert response.status == 200
        former = await owner.crawl(sources=[{"urlList": {"uploadId": made["uploadId"]}}])
        await owner.ended(former)
        host.forget()
        job = await again(owner, former)
        assert not host.bodies
        assert await compared(owner, job) == counts(unchanged=2)
    await owner.do(verb("deleteCrawlJob", "deletedId"), id=former)
    await collect_now()
    assert await storage().exists(upload_key(made["uploadId"]))
    await storage().delete([upload_key(made["uploadId"])])
    error = await refusal(owner, AGAIN, input={"id": job})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "id"])


async def collect_now() -> None:
    await collect(storage(), datetime.now(UTC) + timedelta(hours=1))


async def test_a_former_row_that_is_deleted_before_its_answer_is_recorded_is_fetched_again(
    owner: Person, db: asyncpg.Connection
) -> None:
    """The bytes of a former row may be collected once it is gone: a row that named them would name nothing."""
    async with ChangingHost(tagged(0)) as host:
        async with running_worker():
            former = await crawled(owner, host)
        job = await begun_again(owner, former)
        async with running_worker("crawl"):
            await owner.ended(job)
        assert host.unchanged == {"/0.jpg": 1}
        # The moment again between the answer and its record: the row waits, and what was heard is brought late.
        await db.execute("update images set status = 'pending', storage_url = null, sha256 = null"
                         " where crawl_job_id = $1", key_of(job))  # fmt: skip
        await db.execute(
            "update crawl_jobs set status = 'running', valid_images = 0, downloaded_images = 0, completed_chunks = 0,"
            " options = options || '{\"final\": 0}' where id = $1",
            key_of(job),
        )
        lease = Lease(key_of(job), 1, "late")
        assert await chunk.claim(lease, "test", 60.0)
        (row,) = await chunk.pending_rows(lease)
        known = row.former
        assert known is not None
        assert known.etag == '"0"'
        heard = Fetched(row.image_id, row.url, known.sha256, known.file_size, known.measures, known.storage_key,
                        Fetch(), known.image_id, known.sha256)  # fmt: skip
        await owner.do(verb("deleteCrawlJob", "deletedId"), id=former)
        recorded = await record_results(lease, [heard])
        assert recorded is not None
        assert recorded.reasons == ()
        await chunk.give_back(lease)
        host.forget()
        async with running_worker():
            await owner.ended(job)
    assert host.bodies == {"/0.jpg": 1}
    assert await compared(owner, job) == counts(new=1, gone=None, undecided=None)


async def test_nobody_learns_from_anothers_job_what_is_gone_in_it(
    owner: Person, stranger: Person, db: asyncpg.Connection
) -> None:
    async with ChangingHost(tagged(0)) as host, running_worker():
        theirs = await crawled(stranger, host)
        former = await crawled(owner, host)
        host.files.clear()
        job = await again(owner, former)
    assert await compared(owner, job) == counts(gone=1)
    assert (await owner.get(GONE, **{"id": former, "in": job}))["crawlJob"]["images"]["totalCount"] == 1
    for listed, other in ((theirs, job), (theirs, "x"), (theirs, theirs)):
        found = (await stranger.get(GONE, **{"id": listed, "in": other}))["crawlJob"]["images"]
        assert found == {"totalCount": 0, "nodes": []}


async def test_a_job_of_anothers_that_is_named_as_the_former_one_is_not_shown(
    owner: Person, stranger: Person, db: asyncpg.Connection
) -> None:
    """Only plain SQL could name it so: `options` are no foreign key."""
    async with ChangingHost(tagged(0)) as host, running_worker():
        theirs = await crawled(stranger, host)
        job = await again(owner, await crawled(owner, host))
    named = "update crawl_jobs set options = options || jsonb_build_object('recrawl_of', $2::int) where id = $1"
    await db.execute(named, key_of(job), key_of(theirs))
    assert (await owner.get(DIFFERENCE, id=job))["crawlJob"]["recrawlOf"] is None
    found = (await stranger.get(GONE, **{"id": theirs, "in": job}))["crawlJob"]["images"]
    assert found == {"totalCount": 0, "nodes": []}


async def test_while_it_runs_what_is_not_fetched_yet_is_undecided(owner: Person, db: asyncpg.Connection) -> None:
    async with ChangingHost(tagged(0, 1)) as host:
        async with running_worker():
            former = await crawled(owner, host)
        job = await begun_again(owner, former)
        assert await compared(owner, job) == counts(undecided=2)
        async with running_worker():
            await owner.ended(job)
    assert await compared(owner, job) == counts(unchanged=2)
