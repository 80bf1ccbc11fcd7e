"""The same job run again: only what is new or changed is transferred, and the difference is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg

from app.jobs.collect import collect
from app.storage import storage
from tests.stand_ins.changing import ChangingHost, File
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS, EXPORT, act, counted, exported, images, key_of, refusal, verb
from tests.support.recrawling import DIFFERENCE, again, begun_again, compared, counts, crawled, differing, gone, tagged
from tests.support.service import Person, running_worker

UPDATE = f"mutation($input: UpdateCrawlJobInput!) {{ updateCrawlJob(input: $input) {{ {ERRORS} }} }}"
MONDAY, TUESDAY = "Mon, 23 Nov 2026 08:00:00 GMT", "Tue, 24 Nov 2026 08:00:00 GMT"


def page(*paths: str) -> str:
    return "<html><body>" + "".join(f'<img src="{path}" width="160" height="120">' for path in paths) + "</body></html>"


async def test_only_what_is_new_or_changed_is_sent_again_and_each_is_listed(
    owner: Person, db: asyncpg.Connection
) -> None:
    files = tagged(*range(6))
    async with ChangingHost(files, {"/page.html": page(*files)}) as host, running_worker():
        sources = [{"webPage": {"urls": [host.url("/page.html")]}}]
        former = await owner.crawl(sources=sources)
        assert (await owner.ended(former))["validImages"] == 6
        host.forget()

        host.files["/1.jpg"] = File(jpeg(seed=101), etag='"1, changed"')
        host.files |= tagged(6)
        del host.files["/2.jpg"]
        host.pages["/page.html"] = page("/0.jpg", "/1.jpg", "/2.jpg", "/4.jpg", "/5.jpg", "/6.jpg")
        job = await again(owner, former)

    assert host.bodies == {"/1.jpg": 1, "/6.jpg": 1}
    assert host.unchanged == {"/0.jpg": 1, "/4.jpg": 1, "/5.jpg": 1}
    assert (await owner.get(DIFFERENCE, id=job))["crawlJob"] == {
        "recrawlOf": {"id": former},
        "difference": counts(new=1, changed=1, unchanged=3, gone=2),
    }
    assert await differing(owner, job, "NEW") == ["6.jpg"]
    assert await differing(owner, job, "CHANGED", "UNCHANGED") == ["0.jpg", "1.jpg", "4.jpg", "5.jpg"]
    assert await differing(owner, job, "GONE") == ["2.jpg"]
    assert await gone(owner, former, job) == ["2.jpg", "3.jpg"]
    assert await counted(db, job) == {"downloaded": 5, "failed": 1}


async def test_servers_are_asked_by_what_they_gave_and_without_validators_everything_is_sent_again(
    owner: Person, db: asyncpg.Connection
) -> None:
    files = {
        "/tag.jpg": File(jpeg(seed=0), etag='"a"'),
        "/date.jpg": File(jpeg(seed=1), last_modified=MONDAY),
        "/both.jpg": File(jpeg(seed=2), etag='"c"', last_modified=MONDAY),
        "/weak.jpg": File(jpeg(seed=3), etag='W/"d"', last_modified=MONDAY),
        "/none.jpg": File(jpeg(seed=4)),
        "/touched.jpg": File(jpeg(seed=5), last_modified=MONDAY),
    }
    async with ChangingHost(files) as host, running_worker():
        former = await crawled(owner, host)
        host.files["/touched.jpg"].last_modified = TUESDAY
        job = await again(owner, former)
    assert sorted(host.asked) == [
        ("/both.jpg", '"c"', MONDAY),
        ("/date.jpg", None, MONDAY),
        ("/none.jpg", None, None),
        ("/tag.jpg", '"a"', None),
        ("/touched.jpg", None, MONDAY),
        ("/weak.jpg", None, None),
    ]
    assert host.bodies == {"/weak.jpg": 1, "/none.jpg": 1, "/touched.jpg": 1}
    # What was sent again and has the same bytes is unchanged too.
    assert await compared(owner, job) == counts(unchanged=6)


async def test_a_row_that_was_not_sent_again_has_all_that_the_former_one_had(
    owner: Person, db: asyncpg.Connection
) -> None:
    async with ChangingHost(tagged(0, 1)) as host, running_worker():
        former = await crawled(owner, host)
        job = await again(owner, former)
        dataset = await exported(owner, job)
    assert not host.bodies
    told = "original_url, filename, storage_url, width, height, file_size, format, status, sha256, phash, quality"
    was, now = [
        await db.fetch(f"select {told} from images where crawl_job_id = $1 order by original_url", key_of(one))
        for one in (former, job)
    ]
    assert now == was
    assert None not in {value for row in now for value in row}
    assert dataset["exportedImages"] == 2
    assert await db.fetchval("select options->>'bytes' from crawl_jobs where id = $1", key_of(job)) == "0"


async def test_a_re_crawl_of_a_re_crawl_asks_by_what_the_first_one_heard(owner: Person, db: asyncpg.Connection) -> None:
    async with ChangingHost(tagged(0, 1)) as host, running_worker():
        first = await crawled(owner, host)
        second = await again(owner, first)
        await owner.do(verb("deleteCrawlJob", "deletedId"), id=first)
        host.files["/1.jpg"] = File(jpeg(seed=101), etag='"changed"')
        third = await again(owner, second)
    assert (host.bodies, host.unchanged) == ({"/1.jpg": 1}, {"/0.jpg": 2, "/1.jpg": 1})
    assert await compared(owner, third) == counts(changed=1, unchanged=1)
    # The second's comparison stands, though what it was compared with is no more.
    found = (await owner.get(DIFFERENCE, id=second))["crawlJob"]
    assert found == {"recrawlOf": None, "difference": counts(unchanged=2, gone=None, undecided=None)}


async def test_what_was_deleted_before_it_was_asked_about_is_new(owner: Person, db: asyncpg.Connection) -> None:
    async with ChangingHost(tagged(0, 1)) as host:
        async with running_worker():
            former = await crawled(owner, host)
        job = await begun_again(owner, former)
        await owner.do(verb("deleteCrawlJob", "deletedId"), id=former)
        async with running_worker():
            assert (await owner.ended(job))["status"] == "COMPLETED"
    assert host.bodies == {"/0.jpg": 1, "/1.jpg": 1}
    assert await compared(owner, job) == counts(new=2, gone=None, undecided=None)


async def test_bytes_that_are_gone_from_storage_are_fetched_though_nothing_changed(
    owner: Person, db: asyncpg.Connection
) -> None:
    async with ChangingHost(tagged(20, 21)) as host, running_worker():
        former = await crawled(owner, host)
        lost = await db.fetchval("select storage_url from images where original_url like '%/21.jpg'")
        await storage().delete([lost])
        job = await again(owner, former)
    assert host.unchanged == {"/20.jpg": 1, "/21.jpg": 1}
    assert host.bodies == {"/21.jpg": 1}
    assert await storage().exists(lost)
    assert await compared(owner, job) == counts(unchanged=2)


async def test_shared_bytes_stay_as_long_as_either_job_names_them(owner: Person, db: asyncpg.Connection) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    async with ChangingHost(tagged(30, 31)) as host, running_worker():
        former = await crawled(owner, host)
        job = await again(owner, former)
    keys = {row[0] for row in await db.fetch("select distinct storage_url from images")}
    assert len(keys) == 2
    await owner.do(verb("deleteCrawlJob", "deletedId"), id=former)
    await collect(storage(), later)
    assert all([await storage().exists(key) for key in keys])
    await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)
    await collect(storage(), later)
    assert not any([await storage().exists(key) for key in keys])


async def test_opt_outs_are_looked_at_afresh(owner: Person, db: asyncpg.Connection) -> None:
    """A host that says "unchanged" may say in the same breath that it does not want this any more."""
    async with ChangingHost(
        tagged(0, 1, 2) | {"/3.jpg": File(jpeg(seed=3), '"3"', lines=("X-Robots-Tag: noai",))}
    ) as host:
        async with running_worker():
            former = await crawled(owner, host)
        assert await counted(db, former) == {"downloaded": 3, "failed": 1}
        host.files["/1.jpg"].lines = ("X-Robots-Tag: noai",)
        host.files["/3.jpg"].lines = ()
        host.pages["/robots.txt"] = "User-agent: *\nDisallow: /2.jpg\n"
        async with running_worker():
            job = await again(owner, former)
    assert host.unchanged == {"/0.jpg": 1, "/1.jpg": 1}
    assert host.bodies == {"/3.jpg": 1}
    assert "/2.jpg" not in {path for path, _, _ in host.asked}
    refused = {
        one["originalUrl"].rpartition("/")[2]: one["issues"] for one in await images(owner, job, status=["FAILED"])
    }
    assert {name: issues[0]["code"] for name, issues in refused.items()} == {"1.jpg": "opt_out", "2.jpg": "robots"}
    assert await compared(owner, job) == counts(new=1, unchanged=1, gone=2)
    assert await gone(owner, former, job) == ["1.jpg", "2.jpg"]


async def test_what_the_goal_left_out_is_not_called_gone(owner: Person, db: asyncpg.Connection) -> None:
    files = tagged(*range(4))
    async with ChangingHost(files) as host, running_worker():
        former = await crawled(owner, host)
        await owner.do(UPDATE, input={"id": former, "maxImages": 2})
        job = await again(owner, former)
    found = await compared(owner, job)
    assert found == counts(unchanged=2, undecided=2)
    assert await gone(owner, former, job) == []


async def test_only_the_difference_can_be_exported(owner: Person, db: asyncpg.Connection) -> None:
    async with ChangingHost(tagged(0, 1, 2)) as host, running_worker():
        former = await crawled(owner, host)
        host.files["/1.jpg"] = File(jpeg(seed=101), etag='"changed"')
        del host.files["/2.jpg"]
        job = await again(owner, former)
        assert (await exported(owner, job, filter={"difference": ["NEW", "CHANGED"]}))["exportedImages"] == 1
        assert (await exported(owner, former, filter={"goneIn": job}))["exportedImages"] == 1
        assert (await exported(owner, job, filter={"goneIn": job}))["exportedImages"] == 0
        error = await refusal(owner, EXPORT, input={"crawlJobId": job, "filter": {"goneIn": "x"}})
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "filter", "goneIn"])


async def test_a_retry_of_a_re_crawl_asks_by_conditions_too(owner: Person, db: asyncpg.Connection) -> None:
    async with ChangingHost(tagged(0, 1)) as host, running_worker():
        former = await crawled(owner, host)
        away = host.files.pop("/1.jpg")
        job = await again(owner, former)
        assert await compared(owner, job) == counts(unchanged=1, gone=1)
        host.files["/1.jpg"] = away
        await act(owner, "retryCrawlJob", job)
        await owner.ended(job)
    assert not host.bodies
    assert await compared(owner, job) == counts(unchanged=2)


async def test_duplicates_of_the_former_job_are_duplicates_again(owner: Person, db: asyncpg.Connection) -> None:
    files = tagged(0, 1) | {"/copy.jpg": File(jpeg(seed=0), etag='"copy"')}
    async with ChangingHost(files) as host, running_worker():
        former = await crawled(owner, host)
        job = await again(owner, former)
    assert not host.bodies
    assert await counted(db, job) == {"downloaded": 2, "duplicate": 1}
    assert await compared(owner, job) == counts(unchanged=3)
