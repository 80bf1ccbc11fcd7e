"""Where there is no room, or storage says no, jobs pause with the reason and no image is to blame; then they go on."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.errors import StorageRefused
from app.exports.spool import Spool
from app.fetching.pipeline import STORES_AT_ONCE
from app.settings import settings
from app.storage import RETRY, storage
from tests.stand_ins import bucket_front
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, act, at, counted, exported, good, urls
from tests.support.buckets import new_bucket, s3_server
from tests.support.service import Person, entries, person, running_api, running_worker, until

UPLOAD = f'mutation {{ createUrlListUpload(input: {{filename: "list.txt"}}) {{ uploadId uploadUrl {ERRORS} }} }}'
ROOM_BYTES = 2_048
"""Smaller than any picture here, and larger than what else this process writes into files meanwhile."""


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """Files of this process cannot grow beyond ROOM_BYTES: the kernel says so in the midst of writing."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM_BYTES, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@pytest_asyncio.fixture(autouse=True)
async def _empty_storage() -> None:
    """What other tests of this process stored must not be counted."""
    await storage().delete([one.key async for one in storage().list("images/")])


async def paused(who: Person, job: str) -> dict[str, Any]:
    """The job once it has paused."""

    async def is_paused() -> dict[str, Any] | None:
        found = await who.job(job)
        return found if found["status"] == "PAUSED" else None

    return dict(await until(is_paused))


def files_left(folder: str = "") -> list[Path]:
    """Every file in the storage folder, half ones included."""
    root = storage().folder
    assert root is not None
    return [path for path in (root / folder).rglob("*") if path.is_file()]


async def goes_on(who: Person, db: asyncpg.Connection, job: str, count: int) -> None:
    """Resumed, the job completes with every image."""
    assert set(await counted(db, job)) <= {"pending", "downloaded"}
    await act(who, "resumeCrawlJob", job)
    found = await who.ended(job)
    assert (found["status"], found["validImages"], found["errorMessage"]) == ("COMPLETED", count, None)
    assert found["activeChunks"] == 0


async def test_a_full_disk_pauses_the_job_and_leaves_no_half_file(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost(good(12)) as host, running_worker():
        with no_room():
            job = await owner.crawl(sources=entries(*urls(host, *range(12))), chunkSize=4)
            found = await paused(owner, job)
            assert "Storage is full" in found["errorMessage"]
            assert files_left("images") == []
            assert await counted(db, job) == {"pending": 12}
        await goes_on(owner, db, job, 12)


async def test_an_export_without_room_fails_with_the_reason_and_leaves_no_half_file(
    owner: Person, db: asyncpg.Connection
) -> None:
    before = files_left("exports")  # other tests of this process export, too
    async with MisbehavingHost(good(6)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(6))))
        await owner.ended(job)
        with no_room():
            failed = await exported(owner, job)
        assert failed["status"] == "FAILED"
        assert "Storage is full" in failed["errorMessage"]
        assert files_left("exports") == before
        assert (await exported(owner, job))["status"] == "COMPLETED"


def test_an_exports_spool_without_room_says_so() -> None:
    spool = Spool(in_memory_bytes=10)
    spool.append(b"small")
    with no_room(), pytest.raises(StorageRefused, match="No temporary space"):
        spool.append(b"x" * 100_000)
    spool.close()


async def test_an_upload_without_room_is_refused_and_leaves_nothing(owner: Person) -> None:
    made = await owner.do(UPLOAD)
    before = files_left("uploads")  # other tests of this process upload, too
    listed = b"http://example.org/a.jpg\n" * 1_000
    with no_room():
        async with owner.session.put(at(owner.url, made["uploadUrl"]), data=listed) as response:
            assert response.status == 507
            (error,) = (await response.json())["errors"]
    assert "Storage is full" in error["message"]
    assert files_left("uploads") == before
    async with owner.session.put(at(owner.url, made["uploadUrl"]), data=listed) as response:
        assert response.status == 200


FULL = """
create function no_space() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
create trigger no_space before {event} on images for each row execute function no_space();
"""


@contextlib.asynccontextmanager
async def _full_database(db: asyncpg.Connection, event: str) -> Any:
    await db.execute(FULL.format(event=event))
    try:
        yield
    finally:
        await db.execute("drop function no_space cascade")


