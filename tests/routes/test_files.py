"""A signed link gives its file and takes its upload, and an unsigned one gives nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from app.routes import files
from app.settings import Settings, settings
from app.signing import sign_download, signed_link
from app.storage import Storage, sign_upload
from tests.support.buckets import new_bucket, s3_server

DATA = os.urandom(300_000)
DIGEST = hashlib.sha256(DATA).hexdigest()
IMAGE = f"images/{DIGEST[:2]}/{DIGEST}.jpg"
EXPORT = "exports/7/cats-7.zip"
UPLOAD = "uploads/someone/list.csv"


def here(link: str) -> URL:
    """The link's path and query, as they are written."""
    parts = urlsplit(link)
    return URL(f"{parts.path}?{parts.query}", encoded=True)


async def code_of(answer: aiohttp.ClientResponse) -> str:
    errors = (await answer.json())["errors"]
    assert errors[0]["message"]
    return str(errors[0]["extensions"]["code"])


async def test_a_link_gives_exactly_the_stored_bytes(api: aiohttp.ClientSession, stored: Storage) -> None:
    await stored.put(IMAGE, DATA)
    async with api.get(here(sign_download(IMAGE))) as answer:
        assert answer.status == 200
        assert await answer.read() == DATA
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Content-Length"] == str(len(DATA))
        assert answer.headers["ETag"] == f'"{DIGEST}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["Cache-Control"].startswith("private, max-age=")
        assert answer.headers["Content-Disposition"].startswith("inline")


async def test_the_head_has_no_body(api: aiohttp.ClientSession, stored: Storage) -> None:
    await stored.put(IMAGE, DATA)
    async with api.head(here(sign_download(IMAGE))) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(len(DATA))
        assert await answer.read() == b""


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=100-199", 100, 200), ("bytes=299000-", 299_000, None), ("bytes=-10", -10, None)]
)
async def test_a_broken_download_goes_on_where_it_stopped(
    api: aiohttp.ClientSession, stored: Storage, asked: str, start: int, end: int | None
) -> None:
    await stored.put(EXPORT, DATA)
    async with api.get(here(sign_download(EXPORT)), headers={"Range": asked}) as answer:
        assert answer.status == 206
        assert await answer.read() == DATA[start:end]
        assert answer.headers["Content-Range"].endswith(f"/{len(DATA)}")


async def test_a_part_beyond_the_end_is_not_given(api: aiohttp.ClientSession, stored: Storage) -> None:
    await stored.put(EXPORT, DATA)
    async with api.get(here(sign_download(EXPORT)), headers={"Range": "bytes=300000-"}) as answer:
        assert answer.status == 416
        assert answer.headers["Content-Range"] == "bytes */300000"


async def test_what_the_client_has_is_not_sent_again(api: aiohttp.ClientSession, stored: Storage) -> None:
    await stored.put(IMAGE, DATA)
    async with api.get(here(sign_download(IMAGE)), headers={"If-None-Match": f'"{DIGEST}"'}) as answer:
        assert answer.status == 304
        assert await answer.read() == b""


async def test_an_export_is_saved_under_its_name(api: aiohttp.ClientSession, stored: Storage) -> None:
    await stored.put(EXPORT, b"PK")
    async with api.get(here(sign_download(EXPORT))) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="cats-7.zip"'
        assert answer.headers["Content-Type"] == "application/zip"
    async with api.get(here(sign_download(EXPORT, 'my "größe"\r\n/..\\x.zip'))) as answer:
        assert answer.headers["Content-Disposition"] == ("attachment; filename*=utf-8''my%20_gr%C3%B6%C3%9Fe_.._x.zip")


async def test_without_a_signature_nothing_is_given(api: aiohttp.ClientSession, stored: Storage) -> None:
    await stored.put(IMAGE, DATA)
    good = here(sign_download(IMAGE))
    wrong = [
        good.with_query(None),
        good.update_query(signature="x"),
        good.update_query(expires="99999999999"),
        good.update_query(filename="x.html"),
        here(signed_link("GET", IMAGE, -1)),
        here(signed_link("PUT", IMAGE, 60)),
        good.with_path(f"/files/{EXPORT}", keep_query=True),
    ]
    for link in wrong:
        async with api.get(link) as answer:
            assert answer.status == 403, link
            assert await code_of(answer) == "FORBIDDEN"
    async with api.put(good, data=b"x") as answer:
        assert answer.status == 403
    assert await stored.get(IMAGE) == DATA


