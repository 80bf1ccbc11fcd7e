"""The same job run again: only what is new or changed is transferred, and the difference is told."""

from __future__ import annotations

from typing import Any

import asyncpg

from tests.stand_ins.changing import ChangingHost, File
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS, act, counted, exported, images, key_of, verb
from tests.support.service import Person, entries, running_worker

AGAIN = f"""mutation($input: RecrawlCrawlJobInput!) {{
  recrawlCrawlJob(input: $input) {{ crawlJob {{ id name status }} {ERRORS} }} }}"""
DIFFERENCE = """query($id: ID!) { crawlJob(id: $id) {
  recrawlOf { id } difference { new changed unchanged gone undecided } } }"""
GONE = """query($id: ID!, $in: ID!) { crawlJob(id: $id) {
  images(first: 100, filter: { goneIn: $in }) { totalCount nodes { originalUrl } } } }"""
LISTED = """query($id: ID!, $filter: ImageFilter) { crawlJob(id: $id) {
  images(first: 100, filter: $filter) { totalCount nodes { originalUrl difference } } } }"""
MONDAY, TUESDAY = "Mon, 23 Nov 2026 08:00:00 GMT", "Tue, 24 Nov 2026 08:00:00 GMT"


def tagged(*numbers: int) -> dict[str, File]:
    """`/0.jpg` and so on, each with a strong tag."""
    return {f"/{number}.jpg": File(jpeg(seed=number), etag=f'"{number}"') for number in numbers}


async def crawled(owner: Person, host: ChangingHost, *paths: str, **given: Any) -> str:
    """An ended job of the host's files; the counts begin anew after it."""
    job = await owner.crawl(sources=entries(*(host.url(path) for path in paths or host.files)), **given)
    await owner.ended(job)
    host.forget()
    return job


async def begun_again(owner: Person, job: str, **given: Any) -> str:
    made = await owner.do(AGAIN, input={"id": job, **given})
    assert not made["errors"], made
    return str(made["crawlJob"]["id"])


async def again(owner: Person, job: str, **given: Any) -> str:
    """The id of a re-crawl that has ended."""
    key = await begun_again(owner, job, **given)
    await owner.ended(key)
    return key


async def compared(owner: Person, job: str) -> dict[str, Any]:
    return dict((await owner.get(DIFFERENCE, id=job))["crawlJob"]["difference"])


async def differing(owner: Person, job: str, *which: str) -> list[str]:
    """The paths of a re-crawl's images that compare so."""
    found = (await owner.get(LISTED, id=job, filter={"difference": list(which)}))["crawlJob"]["images"]
    assert {one["difference"] for one in found["nodes"]} <= set(which)
    assert found["totalCount"] == len(found["nodes"])
    return paths_of(found["nodes"])


async def gone(owner: Person, former: str, job: str) -> list[str]:
    found = (await owner.get(GONE, **{"id": former, "in": job}))["crawlJob"]["images"]
    assert found["totalCount"] == len(found["nodes"])
    return paths_of(found["nodes"])


def paths_of(nodes: list[dict[str, Any]]) -> list[str]:
    return sorted(node["originalUrl"].rpartition("/")[2] for node in nodes)


def counts(new: int = 0, changed: int = 0, unchanged: int = 0, gone: int | None = 0, undecided: int | None = 0) -> Any:
    return {"new": new, "changed": changed, "unchanged": unchanged, "gone": gone, "undecided": undecided}


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
    assert await gone(owner, former, job) == ["2.jpg", "3.jpg"]
    assert await counted(db, job) == {"downloaded": 5, "failed": 1}
