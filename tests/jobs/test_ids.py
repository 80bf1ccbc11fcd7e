"""A malformed id, a missing row and another's row are one answer, by every mutation that takes an id."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.support.asking import ERRORS, EXPORT, VALIDATE, refusal, verb
from tests.support.service import CREATE, Person, entries

UPDATE_PROJECT = f"""mutation($input: UpdateProjectInput!) {{
  updateProject(input: $input) {{ project {{ id name description }} {ERRORS} }} }}"""
UPDATE_JOB = f"""mutation($input: UpdateCrawlJobInput!) {{
  updateCrawlJob(input: $input) {{ crawlJob {{ id name maxImages }} {ERRORS} }} }}"""
LISTED = entries("http://127.0.0.1:9/a.jpg")
MALFORMED = [
    "",
    "CrawlJob:",
    "CrawlJob:x",
    "CrawlJob:-1",
    "CrawlJob:01",
    "CrawlJob:99999999999999999999",
    "17",
    "Image:1",
]
BY_ID = [
    "startCrawlJob", "pauseCrawlJob", "resumeCrawlJob", "cancelCrawlJob", "retryCrawlJob", "deleteCrawlJob",
    "cancelValidationJob", "cancelExportJob", "deleteExportJob", "archiveProject", "restoreProject", "deleteProject",
]  # fmt: skip


@pytest.mark.parametrize("name", BY_ID)
async def test_a_malformed_id_is_answered_like_a_missing_one_and_like_anothers(
    owner: Person, stranger: Person, db: asyncpg.Connection, name: str
) -> None:
    job = await stranger.crawl(sources=LISTED, start=False)
    await db.execute("update crawl_jobs set status = 'completed'")
    theirs = {
        "CrawlJob": job,
        "ValidationJob": (await stranger.do(VALIDATE, input={"crawlJobId": job, "rules": {}}))["validationJob"]["id"],
        "ExportJob": (await stranger.do(EXPORT, input={"crawlJobId": job}))["exportJob"]["id"],
        "Project": await stranger.project(),
    }
    kind = next(kind for kind in ("CrawlJob", "ValidationJob", "ExportJob", "Project") if name.endswith(kind))
    field = "deletedId" if name.startswith("delete") else f"{kind[0].lower()}{kind[1:]} {{ id }}"
    before = await db.fetchval("select count(*) from activity_logs")
    answers = [
        await refusal(owner, verb(name, field), id=key.replace("CrawlJob", kind))
        for key in [*MALFORMED, "CrawlJob:2000000000", theirs[kind]]
    ]
    assert answers[0]["code"] == "NOT_FOUND"
    assert answers[0]["path"] == ["id"]
    assert all(answer == answers[0] for answer in answers), answers
    assert await db.fetchval("select count(*) from activity_logs") == before


@pytest.mark.parametrize(
    ("mutation", "given", "field"),
    [
        (CREATE, {"name": "Job", "sources": LISTED}, "projectId"),
        (UPDATE_PROJECT, {"name": "x"}, "id"),
        (UPDATE_JOB, {"name": "x"}, "id"),
        (VALIDATE, {"rules": {}}, "crawlJobId"),
        (EXPORT, {}, "crawlJobId"),
    ],
)
async def test_an_id_within_an_input_that_is_malformed_missing_or_anothers_has_one_answer(
    owner: Person, stranger: Person, mutation: str, given: dict[str, Any], field: str
) -> None:
    theirs = {"projectId": await stranger.project(), "crawlJobId": await stranger.crawl(sources=LISTED, start=False)}
    theirs["id"] = theirs["projectId"] if mutation is UPDATE_PROJECT else theirs["crawlJobId"]
    kind = "Project" if field == "projectId" or mutation is UPDATE_PROJECT else "CrawlJob"
    answers = [
        await refusal(owner, mutation, input={field: key, **given})
        for key in ("x", f"{kind}:x", f"{kind}:2000000000", theirs[field])
    ]
    assert (answers[0]["code"], answers[0]["path"]) == ("NOT_FOUND", ["input", field])
    assert all(answer == answers[0] for answer in answers), answers
