"""Crawling again: a job of a host whose files change, its re-crawl, and what the difference is told to be."""

from __future__ import annotations

from typing import Any

from tests.stand_ins.changing import ChangingHost, File
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS
from tests.support.service import Person, entries

AGAIN = f"""mutation($input: RecrawlCrawlJobInput!) {{
  recrawlCrawlJob(input: $input) {{ crawlJob {{ id name status }} {ERRORS} }} }}"""
DIFFERENCE = """query($id: ID!) { crawlJob(id: $id) {
  recrawlOf { id } difference { new changed unchanged gone undecided } } }"""
GONE = """query($id: ID!, $in: ID!) { crawlJob(id: $id) {
  images(first: 100, filter: { goneIn: $in }) { totalCount nodes { originalUrl } } } }"""
LISTED = """query($id: ID!, $filter: ImageFilter) { crawlJob(id: $id) {
  images(first: 100, filter: $filter) { totalCount nodes { originalUrl difference } } } }"""


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
