"""The operations that an app starts with, `docs/api/*.graphql`: each is valid, and gives what its page says, from the
viewer's projects to a downloaded dataset.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, OperationType, build_schema, parse, validate

from app.settings import CHECKOUT
from tests.stand_ins.misbehaving import MisbehavingHost, image
from tests.stand_ins.pictures import jpeg
from tests.support.asking import at
from tests.support.service import Person, entries, running_worker, until
from tests.support.watching import watching

FILES = sorted((CHECKOUT / "docs" / "api").glob("*.graphql"))
PAGE = CHECKOUT / "docs" / "clients.md"
TEXTS = {path.stem: path.read_text() for path in FILES}
SUFFIXES = {
    OperationType.QUERY: "Query",
    OperationType.MUTATION: "Mutation",
    OperationType.SUBSCRIPTION: "Subscription",
}
SMALL, LARGE = 2, 5
WIDEST = [{"field": "WIDTH", "direction": "DESC"}]


@pytest.fixture(scope="module")
def sdl() -> GraphQLSchema:
    """The API as it is committed."""
    return build_schema((CHECKOUT / "docs" / "schema.graphql").read_text())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_first_operation_is_valid_against_the_sdl(path: Path, sdl: GraphQLSchema) -> None:
    assert validate(sdl, parse(path.read_text())) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_first_operation_is_named_like_its_file_as_relay_wants_it(path: Path) -> None:
    (operation,) = parse(path.read_text()).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    assert operation.name.value == path.stem + SUFFIXES[operation.operation]


def test_the_page_lists_every_first_operation_and_no_other() -> None:
    listed = re.findall(r"\(api/(\w+)\.graphql\)", PAGE.read_text())

    assert sorted(set(listed)) == sorted(TEXTS)


def page_of(connection: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a connection's page."""
    return [edge["node"] for edge in connection["edges"]]


async def test_the_viewer_has_their_projects_page_by_page_with_the_latest_crawls_of_each(
    owner: Person, db: asyncpg.Connection
) -> None:
    made = [await owner.project(name) for name in ("Cats", "Dogs", "Owls")]
    for _ in range(4):
        job = await owner.crawl(projectId=made[1], sources=entries("http://127.0.0.1:9/a.jpg"), start=False)
    found, after = [], None
    while True:
        page = (await owner.get(TEXTS["Projects"], first=2, after=after))["viewer"]["projects"]
        assert page["totalCount"] == 3
        found += page_of(page)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert sorted(project["id"] for project in found) == sorted(made)
    (dogs,) = (project for project in found if project["name"] == "Dogs")
    assert dogs["crawlJobs"]["totalCount"] == 4
    assert page_of(dogs["crawlJobs"])[0]["id"] == job
    assert len(page_of(dogs["crawlJobs"])) == 3


async def test_a_form_that_is_wrong_is_answered_with_the_fields_that_are(owner: Person, db: asyncpg.Connection) -> None:
    given = {"projectId": await owner.project(), "name": "", "sources": entries("http://127.0.0.1:9/a.jpg")}

    refused = await owner.do(TEXTS["CreateCrawlJob"], input=given)

    (error,) = refused["errors"]
    assert refused["crawlJob"] is None
    assert (error["code"], error["path"]) == ("INVALID", ["input", "name"])


async def test_an_app_goes_from_a_crawl_to_a_downloaded_dataset(owner: Person, db: asyncpg.Connection) -> None:
    sizes = [(60, 40)] * SMALL + [(300 + n, 200) for n in range(LARGE)]
    pictures = {f"/{n}.jpg": image(jpeg(*size, seed=n)) for n, size in enumerate(sizes)}
    async with MisbehavingHost(pictures) as host, running_worker():
        given = {"projectId": await owner.project(), "name": "Cats", "sources": entries(*map(host.url, pictures))}
        made = await owner.do(TEXTS["CreateCrawlJob"], input=given)
        assert made["errors"] == []
        job = made["crawlJob"]["id"]
        await _watch(owner, job)
        await _page(owner, job)
        await _dataset(owner, job)


async def _watch(owner: Person, job: str) -> None:
    async with watching(owner, TEXTS["Progress"], job, "job") as subscriber:
        frames = await subscriber.all()
        assert subscriber.ended_by == "complete"
    assert frames[-1]["crawlJob"] == frames[-1]["crawlJob"] | {
        "id": job,
        "status": "COMPLETED",
        "validImages": SMALL + LARGE,
        "errorMessage": None,
    }


async def _page(owner: Person, job: str) -> None:
    """All images in the order of their widths, forwards; then the last of them, backwards."""
    asked = {"job": job, "filter": {"status": ["DOWNLOADED"]}, "orderBy": WIDEST}
    widths: list[int] = []
    after = None
    while True:
        page = (await owner.get(TEXTS["Images"], **asked, first=3, after=after))["crawlJob"]["images"]
        assert page["totalCount"] == SMALL + LARGE
        widths += [one["width"] for one in page_of(page)]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert widths == sorted(widths, reverse=True)
    assert len(widths) == SMALL + LARGE
    last = (await owner.get(TEXTS["Images"], **asked, last=3))["crawlJob"]["images"]
    assert [one["width"] for one in page_of(last)] == widths[-3:]
    before = last["pageInfo"]["startCursor"]
    earlier = (await owner.get(TEXTS["Images"], **asked, last=2, before=before))["crawlJob"]["images"]
    assert [one["width"] for one in page_of(earlier)] == widths[-5:-3]
    link = page_of(last)[0]["downloadUrl"]
    async with owner.session.get(at(owner.url, link)) as response:
        assert (response.status, response.content_type) == (200, "image/jpeg")


async def _dataset(owner: Person, job: str) -> None:
    async def latest(kind: str) -> dict[str, Any] | None:
        (row,) = page_of((await owner.get(TEXTS["Dataset"], job=job))["crawlJob"][kind])
        return dict(row) if row["status"] in ("COMPLETED", "FAILED") else None

    judged = await owner.do(TEXTS["Validate"], input={"crawlJobId": job, "rules": {"minWidth": 100}})
    assert judged["errors"] == []
    validation = await until(lambda: latest("validationJobs"))
    assert validation == validation | {"status": "COMPLETED", "validatedImages": SMALL + LARGE, "invalidImages": SMALL}
    made = await owner.do(TEXTS["Export"], input={"crawlJobId": job})
    assert made["errors"] == []
    exported = await until(lambda: latest("exportJobs"))
    assert exported == exported | {"status": "COMPLETED", "exportedImages": LARGE, "progress": 100}
    async with owner.session.get(at(owner.url, exported["downloadUrl"])) as response:
        archive = zipfile.ZipFile(io.BytesIO(await response.read()))
    assert len(archive.read("metadata.jsonl").splitlines()) == LARGE


async def test_another_person_sees_nothing_of_it(owner: Person, stranger: Person, db: asyncpg.Connection) -> None:
    job = await owner.crawl(sources=entries("http://127.0.0.1:9/a.jpg"), start=False)

    for name in ("Images", "Dataset"):
        assert await stranger.get(TEXTS[name], job=job) == {"crawlJob": None}
    for name, given in (("Validate", {"crawlJobId": job, "rules": {}}), ("Export", {"crawlJobId": job})):
        done = await stranger.do(TEXTS[name], input=given)
        assert [error["code"] for error in done["errors"]] == ["NOT_FOUND"]
