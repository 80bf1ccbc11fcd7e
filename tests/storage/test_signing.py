"""Links hold for what they were made for, until their time is over, and for nothing else."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from app import signing
from app.settings import settings
from app.signing import sign_download, signed_link, verify
from app.storage import Storage, sign_upload

KEY = "images/ab/" + "ab" * 32 + ".jpg"


def query_of(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_800_000_000.0]
    monkeypatch.setattr("app.signing.time.time", lambda: now[0])
    return now


@pytest.fixture
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def test_a_link_leads_to_its_key() -> None:
    link = urlsplit(sign_download(KEY))
    assert link.path == f"/files/{KEY}"
    assert f"{link.scheme}://{link.netloc}" == settings().base_url
    assert verify("GET", KEY, query_of(link.geturl()))
    assert verify("HEAD", KEY, query_of(link.geturl()))


def test_a_file_name_is_signed_with_it() -> None:
    query = query_of(sign_download(KEY, "cats & dogs ü.jpg"))
    assert query["filename"] == "cats & dogs ü.jpg"
    assert verify("GET", KEY, query)
    assert not verify("GET", KEY, query | {"filename": "evil.html"})
    del query["filename"]
    assert not verify("GET", KEY, query)


def test_a_link_holds_for_nothing_else() -> None:
    query = query_of(sign_download(KEY))
    assert not verify("GET", KEY.replace("ab/", "cd/"), query)
    assert not verify("PUT", KEY, query)
    assert not verify("DELETE", KEY, query)
    assert not verify("GET", KEY, query | {"expires": str(int(query["expires"]) + 1)})
    assert not verify("GET", KEY, query | {"filename": ""})
    for wrong in ("", "x", query["signature"][:-1], query["signature"] + "=", "ä" * 43):
        assert not verify("GET", KEY, query | {"signature": wrong})
    for wrong in ("", "soon", "1e9", "-1"):
        assert not verify("GET", KEY, query | {"expires": wrong})
    assert not verify("GET", KEY, {})


def test_a_link_ends(clock: list[float]) -> None:
    query = query_of(sign_download(KEY))
    ttl_s = settings().link_ttl_s
    clock[0] += 0.74 * ttl_s
    assert verify("GET", KEY, query)
    clock[0] += 0.27 * ttl_s
    assert not verify("GET", KEY, query)


def test_a_page_that_is_asked_for_again_has_the_same_links(clock: list[float]) -> None:
    first = sign_download(KEY)
    clock[0] += 30
    assert sign_download(KEY) == first
    clock[0] += settings().link_ttl_s
    assert sign_download(KEY) != first


def test_an_upload_link_is_for_putting_alone(clock: list[float]) -> None:
    query = query_of(signed_link("PUT", "uploads/a/list.csv", 60))
    assert verify("PUT", "uploads/a/list.csv", query)
    assert not verify("GET", "uploads/a/list.csv", query)
    clock[0] += 60
    assert not verify("PUT", "uploads/a/list.csv", query)


async def test_uploads_to_a_folder_come_to_us() -> None:
    link = urlsplit(await sign_upload("uploads/a/list.csv", 60))
    assert link.path == "/files/uploads/a/list.csv"
    assert verify("PUT", "uploads/a/list.csv", query_of(link.geturl()))


async def test_uploads_to_a_bucket_go_to_the_bucket(bucket: Storage) -> None:
    link = await bucket.sign("PUT", "uploads/a/list.csv", 60)
    async with aiohttp.ClientSession() as client, client.put(link, data=b"url\nhttps://example.org/a.jpg\n") as answer:
        assert answer.status == 200
    assert await bucket.get("uploads/a/list.csv") == b"url\nhttps://example.org/a.jpg\n"


async def test_a_bucket_serves_its_own_links_with_a_file_name(bucket: Storage) -> None:
    await bucket.put("exports/1/cats.zip", b"PK")
    link = await bucket.sign("GET", "exports/1/cats.zip", 60)
    async with aiohttp.ClientSession() as client, client.get(link) as answer:
        assert await answer.read() == b"PK"
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="cats.zip"'


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path, fresh_settings: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    fresh_settings.setenv("PIXCRAWLER_SIGNING_KEY", "")
    fresh_settings.setenv("PIXCRAWLER_HOME", str(home))
    query = query_of(sign_download(KEY))
    kept = home / "signing.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(home.iterdir()) == [kept]
    signing._kept_key.cache_clear()
    assert verify("GET", KEY, query)


def test_processes_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    found = []

    def make() -> None:
        together.wait()
        found.append(signing._kept_key.__wrapped__(tmp_path / "home"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) == 64
