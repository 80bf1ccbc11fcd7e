"""Bytes that no row names any more are collected after the grace time; all others are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import asyncpg

from app.jobs.collect import collect
from app.jobs.upload import key_of as upload_key
from app.storage import storage
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, at, exported, good, images, key_of, urls, verb
from tests.support.service import Person, entries, running_worker

LATER, GRACE = timedelta(seconds=5), timedelta(hours=1)


async def collected(age: timedelta = -LATER) -> int:
    """How many objects that are older than `age` were collected."""
    return await collect(storage(), datetime.now(UTC) - age)


async def kept(prefix: str) -> set[str]:
    return {stored.key async for stored in storage().list(prefix)}


async def clean() -> None:
    """Other tests of this process leave bytes behind."""
    for prefix in ("images/", "exports/", "uploads/"):
        await storage().delete(sorted(await kept(prefix)))


async def crawled(owner: Person, host: MisbehavingHost, *numbers: int) -> str:
    job = await owner.crawl(sources=entries(*urls(host, *numbers)))
    assert (await owner.ended(job))["validImages"] == len(numbers)
    return job


async def test_bytes_of_a_deleted_job_go_after_the_grace_time_and_shared_ones_stay(
    owner: Person, stranger: Person, db: asyncpg.Connection
) -> None:
    await clean()
    async with MisbehavingHost(good(4)) as host, running_worker():
        mine, theirs = await crawled(owner, host, 0, 1, 2), await crawled(stranger, host, 2, 3)
    assert len(await kept("images/")) == 4
    assert await collected() == 0
    await owner.do(verb("deleteCrawlJob", "deletedId"), id=mine)
    assert await collected(GRACE) == 0
    assert await collected() == 2
    assert await collected() == 0
    names = {one["filename"] for one in await images(stranger, theirs)}
    assert {key.rsplit("/", 1)[-1] for key in await kept("images/")} == names


async def test_a_duplicate_row_alone_keeps_the_bytes_that_it_points_at(owner: Person, db: asyncpg.Connection) -> None:
    await clean()
    async with MisbehavingHost(good(1) | {"/copy.jpg": good(1)["/0.jpg"]}) as host, running_worker():
        job = await owner.crawl(sources=entries(host.url("/0.jpg"), host.url("/copy.jpg")), chunkSize=1)
        await owner.ended(job)
    await db.execute("delete from images where status = 'downloaded'")
    assert await collected() == 0
    await db.execute("delete from images")
    assert await collected() == 1


async def test_files_of_expired_and_deleted_exports_go_and_those_of_others_stay(
    owner: Person, api: str, db: asyncpg.Connection
) -> None:
    await clean()
    async with MisbehavingHost(good(1)) as host, running_worker():
        job = await crawled(owner, host, 0)
        first, second, third = [await exported(owner, job) for _ in range(3)]
    keys = [urlsplit(one["downloadUrl"]).path.removeprefix("/files/") for one in (first, second, third)]
    assert await kept("exports/") == set(keys)
    await db.execute(
        "update export_jobs set status = 'expired', download_url = null where id = $1", key_of(first["id"])
    )
    await db.execute(
        "update export_jobs set status = 'running', download_url = null where id = $1", key_of(second["id"])
    )
    assert await collected() == 1
    assert await kept("exports/") == set(keys[1:])
    await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)
    assert await collected() == 3  # two exports and the image
    async with owner.session.get(at(api, third["downloadUrl"])) as response:
        assert response.status == 404


async def test_an_upload_stays_as_long_as_a_job_names_it(owner: Person, db: asyncpg.Connection) -> None:
    await clean()
    ids = []
    for _ in range(2):
        made = await owner.do(
            f'mutation {{ createUrlListUpload(input: {{filename: "a.txt"}}) {{ uploadId uploadUrl {ERRORS} }} }}'
        )
        async with owner.session.put(at(owner.url, made["uploadUrl"]), data=b"http://127.0.0.1:9/a.jpg") as response:
            assert response.status == 200
        ids.append(made["uploadId"])
    sources = [*entries("http://127.0.0.1:9/b.jpg"), {"urlList": {"uploadId": ids[0]}}]
    job = await owner.crawl(sources=sources, start=False)
    assert await collected(GRACE) == 0
    assert await collected() == 1
    assert await kept("uploads/") == {upload_key(ids[0])}
    await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)
    assert await collected() == 1


async def test_what_is_not_ours_is_left_alone(db: asyncpg.Connection) -> None:
    """A file that somebody put beside ours must neither go nor stop the collector."""
    await clean()
    foreign = {"exports/readme.txt", "exports/notes/7.txt", "images/logo.png", "uploads/list.csv"}
    for key in foreign:
        await storage().put(key, b"somebody's")
    assert await collected() == 0
    assert await kept("exports/") | await kept("images/") | await kept("uploads/") == foreign
    await clean()
