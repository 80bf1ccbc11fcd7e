"""A bulk change of images that cannot be made names what is wrong, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from tests.support.asking import refusal, verb
from tests.support.filled import DELETE, UPDATE, about, filled, states
from tests.support.service import Person

WRONG: Sequence[tuple[dict[str, Any], dict[str, Any], str, str, str | None]] = [
    ({}, {"verdict": "VALID", "reason": "r" * 201}, "INVALID", "input.reason", "200"),
    ({}, {"keyword": "k" * 201}, "INVALID", "input.keyword", "200"),
    ({}, {"keyword": ""}, "INVALID", "input.keyword", "200"),
    ({}, {}, "INVALID", "input", None),
    ({}, {"reason": "so", "keyword": "dog"}, "INVALID", "input.reason", None),
    ({}, {"reason": "so", "verdict": None}, "INVALID", "input.reason", None),
    ({"images": {"ids": []}}, {"verdict": "VALID"}, "INVALID", "input.images.ids", "1"),
    ({"images": {"ids": ["Image:1"] * 101}}, {"verdict": "VALID"}, "INVALID", "input.images.ids", "100"),
    ({"images": {"ids": ["Image:999999"]}}, {"verdict": "VALID"}, "NOT_FOUND", "input.images.ids.0", None),
    ({"images": {"ids": ["nonsense"]}}, {"verdict": "VALID"}, "NOT_FOUND", "input.images.ids.0", None),
    ({"images": {"filter": {"goneIn": "x"}}}, {"verdict": "VALID"}, "NOT_FOUND", "input.images.filter.goneIn", None),
    ({"images": {"filter": {"keyword": ["\0"]}}}, {"verdict": "VALID"}, "INVALID", "input.images.filter.keyword", None),
    ({"crawlJobId": "CrawlJob:999999"}, {"verdict": "VALID"}, "NOT_FOUND", "input.crawlJobId", None),
    ({"crawlJobId": "x"}, {"verdict": "VALID"}, "NOT_FOUND", "input.crawlJobId", None),
]


@pytest.mark.parametrize(("which", "change", "code", "path", "limit"), WRONG)
async def test_what_is_wrong_is_named_and_nothing_is_changed(
    owner: Person,
    db: asyncpg.Connection,
    which: dict[str, Any],
    change: dict[str, Any],
    code: str,
    path: str,
    limit: str | None,
) -> None:
    job, ids = await filled(db, owner, "downloaded")
    error = await refusal(owner, UPDATE, input={**about(job, *ids), **which, **change})
    assert (error["code"], ".".join(error["path"]), error["limit"]) == (code, path, limit)
    assert await states(owner, job) == ["DOWNLOADED"]


async def test_an_image_that_has_no_bytes_cannot_be_judged_and_one_that_waits_cannot_be_deleted(
    owner: Person, db: asyncpg.Connection
) -> None:
    job, ids = await filled(db, owner, "downloaded", "failed", "pending")
    error = await refusal(owner, UPDATE, input={**about(job, *ids), "verdict": "VALID"})
    assert (error["code"], error["path"][-1], error["actual"]) == ("ILLEGAL_TRANSITION", "1", "FAILED")
    assert error["allowed"] == ["DOWNLOADED", "VALID", "INVALID"]
    error = await refusal(owner, DELETE, input=about(job, *ids))
    assert (error["code"], error["path"][-1], error["actual"]) == ("ILLEGAL_TRANSITION", "2", "PENDING")
    assert await states(owner, job) == ["DOWNLOADED", "FAILED", "PENDING"]


async def test_images_of_another_job_or_another_person_are_not_there(
    owner: Person, stranger: Person, db: asyncpg.Connection
) -> None:
    job, ids = await filled(db, owner, "downloaded")
    other, _ = await filled(db, owner, "downloaded")
    theirs, _ = await filled(db, stranger, "downloaded")
    for mutation in (UPDATE, DELETE):
        change = {"verdict": "INVALID"} if mutation is UPDATE else {}
        assert (await refusal(owner, mutation, input={**about(other, *ids), **change}))["code"] == "NOT_FOUND"
        assert (await refusal(stranger, mutation, input={**about(job, *ids), **change}))["code"] == "NOT_FOUND"
        assert (await refusal(stranger, mutation, input={**about(theirs, *ids), **change}))["code"] == "NOT_FOUND"
    assert await states(owner, job) == ["DOWNLOADED"]


async def test_images_of_an_archived_project_can_be_deleted_and_no_more(owner: Person, db: asyncpg.Connection) -> None:
    job, ids = await filled(db, owner, "downloaded")
    project = (await owner.get("query($id: ID!) { crawlJob(id: $id) { project { id } } }", id=job))["crawlJob"]
    await owner.do(verb("archiveProject", "project { id }"), id=project["project"]["id"])
    error = await refusal(owner, UPDATE, input={**about(job, *ids), "verdict": "VALID"})
    assert (error["code"], error["allowed"]) == ("ILLEGAL_TRANSITION", ["ACTIVE"])
    assert (await owner.do(DELETE, input=about(job, *ids)))["count"] == 1