async def test_what_is_not_there_is_not_found(api: aiohttp.ClientSession, stored: Storage) -> None:
    await stored.put(EXPORT, b"PK")
    for key in (IMAGE, "exports/7", "exports/7/cats-7.zip/x"):
        async with api.get(here(sign_download(key))) as answer:
            assert answer.status == 404
            assert await code_of(answer) == "NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "/files/../../etc/passwd",
        "/files/images/..%2f..%2fsigning.key",
        "/files/images%2Fab%2F1.jpg",
        "/files/%2e%2e/signing.key",
        "/files//etc/passwd",
        "/files/images//1.jpg",
        "/files/images/1.jpg%00",
        "/files/images\\1.jpg",
        "/files/.pixcrawler",
        "/files/",
    ],
)
async def test_other_spellings_of_a_path_are_refused_however_they_are_signed(
    api: aiohttp.ClientSession, path: str
) -> None:
    key = URL(path.removeprefix("/files/"), encoded=True).path
    query = urlsplit(signed_link("GET", key, 60)).query
    async with api.get(URL(f"{path}?{query}", encoded=True)) as answer:
        assert answer.status == 404


async def test_an_upload_is_stored(api: aiohttp.ClientSession, stored: Storage) -> None:
    link = here(await sign_upload(UPLOAD, 60))
    async with api.put(link, data=DATA) as answer:
        assert answer.status == 200
    assert await stored.get(UPLOAD) == DATA
    async with api.get(link) as answer:
        assert answer.status == 403


async def _endless(blocks: int) -> AsyncIterator[bytes]:
    for _ in range(blocks):
        yield b"x" * 2**16


@pytest.fixture
def small_uploads(monkeypatch: pytest.MonkeyPatch) -> int:
    limit = 1_000_000
    small: Settings = settings().model_copy(update={"upload_max_bytes": limit})
    monkeypatch.setattr(files, "settings", lambda: small)
    return limit


@pytest.mark.parametrize("said", [True, False], ids=["size told", "size not told"])
async def test_an_upload_that_is_too_large_is_refused_and_leaves_nothing(
    api: aiohttp.ClientSession, stored: Storage, small_uploads: int, said: bool
) -> None:
    data = b"x" * (small_uploads + 1) if said else _endless(20)
    async with api.put(here(await sign_upload(UPLOAD, 60)), data=data) as answer:
        assert answer.status == 413
        assert await code_of(answer) == "LIMIT_EXCEEDED"
        assert (await answer.json())["errors"][0]["extensions"]["limit"] == "1000000 bytes"
    assert not await stored.exists(UPLOAD)
    assert [found async for found in stored.list("uploads")] == []


async def test_an_upload_of_just_the_limit_is_taken(
    api: aiohttp.ClientSession, stored: Storage, small_uploads: int
) -> None:
    async with api.put(here(await sign_upload(UPLOAD, 60)), data=b"x" * small_uploads) as answer:
        assert answer.status == 200
    assert await stored.size(UPLOAD) == small_uploads


async def test_an_upload_that_breaks_off_leaves_nothing(api: aiohttp.ClientSession, stored: Storage) -> None:
    link = here(await sign_upload(UPLOAD, 60))
    base = api._base_url
    assert base is not None
    _, writer = await asyncio.open_connection(base.host, base.port)
    head = f"PUT {link.raw_path_qs} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n"
    writer.write(head.encode() + b"x" * 3_000_000)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    # A request that comes later on the same loop is answered after the broken one was noticed.
    for _ in range(200):
        async with api.head(here(sign_download(UPLOAD))) as answer:
            assert answer.status == 404
        assert stored.folder is not None
        if not [path for path in stored.folder.glob("uploads/**/*") if path.is_file()]:
            break
    else:
        pytest.fail("the upload's parts are still there")


async def test_a_bucket_serves_its_own_files(api: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server() as endpoint:
        store = Storage.open(f"s3://{new_bucket(endpoint, monkeypatch)}")
        monkeypatch.setattr(files, "storage", lambda: store)
        await store.put(IMAGE, DATA)
        async with api.get(here(sign_download(IMAGE)), allow_redirects=False) as answer:
            assert answer.status == 307
            assert answer.headers["Location"].startswith(endpoint)
        async with api.get(here(sign_download(IMAGE))) as answer:
            assert await answer.read() == DATA
            assert answer.headers["Content-Type"] == "image/jpeg"
        async with api.head(here(sign_download(IMAGE)), allow_redirects=True) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Length"] == str(len(DATA))
        async with api.get(here(sign_download(IMAGE)).with_query(None), allow_redirects=False) as answer:
            assert answer.status == 403
