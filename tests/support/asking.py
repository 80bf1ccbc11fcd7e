"""What journeys ask again and again: an image host, jobs beside a crawl, waiting for their ends, counting rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import asyncpg

from tests.stand_ins.misbehaving import Behavior, MisbehavingHost, image
from tests.stand_ins.pictures import jpeg
from tests.support.service import Person, until

ERRORS = "errors { code message path limit actual allowed }"
VALIDATE = f"""mutation($input: CreateValidationJobInput!) {{
  createValidationJob(input: $input) {{ validationJob {{ id status }} {ERRORS} }} }}"""
VALIDATION = """query($id: ID!) { validationJob(id: $id) { id status progress totalImages validatedImages
  invalidImages errorMessage validationRules { minWidth formats } startedAt completedAt } }"""
EXPORT = f"""mutation($input: CreateExportJobInput!) {{
  createExportJob(input: $input) {{ exportJob {{ id status }} {ERRORS} }} }}"""
EXPORTED = """query($id: ID!) { exportJob(id: $id) { id status progress totalImages exportedImages fileSize
  downloadUrl expiresAt errorMessage exportOptions } }"""
IMAGES = """query($id: ID!, $after: String, $filter: ImageFilter) { crawlJob(id: $id) {
  images(first: 100, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage endCursor } nodes {
  id originalUrl filename keyword status width height fileSize format sha256 chunk downloadUrl
  issues { code message measured limit }
  provenance { source landingUrl title creator license licenseUrl attribution extra } } } } }"""
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED")


def key_of(global_id: str) -> int:
    """The row's key in a global id."""
    return int(global_id.partition(":")[2])


def verb(name: str, returns: str = "crawlJob { id status }") -> str:
    """The mutation `name(id: …)`."""
    return f"mutation($id: ID!) {{ {name}(id: $id) {{ {returns} {ERRORS} }} }}"


async def act(who: Person, name: str, job: str) -> dict[str, Any]:
    """Do `pauseCrawlJob` and its like, which must succeed."""
    done = await who.do(verb(name), id=job)
    assert not done["errors"], done
    return dict(done["crawlJob"])


async def refusal(who: Person, mutation: str, **variables: Any) -> dict[str, Any]:
    """The one error of a mutation that must be refused, as data, and whose object must be null."""
    done = await who.do(mutation, **variables)
    (error,) = done.pop("errors")
    assert set(done.values()) <= {None}, done
    return dict(error)


async def validated(who: Person, job: str, **rules: Any) -> dict[str, Any]:
    """The crawl job's images judged by these rules: the validation job at its end."""
    made = await who.do(VALIDATE, input={"crawlJobId": job, "rules": rules})
    assert not made["errors"], made
    return await ended(who, VALIDATION, made["validationJob"]["id"])


async def exported(who: Person, job: str, **given: Any) -> dict[str, Any]:
    """The crawl job's export at its end."""
    made = await who.do(EXPORT, input={"crawlJobId": job, **given})
    assert not made["errors"], made
    return await ended(who, EXPORTED, made["exportJob"]["id"])


async def ended(who: Person, query: str, key: str) -> dict[str, Any]:
    """The one object of `query` once it is over."""

    async def over() -> dict[str, Any] | None:
        (found,) = (await who.get(query, id=key)).values()
        return dict(found) if found["status"] in FINAL else None

    return dict(await until(over))


async def images(who: Person, job: str, **filters: Any) -> list[dict[str, Any]]:
    """All images of a crawl job, page by page."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await who.get(IMAGES, id=job, after=after, filter=filters or None))["crawlJob"]["images"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(found) == page["totalCount"]
            return found


async def counted(db: asyncpg.Connection, job: str) -> dict[str, int]:
    """How many of a crawl job's rows are in each state."""
    rows = await db.fetch("select status, count(*) from images where crawl_job_id = $1 group by 1", key_of(job))
    return {row["status"]: row["count"] for row in rows}


def at(api: str, link: str) -> str:
    """A signed link as this test's API serves it: its port is not the one of the settings."""
    parts = urlsplit(link)
    return f"{api}{parts.path}?{parts.query}"


def good(count: int, first: int = 0) -> dict[str, Behavior]:
    """`/0.jpg`, `/1.jpg` and so on, each another picture."""
    return {f"/{number}.jpg": image(jpeg(seed=number)) for number in range(first, first + count)}


def urls(host: MisbehavingHost, *numbers: int) -> list[str]:
    """The addresses of `good()`."""
    return [host.url(f"/{number}.jpg") for number in numbers]
