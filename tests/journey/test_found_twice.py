"""An address that several sources or keywords find is one image, and all of them are told."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import asyncpg

from tests.stand_ins.misbehaving import MisbehavingHost
from tests.stand_ins.openverse import OpenverseStandIn, record
from tests.stand_ins.searxng import SearxngStandIn, result
from tests.support.asking import at, exported, good, images, key_of, urls
from tests.support.configured import configured
from tests.support.service import Person, entries, running_worker

SEARCHES: list[dict[str, Any]] = [{"openverse": {}}, {"searxng": {}}]


async def crawled(owner: Person, host: MisbehavingHost, **given: Any) -> str:
    """A job over two sources that offer the same three pictures; one of them comes under two keywords."""
    shared = urls(host, 0, 1, 2)
    records = [record(number, "cat", url=url) for number, url in enumerate(shared)]
    records[0]["keywords"] = ["cat", "pet"]
    results = [result(number, "cat", img_src=url) for number, url in enumerate(shared)]
    async with OpenverseStandIn(records) as openverse, SearxngStandIn(results) as searxng:
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_SEARXNG_URL=searxng.url):
            async with running_worker():
                job = await owner.crawl(sources=SEARCHES, **given)
                ended = await owner.ended(job)
    assert (ended["status"], ended["totalImages"], ended["validImages"]) == ("COMPLETED", 3, 3), ended
    return job


async def test_what_two_sources_and_two_keywords_find_is_one_image_that_names_them_all(owner: Person) -> None:
    async with MisbehavingHost(good(3)) as host:
        job = await crawled(owner, host, keywords=["cat", "pet"])
        assert sorted(path for path in host.log if path.endswith(".jpg")) == ["/0.jpg", "/1.jpg", "/2.jpg"]
    found = {one["originalUrl"]: one for one in await images(owner, job)}
    for one in found.values():
        told = one["provenance"]
        also = told["extra"]["also"]
        assert {told["source"], *(find["source"] for find in also)} == {"openverse", "searxng"}
        licensed = {find.get("license") for find in [told, *also] if find["source"] == "openverse"}
        assert licensed == {"by 2.0"}
        pages = {find.get("landing_url") for find in also} | {told["landingUrl"]}
        assert len(pages) == 2
    first = found[urls(host, 0)[0]]
    labels = {first["keyword"], *(find["keyword"] for find in first["provenance"]["extra"]["also"])}
    assert labels == {"cat", "pet"}


async def test_the_export_tells_all_finds(owner: Person, api: str) -> None:
    async with MisbehavingHost(good(3)) as host, running_worker("export"):
        job = await crawled(owner, host, keywords=["cat"])
        dataset = await exported(owner, job, name="Cats")
        async with owner.session.get(at(api, dataset["downloadUrl"])) as response:
            archive = zipfile.ZipFile(io.BytesIO(await response.read()))
    for line in map(json.loads, archive.read("metadata.jsonl").splitlines()):
        assert {line["source"], *(find["source"] for find in line["extra"]["also"])} == {"openverse", "searxng"}


async def test_seeking_anew_after_a_loss_tells_nothing_twice(owner: Person, db: asyncpg.Connection) -> None:
    """A worker that dies after its commit, and one that begins again from the start, leave the same rows."""
    listed = [
        {
            "urlList": {
                "entries": [{"url": "http://127.0.0.1:9/1.jpg", "keyword": word} for word in ("a", "b", "b", "a")]
            }
        }
        for _ in range(2)
    ]
    async with running_worker():
        job = await owner.crawl(sources=listed)
        await owner.ended(job)
        before = [one["provenance"] for one in await images(owner, job)]
        await db.execute(
            "update crawl_jobs set status = 'running', options = options || jsonb_build_object('seeking', true,"
            " 'seeker', null, 'discovery', (select jsonb_agg(jsonb_build_object('found', 0, 'state', 'pending',"
            " 'message', null, 'queries', '[]'::jsonb)) from generate_series(1, 2))) where id = $1",
            key_of(job),
        )
        await owner.ended(job)
    assert [one["provenance"] for one in await images(owner, job)] == before
    assert before[0]["extra"] == {"also": [{"source": "url_list", "keyword": "b"}]}


async def test_an_address_that_is_everywhere_lists_so_many_finds_and_no_more(owner: Person) -> None:
    words = [f"word {number}" for number in range(40)]
    listed = [{"urlList": {"entries": [{"url": "http://127.0.0.1:9/1.jpg", "keyword": word} for word in words]}}]
    async with running_worker():
        job = await owner.crawl(sources=[*listed, *entries("http://127.0.0.1:9/1.jpg")])
        await owner.ended(job)
    (one,) = await images(owner, job)
    assert [find["keyword"] for find in one["provenance"]["extra"]["also"]] == words[1:11]
