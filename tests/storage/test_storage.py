"""What is put is what is got, in a folder and in a bucket."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import StorageRefused
from app.storage import PART_BYTES, Storage, StoredNotFound, content_type
from tests.support.buckets import request

KEY = "images/ab/" + "ab" * 32 + ".jpg"


async def listed(store: Storage, prefix: str) -> set[str]:
    return {stored.key async for stored in store.list(prefix)}


async def test_what_is_put_is_what_is_got(store: Storage) -> None:
    data = os.urandom(200_000)
    await store.put(KEY, data)
    assert await store.get(KEY) == data
    assert b"".join([block async for block in store.stream(KEY)]) == data
    assert await store.size(KEY) == len(data)
    assert await store.exists(KEY)


async def test_a_part_of_what_is_stored_can_be_streamed(store: Storage) -> None:
    await store.put(KEY, b"0123456789")
    assert b"".join([block async for block in store.stream(KEY, 3, 6)]) == b"345"
    assert b"".join([block async for block in store.stream(KEY, 7)]) == b"789"


async def test_putting_again_replaces(store: Storage) -> None:
    await store.put(KEY, b"first, and longer")
    await store.put(KEY, b"second")
    assert await store.get(KEY) == b"second"


async def test_an_empty_object_is_an_object(store: Storage) -> None:
    await store.put(KEY, b"")
    assert await store.get(KEY) == b""
    assert await store.size(KEY) == 0


async def test_what_is_not_there_says_so(store: Storage) -> None:
    assert not await store.exists(KEY)
    for ask in (store.get, store.size, store.stored):
        with pytest.raises(StoredNotFound, match="is not stored"):
            await ask(KEY)
    with pytest.raises(StoredNotFound):
        async for _ in store.stream(KEY):
            pass


async def test_deleting_what_is_missing_is_fine(store: Storage) -> None:
    await store.put("uploads/a", b"1")
    await store.put("uploads/c", b"3")
    await store.delete(["uploads/a", "uploads/b", "uploads/c"])
    assert await listed(store, "uploads/") == set()
    await store.delete([])
    await store.delete(["uploads/a"])


async def test_a_listing_stays_in_its_folder(store: Storage) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    for key in ("images/aa/one.jpg", "images/bb/two.jpg", "images-of-others/three.jpg"):
        await store.put(key, b"12345")
    assert await listed(store, "images/") == {"images/aa/one.jpg", "images/bb/two.jpg"}
    assert await listed(store, "nothing/") == set()
    found = [stored async for stored in store.list("images/aa")]
    assert [(stored.key, stored.size) for stored in found] == [("images/aa/one.jpg", 5)]
    assert before < found[0].modified < datetime.now(UTC) + timedelta(seconds=5)


async def test_many_puts_at_once(store: Storage) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(40):
            tasks.create_task(store.put(f"images/{number:02}/x.png", bytes([number]) * 1_000))
    assert len(await listed(store, "images/")) == 40
    assert await store.get("images/17/x.png") == bytes([17]) * 1_000


@pytest.mark.parametrize("size", [0, 10, PART_BYTES + 70_000])
async def test_an_object_written_little_by_little_is_whole(store: Storage, size: int) -> None:
    data = os.urandom(size)
    async with store.open_writer("exports/1/cats.zip") as sink:
        for start in range(0, size, 70_000):
            await sink.write(data[start : start + 70_000])
    assert await store.size("exports/1/cats.zip") == size
    assert await store.get("exports/1/cats.zip") == data


class Interrupted(Exception):
    pass


async def _interrupt(store: Storage) -> None:
    async with store.open_writer("exports/1/cats.zip") as sink:
        await sink.write(os.urandom(2 * PART_BYTES + 5))
        await asyncio.sleep(0)
        raise Interrupted


async def test_a_writer_that_fails_leaves_nothing(store: Storage) -> None:
    with pytest.raises(Interrupted):
        await _interrupt(store)
    assert await listed(store, "exports/") == set()
    assert not await store.exists("exports/1/cats.zip")


async def test_a_writer_that_fails_leaves_no_file_behind(folder: Storage) -> None:
    with pytest.raises(Interrupted):
        await _interrupt(folder)
    assert folder.folder is not None
    assert [path for path in folder.folder.rglob("*") if path.is_file()] == []


async def test_a_writer_that_fails_leaves_no_parts_in_the_bucket(
    bucket: Storage, s3_endpoint: str, bucket_name: str
) -> None:
    with pytest.raises(Interrupted):
        await _interrupt(bucket)
    assert "<UploadId>" not in request(s3_endpoint, "GET", f"/{bucket_name}?uploads")


async def test_a_cancelled_writer_leaves_nothing(store: Storage) -> None:
    begun = asyncio.Event()

    async def write() -> None:
        async with store.open_writer("exports/1/cats.zip") as sink:
            await sink.write(os.urandom(PART_BYTES))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await listed(store, "exports/") == set()


async def _write_much(store: Storage) -> None:
    async with store.open_writer("exports/1/cats.zip") as sink:
        for _ in range(50):
            await sink.write(b"x" * 2**20)


async def test_a_store_that_fails_tells_the_writer(tmp_path: Path) -> None:
    store = Storage.open((tmp_path / "stored").as_uri())
    (tmp_path / "stored" / "exports").write_text("a file where a folder must be")
    with pytest.raises(StorageRefused):
        await _write_much(store)
    with pytest.raises(StorageRefused):
        await store.put("exports/1/cats.zip", b"x")


async def test_a_bucket_that_does_not_exist_refuses(
    s3_endpoint: str, bucket: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Storage.open("s3://no-such-bucket-here")
    with pytest.raises(StorageRefused):
        await store.put(KEY, b"x")
    with pytest.raises(StorageRefused):
        await store.check()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "../a",
        "a/../b",
        "a/./b",
        ".",
        "a/.hidden",
        "a\\b",
        "a%2fb",
        "a b",
        "ä",
        "a\x00b",
        "a\n",
    ],
)
async def test_keys_that_are_no_plain_paths_are_refused(store: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="not a storage key"):
        await store.put(key, b"x")
    with pytest.raises(ValueError, match="not a storage key"):
        await store.get(key)


async def test_keys_longer_than_a_file_system_takes_are_refused(store: Storage) -> None:
    for key in ("x" * 256, "/".join(["x" * 100] * 11)):
        with pytest.raises(ValueError, match="not a storage key"):
            await store.put(key, b"x")


async def test_storage_that_works_passes_its_check(store: Storage) -> None:
    await store.check()


async def test_what_a_killed_process_left_is_swept(folder: Storage) -> None:
    await folder.put("exports/1/cats.zip", b"whole")
    assert folder.folder is not None
    left = folder.folder / "exports" / "1" / "dogs.zip#1"
    left.write_bytes(b"half")
    assert await folder.drop_partial(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert await folder.drop_partial(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert not left.exists()
    assert await folder.get("exports/1/cats.zip") == b"whole"


async def test_a_bucket_is_not_swept(bucket: Storage) -> None:
    assert await bucket.drop_partial(datetime.now(UTC)) == 0


@pytest.mark.parametrize("url", ["ftp://somewhere/x", "s3://", "nonsense"])
def test_an_address_that_is_no_storage_is_refused(url: str) -> None:
    with pytest.raises(StorageRefused, match="cannot be opened"):
        Storage.open(url)


def test_content_types_go_by_the_suffix() -> None:
    assert content_type(KEY) == "image/jpeg"
    assert content_type("exports/1/cats.zip") == "application/zip"
    assert content_type("uploads/a/list.html") == "application/octet-stream"