@pytest.mark.parametrize("event", ["update", "insert"])
async def test_a_full_database_pauses_the_job_too(owner: Person, db: asyncpg.Connection, event: str) -> None:
    """While results are recorded, and while candidates are."""
    async with MisbehavingHost(good(6)) as host, running_worker():
        async with _full_database(db, event):
            job = await owner.crawl(sources=entries(*urls(host, *range(6))), chunkSize=2)
            assert "The database has no space left" in (await paused(owner, job))["errorMessage"]
        await goes_on(owner, db, job, 6)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server's address."""
    with s3_server() as address:
        yield address


@pytest_asyncio.fixture
async def front(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[bucket_front.Front]:
    """What stands before this test's bucket, which is this process's storage."""
    monkeypatch.setattr("app.storage.PATIENT", RETRY)
    async with bucket_front.before(endpoint) as found:
        bucket = new_bucket(endpoint, monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
        monkeypatch.setenv("STORAGE_URL", f"s3://{bucket}/data")
        settings.cache_clear()
        yield found
        monkeypatch.undo()
        settings.cache_clear()


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "the necessary privileges"), (503, "503 Service Unavailable"), (507, "Storage is full")],
    ids=["forbidden", "unavailable", "full"],
)
async def test_a_bucket_that_refuses_pauses_the_job_and_fails_an_export(
    db: asyncpg.Connection, front: bucket_front.Front, status: int, reason: str
) -> None:
    async with running_api() as url, person(url) as owner, MisbehavingHost(good(6)) as host, running_worker():
        front.refusing = status
        job = await owner.crawl(sources=entries(*urls(host, *range(6))), chunkSize=2)
        assert reason in (await paused(owner, job))["errorMessage"]
        failed = await exported(owner, job)
        assert failed["status"] == "FAILED"
        assert reason in failed["errorMessage"]
        front.refusing = 0
        await goes_on(owner, db, job, 6)


async def test_a_bucket_that_refuses_for_a_moment_pauses_nothing(owner: Person, front: bucket_front.Front) -> None:
    async with MisbehavingHost(good(6)) as host, running_worker():
        front.refusing = 503
        job = await owner.crawl(sources=entries(*urls(host, *range(6))), chunkSize=2)

        async def refused() -> bool:
            return front.writes > 8

        await until(refused)
        front.refusing = 0
        assert (await owner.ended(job))["status"] == "COMPLETED"


async def test_a_slow_bucket_fails_no_image_keeps_the_leases_and_bounds_what_is_under_way(
    owner: Person, front: bucket_front.Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each write takes longer than a lease, and than an image may: neither is the image's or its host's fault."""
    monkeypatch.setenv("PIXCRAWLER_FETCH_TIMEOUT_S", "1")
    monkeypatch.setenv("PIXCRAWLER_LEASE_S", "1.5")
    settings.cache_clear()
    count = 80
    async with MisbehavingHost(good(count)) as host, running_worker():
        front.delay_s = 2.0
        job = await owner.crawl(sources=entries(*urls(host, *range(count))), chunkSize=20)
        ended = await owner.ended(job)
    assert (ended["status"], ended["validImages"], ended["failedChunks"]) == ("COMPLETED", count, 0)
    assert sorted(host.log) == sorted(f"/{number}.jpg" for number in range(count)), "an image was fetched twice"
    assert front.peak <= STORES_AT_ONCE


async def test_an_uploaded_list_that_a_bucket_does_not_give_pauses_the_job(
    owner: Person, db: asyncpg.Connection, front: bucket_front.Front
) -> None:
    async with MisbehavingHost(good(3)) as host, running_worker():
        made = await owner.do(UPLOAD)
        listed = "\n".join(urls(host, 0, 1, 2)).encode()
        async with owner.session.put(made["uploadUrl"], data=listed) as response:
            assert response.status == 200
        front.refusing_reads = 503
        job = await owner.crawl(sources=[{"urlList": {"uploadId": made["uploadId"]}}])
        found = await paused(owner, job)
        assert "503 Service Unavailable" in found["errorMessage"]
        assert [source["state"] for source in found["sources"]] == ["pending"], "nothing was taken of it"
        front.refusing_reads = 0
        await goes_on(owner, db, job, 3)
