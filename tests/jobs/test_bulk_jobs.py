"""Many jobs at once: what is wrong with one is named by its place, and no hindrance for the others."""

from __future__ import annotations

import asyncpg

from tests.support.asking import ERRORS
from tests.support.filled import filled
from tests.support.service import Person

MANY = f"mutation($ids: [ID!]!) {{ deleteCrawlJobs(ids: $ids) {{ ids {ERRORS} }} }}"


async def test_many_jobs_are_deleted_each_for_itself(owner: Person, stranger: Person, db: asyncpg.Connection) -> None:
    (first, _), (second, _) = await filled(db, owner, "downloaded"), await filled(db, owner)
    theirs, _ = await filled(db, stranger)
    done = await owner.do(MANY, ids=[first, theirs, "x", second])
    assert done["ids"] == [first, second]
    assert [(error["code"], error["path"]) for error in done["errors"]] == [
        ("NOT_FOUND", ["ids", "1"]),
        ("NOT_FOUND", ["ids", "2"]),
    ]
    assert await db.fetchval("select count(*) from crawl_jobs") == 1
    (error,) = (await owner.do(MANY, ids=[]))["errors"]
    assert (error["code"], error["path"], error["limit"]) == ("INVALID", ["ids"], "1")


async def test_many_jobs_are_cancelled_and_those_that_have_ended_are_named(
    owner: Person, db: asyncpg.Connection
) -> None:
    running, _ = await filled(db, owner, "pending", status="running")
    ended, _ = await filled(db, owner)
    done = await owner.do(MANY.replace("delete", "cancel"), ids=[ended, running])
    assert done["ids"] == [running]
    assert [(error["code"], error["path"], error["actual"]) for error in done["errors"]] == [
        ("ILLEGAL_TRANSITION", ["ids", "0"], "COMPLETED")
    ]
    assert (await owner.job(running))["status"] == "CANCELLED"
