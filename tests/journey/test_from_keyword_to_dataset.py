"""The whole way: project, crawl by keyword, validation, export, download; and the ends that links and files come to."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest_asyncio

from app.storage import storage
from tests.stand_ins.misbehaving import MisbehavingHost, image
from tests.stand_ins.openverse import OpenverseStandIn, record
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS, at, counted, exported, images, key_of, refusal, validated
from tests.support.configured import configured
from tests.support.service import Person, running_worker, until

SMALL, LARGE = (80, 60), (320, 240)
OPENVERSE = [{"openverse": {"license": ["by", "cc0"]}}]
LINK = "query($id: ID!) { exportJob(id: $id) { status downloadUrl } }"


@dataclass
class World:
    """Openverse with cats and dogs, and the host where their photographs lie."""

    openverse: OpenverseStandIn
    host: MisbehavingHost


@pytest_asyncio.fixture
async def world(db: asyncpg.Connection) -> AsyncIterator[World]:
    pictures = {f"/cat-{n}.jpg": image(jpeg(*(SMALL if n < 2 else LARGE), seed=n)) for n in range(6)}
    pictures |= {f"/dog-{n}.jpg": image(jpeg(*LARGE, seed=50 + n)) for n in range(5)}
    async with MisbehavingHost(pictures) as host:
        records = [
            record(number, path[1:4], url=host.url(path), creator=f"Ann {path[1:4]}", license="by" if number else "cc0")
            for number, path in enumerate(pictures)
        ]
        records.append(record(99, "cat", url=host.url("/all-rights-reserved.jpg"), license="by-nc-nd"))
        async with OpenverseStandIn(records) as openverse:
            with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
                yield World(openverse, host)


async def crawled(owner: Person) -> str:
    """The id of an ended crawl of cats and dogs."""
    job = await owner.crawl(keywords=["cat", "dog"], sources=OPENVERSE, maxImages=100, chunkSize=4)
    found = await owner.ended(job)
    assert (found["status"], found["downloadedImages"]) == ("COMPLETED", 11), found
    return job


async def download(owner: Person, api: str, link: str) -> zipfile.ZipFile:
    async with owner.session.get(at(api, link)) as response:
        assert response.status == 200, await response.text()
        return zipfile.ZipFile(io.BytesIO(await response.read()))


async def test_from_keywords_to_a_dataset_on_disk(
    owner: Person, api: str, world: World, db: asyncpg.Connection
) -> None:
    async with running_worker():
        job = await crawled(owner)
        found = await images(owner, job)
        assert {one["keyword"] for one in found} == {"cat", "dog"}
        assert not any("reserved" in one["originalUrl"] for one in found)
        judged = await validated(owner, job, minWidth=100, formats=["jpeg"])
        assert judged == judged | {
            "status": "COMPLETED",
            "progress": 100,
            "totalImages": 11,
            "validatedImages": 11,
            "invalidImages": 2,
            "validationRules": {"minWidth": 100, "formats": ["jpeg"]},
        }
        assert (await owner.job(job))["validImages"] == 9
        dataset = await exported(owner, job, name="My Pets")
    assert dataset == dataset | {"status": "COMPLETED", "progress": 100, "totalImages": 9, "exportedImages": 9}
    await _check_dataset(await download(owner, api, dataset["downloadUrl"]), dataset, await images(owner, job))


async def _check_dataset(archive: zipfile.ZipFile, dataset: dict[str, Any], found: list[dict[str, Any]]) -> None:
    assert archive.testzip() is None
    names = archive.namelist()
    lines = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
    kept = {one["sha256"]: one for one in found if one["status"] in ("DOWNLOADED", "VALID")}
    assert {line["sha256"] for line in lines} == set(kept)
    assert len(lines) == dataset["exportedImages"] == len(kept)
    assert {name.split("/")[0] for name in names if "/" in name} == {"cat", "dog"}
    for line in lines:
        row = kept[line["sha256"]]
        assert line["file_name"].split("/")[0] == line["label"] == row["keyword"]
        assert len(archive.read(line["file_name"])) == line["file_size"] == row["fileSize"]
        assert line["url"] == row["originalUrl"]
        assert (line["source"], line["creator"]) == ("openverse", f"Ann {row['keyword']}")
        assert line["license_url"] == "https://creativecommons.org/licenses/by/2.0/"
    credits = archive.read("ATTRIBUTION.md").decode()
    assert "Ann cat" in credits
    assert "Ann dog" in credits


async def test_the_reasons_name_what_was_measured_and_the_limit_and_other_rules_need_no_new_request(
    owner: Person, world: World, db: asyncpg.Connection
) -> None:
    async with running_worker():
        job = await crawled(owner)
        asked = len(world.host.log)
        await validated(owner, job, minWidth=100, minFileSize=1)
        invalid = await images(owner, job, status=["INVALID"])
        assert {one["keyword"] for one in invalid} == {"cat"}
        for one in invalid:
            (issue,) = one["issues"]
            assert issue == {
                "code": "width",
                "message": "The width is too small.",
                "measured": "80 px",
                "limit": "100 px",
            }
        assert await counted(db, job) == {"valid": 9, "invalid": 2}
        await validated(owner, job, maxHeight=100)
        assert await counted(db, job) == {"valid": 2, "invalid": 9}
        assert (await owner.job(job))["validImages"] == 2
        await validated(owner, job)
        assert await counted(db, job) == {"valid": 11}
        assert (await owner.job(job))["validImages"] == 11
        assert all(one["issues"] == [] for one in await images(owner, job))
    assert len(world.host.log) == asked


async def test_an_export_holds_only_the_images_that_its_filter_chooses(owner: Person, api: str, world: World) -> None:
    async with running_worker():
        job = await crawled(owner)
        chosen = await exported(owner, job, filter={"keyword": ["dog"], "minWidth": 100, "license": ["by 2.0"]})
        none = await exported(owner, job, filter={"keyword": ["horse"]})
    assert (chosen["totalImages"], chosen["exportedImages"]) == (5, 5)
    archive = await download(owner, api, chosen["downloadUrl"])
    assert {name.split("/")[0] for name in archive.namelist() if "/" in name} == {"dog"}
    assert (none["status"], none["exportedImages"]) == ("COMPLETED", 0)
    empty = await download(owner, api, none["downloadUrl"])
    assert empty.read("metadata.jsonl") == b""


async def test_a_link_is_refused_once_its_time_is_over_or_when_it_was_changed(
    owner: Person, api: str, world: World
) -> None:
    async with running_worker():
        dataset = await exported(owner, await crawled(owner))
    link = at(api, dataset["downloadUrl"])
    for wrong in (link.replace("expires=", "expires=1"), link[:-1] + ("A" if link[-1] != "A" else "B")):
        async with owner.session.get(wrong) as response:
            assert response.status == 403
    with configured(PIXCRAWLER_LINK_TTL_S="1"):
        found = (await owner.get(LINK, id=dataset["id"]))["exportJob"]

    async def refused() -> bool:
        async with owner.session.get(at(api, found["downloadUrl"])) as response:
            return response.status == 403

    await until(refused)


async def test_an_export_expires_when_its_time_is_over_and_its_link_goes_with_it(
    owner: Person, api: str, world: World, db: asyncpg.Connection
) -> None:
    with configured(PIXCRAWLER_EXPORT_TTL_S="1"):
        async with running_worker():
            dataset = await exported(owner, await crawled(owner))
            assert dataset["downloadUrl"]

            async def expired() -> bool:
                return bool((await owner.get(LINK, id=dataset["id"]))["exportJob"]["status"] == "EXPIRED")

            await until(expired)
    assert (await owner.get(LINK, id=dataset["id"]))["exportJob"]["downloadUrl"] is None
    assert await db.fetchval("select count(*) from activity_logs where action = 'export_job.expired'") == 1


async def test_a_deleted_export_is_gone_and_so_is_its_file_once_it_is_collected(
    owner: Person, stranger: Person, api: str, world: World
) -> None:
    delete = f"mutation($id: ID!) {{ deleteExportJob(id: $id) {{ deletedId {ERRORS} }} }}"
    async with running_worker():
        dataset = await exported(owner, await crawled(owner))
    assert (await refusal(stranger, delete, id=dataset["id"]))["code"] == "NOT_FOUND"
    assert (await owner.do(delete, id=dataset["id"]))["deletedId"] == dataset["id"]
    assert (await refusal(owner, delete, id=dataset["id"]))["code"] == "NOT_FOUND"
    assert (await owner.get("query($id: ID!) { exportJob(id: $id) { id } }", id=dataset["id"]))["exportJob"] is None
    key = urlsplit(dataset["downloadUrl"]).path.removeprefix("/files/")
    assert key.startswith(f"exports/{key_of(dataset['id'])}/")
    assert not await storage().exists(key)
