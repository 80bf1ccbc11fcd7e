"""`pixcrawler crawl --again`: an ended job's dataset brought up to date, and what is different in it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.test_crawl_keywords import crawl
from tests.stand_ins.changing import ChangingHost, File
from tests.stand_ins.pictures import jpeg
from tests.support.asking import key_of
from tests.support.configured import configured
from tests.support.recrawling import crawled, tagged
from tests.support.service import Person, running_worker


async def test_a_job_is_crawled_again_and_the_difference_is_a_sentence_and_an_object(
    owner: Person, tmp_path: Path
) -> None:
    async with ChangingHost(tagged(0, 1, 2, 3)) as host:
        with configured(PIXCRAWLER_PUBLIC_URL=owner.url):
            async with running_worker():
                former = await crawled(owner, host, name="Cats")
                host.files["/1.jpg"] = File(jpeg(seed=101), etag='"changed"')
                del host.files["/2.jpg"]
                status, out, err = await crawl(owner, "--again", former, "--to", str(tmp_path / "cats"))
                assert status == 0, err
                assert "Since the last time: 0 new, 1 changed, 2 unchanged, 1 gone." in out
                assert host.bodies == {"/1.jpg": 1}
                given = ("--again", str(key_of(former)), "--to", str(tmp_path / "cats"), "--json")
                status, out, err = await crawl(owner, *given)
    assert status == 0, err
    told = json.loads(out.splitlines()[-1])
    assert told["difference"] == {"new": 0, "changed": 1, "unchanged": 2, "gone": 1, "undecided": 0}
    assert (told["images"], told["failed"]) == (3, 1)
    assert len(list((tmp_path / "cats").rglob("*.jpg"))) == 3
    query = "query($id: ID!) { crawlJob(id: $id) { name project { id } recrawlOf { id } } }"
    job = (await owner.get(query, id=told["crawl_job_id"]))["crawlJob"]
    assert job == {"name": "Cats", "project": {"id": told["project_id"]}, "recrawlOf": {"id": former}}


async def test_what_the_job_is_to_find_cannot_be_told_anew(owner: Person, tmp_path: Path) -> None:
    given = ("--again", "1", "--plurals", "--max-images", "3")
    status, _, err = await crawl(owner, "cat", *given, "--to", str(tmp_path / "cats"))
    assert status == 2
    assert "leave keywords, --plurals, --max-images out" in err


async def test_a_job_that_is_not_there_is_one_sentence(owner: Person, tmp_path: Path) -> None:
    status, _, err = await crawl(owner, "--again", "2147483647", "--to", str(tmp_path / "cats"))
    assert (status, err) == (1, "pixcrawler: id: No such crawl job.\n")
