"""The same idempotency key by the same user gives the same job again, whatever has happened since."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from tests.support.asking import refusal, verb
from tests.support.service import CREATE, Person, entries

LISTED = entries("http://127.0.0.1:9/a.jpg")


def asked(project: str, key: str | None, name: str = "Job") -> dict[str, Any]:
    return {"projectId": project, "name": name, "sources": LISTED, "start": False, "idempotencyKey": key}


async def created(owner: Person, project: str, key: str | None, name: str = "Job") -> str:
    made = await owner.do(CREATE, input=asked(project, key, name))
    assert made["errors"] == []
    return str(made["crawlJob"]["id"])


async def _lines(db: asyncpg.Connection) -> int:
    return int(await db.fetchval("select count(*) from activity_logs where action = 'crawl_job.created'"))


async def test_the_same_key_gives_the_same_job_in_any_project_of_the_same_user(
    owner: Person, db: asyncpg.Connection
) -> None:
    project, other = await owner.project(), await owner.project("Dogs")
    first = await created(owner, project, "k")
    assert await created(owner, project, "k", name="Another name") == first
    assert await created(owner, other, "k") == first
    assert await created(owner, project, "l") != first
    assert len({await created(owner, project, None) for _ in range(2)}) == 2
    assert await db.fetchval("select name from crawl_jobs where idempotency_key = 'k'") == "Job"
    assert await _lines(db) == 4


async def test_twenty_requests_at_once_make_one_job_and_one_line(owner: Person, db: asyncpg.Connection) -> None:
    projects = [await owner.project(), await owner.project("Dogs")]
    made = await asyncio.gather(*(created(owner, projects[number % 2], "k") for number in range(20)))
    assert len(set(made)) == 1
    assert await db.fetchval("select count(*) from crawl_jobs") == 1
    assert await _lines(db) == 1


async def test_anothers_key_is_another_key(owner: Person, stranger: Person, db: asyncpg.Connection) -> None:
    project, theirs = await owner.project(), await stranger.project()
    mine = await created(owner, project, "k")
    assert await created(stranger, theirs, "k") != mine
    error = await refusal(stranger, CREATE, input=asked(project, "k"))
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "projectId"])


async def test_a_repeated_request_is_answered_though_the_project_is_archived_since(owner: Person) -> None:
    project = await owner.project()
    first = await created(owner, project, "k")
    await owner.do(verb("archiveProject", "project { id }"), id=project)
    assert await created(owner, project, "k") == first
    assert (await refusal(owner, CREATE, input=asked(project, "l")))["code"] == "ILLEGAL_TRANSITION"
