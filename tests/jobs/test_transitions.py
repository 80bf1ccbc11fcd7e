"""Every arrow between states as a client walks it, and the answer to every pair that is none."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import asyncpg
import pytest

from app.models import states
from app.models.states import Arrows
from tests.support.asking import EXPORT, VALIDATE, key_of, refusal, verb
from tests.support.service import CREATE, Person, entries

MUTATIONS: dict[str, tuple[type[StrEnum], Arrows, str, dict[str, str]]] = {
    "projects": (
        states.ProjectStatus,
        states.PROJECT,
        "project { id status }",
        {"archive": "archiveProject", "restore": "restoreProject"},
    ),
    "crawl_jobs": (
        states.CrawlJobStatus,
        states.CRAWL_JOB,
        "crawlJob { id status }",
        {name: f"{name}CrawlJob" for name in ("start", "pause", "resume", "cancel", "retry")},
    ),
    "validation_jobs": (
        states.ValidationJobStatus,
        states.VALIDATION_JOB,
        "validationJob { id status }",
        {"cancel": "cancelValidationJob"},
    ),
    "export_jobs": (
        states.ExportJobStatus,
        states.EXPORT_JOB,
        "exportJob { id status }",
        {"cancel": "cancelExportJob"},
    ),
}
LISTED = entries("http://127.0.0.1:9/a.jpg")


def pairs() -> Iterator[Any]:
    """Each table, verb and state."""
    for table, (known, _, _, mutations) in MUTATIONS.items():
        for name in mutations:
            for state in known:
                yield pytest.param(table, name, str(state), id=f"{name} {table[:-1]} that is {state}")


async def _row(owner: Person, db: asyncpg.Connection, table: str, state: str) -> str:
    """The id of a row of the table in that state."""
    project = await owner.project()
    if table == "projects":
        await db.execute("update projects set status = $1", state)
        return project
    job = await owner.crawl(projectId=project, sources=LISTED, start=False)
    made = job
    if table != "crawl_jobs":
        await db.execute("update crawl_jobs set status = 'completed'")
        about: dict[str, Any] = {"crawlJobId": job} | ({"rules": {}} if table == "validation_jobs" else {})
        payload = await owner.do(VALIDATE if table == "validation_jobs" else EXPORT, input=about)
        made = next(value for name, value in payload.items() if name != "errors")["id"]
    await db.execute(f"update {table} set status = $1", state)
    return made


@pytest.mark.parametrize(("table", "name", "state"), list(pairs()))
async def test_what_may_be_done_is_done_and_what_may_not_is_refused_with_the_states_from_which_it_may(
    owner: Person, db: asyncpg.Connection, table: str, name: str, state: str
) -> None:
    _, arrows, returns, mutations = MUTATIONS[table]
    sources, target = arrows[name]
    key = await _row(owner, db, table, state)
    before = await db.fetchval("select count(*) from activity_logs")
    mutation = verb(mutations[name], returns)
    if state in sources:
        done = await owner.do(mutation, id=key)
        assert done == {returns.split()[0]: {"id": key, "status": target.upper()}, "errors": []}
    else:
        error = await refusal(owner, mutation, id=key)
        assert (error["code"], error["path"]) == ("ILLEGAL_TRANSITION", ["id"])
        assert (error["actual"], error["allowed"]) == (state.upper(), [source.upper() for source in sources])
        assert state in error["message"]
    assert await db.fetchval(f"select status from {table}") == (target if state in sources else state)
    lines = await db.fetchval("select count(*) from activity_logs") - before
    assert lines == (1 if state in sources else 0)


@pytest.mark.parametrize("state", ["pending", "running"])
@pytest.mark.parametrize("mutation", [VALIDATE, EXPORT], ids=["validation", "export"])
async def test_a_crawl_job_under_way_is_neither_validated_nor_exported(
    owner: Person, db: asyncpg.Connection, state: str, mutation: str
) -> None:
    job = await _row(owner, db, "crawl_jobs", state)
    about: dict[str, Any] = {"crawlJobId": job} | ({"rules": {}} if mutation is VALIDATE else {})
    error = await refusal(owner, mutation, input=about)
    assert (error["code"], error["path"]) == ("ILLEGAL_TRANSITION", ["input", "crawlJobId"])
    assert (error["actual"], error["allowed"]) == (state.upper(), ["PAUSED", "COMPLETED", "FAILED", "CANCELLED"])


async def test_there_is_nothing_to_retry_where_all_rows_are_stored_and_all_sources_dry(
    owner: Person, db: asyncpg.Connection
) -> None:
    job = await _row(owner, db, "crawl_jobs", "completed")
    done = '{"discovery": [{"found": 0, "state": "done", "message": null, "cursor": null, "skip": 0}]}'
    await db.execute("update crawl_jobs set options = options || $1::jsonb", done)
    error = await refusal(owner, verb("retryCrawlJob"), id=job)
    assert error["code"] == "ILLEGAL_TRANSITION"
    assert "nothing to retry" in error["message"]
    assert await db.fetchval("select status from crawl_jobs where id = $1", key_of(job)) == "completed"


async def test_an_archived_project_takes_no_new_jobs_and_no_starts_resumes_or_retries(
    owner: Person, db: asyncpg.Connection
) -> None:
    project = await owner.project()
    job = await owner.crawl(projectId=project, sources=LISTED, start=False)
    await owner.do(verb("archiveProject", "project { id }"), id=project)
    error = await refusal(owner, CREATE, input={"projectId": project, "name": "Job", "sources": LISTED})
    archived = ("ILLEGAL_TRANSITION", "ARCHIVED", ["ACTIVE"])
    assert (error["code"], error["actual"], error["allowed"]) == archived
    assert error["path"] == ["input", "projectId"]
    for name, state in (("start", "pending"), ("resume", "paused"), ("retry", "failed")):
        await db.execute("update crawl_jobs set status = $1", state)
        error = await refusal(owner, verb(f"{name}CrawlJob"), id=job)
        assert (error["code"], error["actual"], error["allowed"]) == archived
    for name, state in (("pause", "running"), ("cancel", "paused")):
        await db.execute("update crawl_jobs set status = $1", state)
        assert (await owner.do(verb(f"{name}CrawlJob"), id=job))["errors"] == []
    assert (await owner.do(VALIDATE, input={"crawlJobId": job, "rules": {}}))["errors"] == []
    assert (await owner.do(EXPORT, input={"crawlJobId": job}))["errors"] == []
    assert (await owner.do(verb("deleteCrawlJob", "deletedId"), id=job)) == {"deletedId": job, "errors": []}
    assert (await owner.do(verb("deleteProject", "deletedId"), id=project)) == {"deletedId": project, "errors": []}
