"""The demo's gallery: real photographs with their credits, behind a search that speaks like Openverse."""

from __future__ import annotations

import asyncio
import io
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest_asyncio
from PIL import Image

from app.commands.gallery.records import HERE, KEYWORDS, PHOTOS, photos, records
from app.commands.gallery.server import served


@pytest_asyncio.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with served() as url, aiohttp.ClientSession(url) as session:
        yield session


async def results(client: aiohttp.ClientSession, **params: str) -> dict[str, Any]:
    async with client.get("/v1/images/", params=params) as response:
        assert response.status == 200, await response.text()
        found: dict[str, Any] = await response.json()
        return found


def test_every_photograph_is_small_distinct_and_credited() -> None:
    shipped = {path.name for path in PHOTOS.iterdir()}
    credits = (HERE / "CREDITS.md").read_text()
    assert shipped == {photo.file for photo in photos()}
    assert len({(PHOTOS / name).read_bytes() for name in shipped}) == len(shipped)
    for photo in photos():
        with Image.open(PHOTOS / photo.file) as image:
            assert max(image.size) <= 1000, photo.file
        assert photo.creator in credits
        assert f"`{photo.file}`" in credits
        assert photo.license_version in photo.license_url
        assert photo.tags[0] in KEYWORDS


def test_there_are_about_two_hundred_records_and_the_same_ones_every_time() -> None:
    kinds = Counter(record.kind for record in records())
    assert records() == records()
    assert 180 <= kinds.total() <= 240
    assert kinds["original"] == len(photos())
    assert {"view", "copy", "cut", "page", "missing", "tiny", "reserved"} <= set(kinds)


async def test_a_search_is_paged_in_openverses_format(client: aiohttp.ClientSession) -> None:
    first = await results(client, q="animals")
    assert (first["page"], first["page_size"]) == (1, 20)
    pages = [await results(client, q="animals", page=str(page + 1)) for page in range(int(str(first["page_count"])))]
    items = [item for page in pages for item in page["results"]]
    assert len(items) == first["result_count"] > 20
    assert len({item["url"] for item in items}) == len(items)
    for item in items:
        assert item["creator"]
        assert item["license_url"].startswith("https://creativecommons.org/")
        assert item["creator"] in item["attribution"]
        assert "animal" in [tag["name"] for tag in item["tags"]]


async def test_every_keyword_finds_photographs_first(client: aiohttp.ClientSession) -> None:
    for keyword in KEYWORDS:
        page = await results(client, q=keyword)
        assert "/images/originals/" in page["results"][0]["url"]


async def test_a_search_keeps_openverses_limits(client: aiohttp.ClientSession) -> None:
    refused = {"page_size=21": 401, "page=13": 401, "page=0": 400, "license=mine": 400}
    for query, status in refused.items():
        async with client.get(f"/v1/images/?q=cat&{query}") as response:
            assert response.status == status, query
            assert (await response.json())["detail"]
    with_token = {"Authorization": "Bearer any"}
    async with client.get("/v1/images/?q=texture&page_size=48", headers=with_token) as response:
        assert response.status == 200


async def test_a_license_narrows_the_search(client: aiohttp.ClientSession) -> None:
    page = await results(client, q="flower", license="cc0,by")
    assert {item["license"] for item in page["results"]} == {"cc0", "by"}


async def test_an_image_its_page_and_its_thumbnail_are_there(client: aiohttp.ClientSession) -> None:
    item = (await results(client, q="chelsea"))["results"][0]
    async with client.get(item["url"]) as response:
        assert await response.read() == (PHOTOS / "chelsea.jpg").read_bytes()
    async with client.get(item["foreign_landing_url"]) as response:
        page = await response.text()
        assert "Stefan van der Walt" in page
        assert item["license_url"] in page
    async with client.get(item["thumbnail"]) as response:
        with Image.open(io.BytesIO(await response.read())) as image:
            assert max(image.size) <= 240
    async with client.get("/") as response:
        assert "Chelsea the cat" in await response.text()


async def test_a_copy_has_the_bytes_of_the_first_and_views_have_their_formats(client: aiohttp.ClientSession) -> None:
    copy = next(record for record in records() if record.kind == "copy" and record.view is not None)
    async with client.get(f"/images/{copy.path}") as one, client.get(f"/images/{copy.same_as}") as other:
        assert await one.read() == await other.read()
    for format in ("jpeg", "png", "webp", "gif", "tiff", "avif"):
        view = next(record for record in records() if record.kind == "view" and record.format == format)
        async with client.get(f"/images/{view.path}") as response:
            with Image.open(io.BytesIO(await response.read())) as image:
                assert (image.format or "").lower() == format


async def test_what_is_broken_is_broken_as_it_says(client: aiohttp.ClientSession) -> None:
    answers: dict[str, tuple[int, int]] = {}
    for record in records():
        if record.kind not in ("original", "view", "copy"):
            async with client.get(f"/images/{record.path}") as response:
                answers[record.kind] = (response.status, len(await response.read()))
                assert ("X-Robots-Tag" in response.headers) == (record.kind == "reserved")
    assert {kind: status for kind, (status, _) in answers.items() if status != 200} == {"missing": 404, "failing": 500}
    assert answers["empty"] == (200, 0)


async def test_the_process_announces_its_address_and_ends_with_its_stdin() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "app.commands.gallery.server"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    announced = orjson.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    async with aiohttp.ClientSession() as session, session.get(announced["url"] + "/robots.txt") as response:
        assert response.status == 200
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0
