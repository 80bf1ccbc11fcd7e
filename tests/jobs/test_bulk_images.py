"""Many images at once: judged by hand, labeled anew, deleted; counters stay exact, and validations keep off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.jobs import images as bulk
from app.jobs.collect import collect
from app.storage import storage
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, counted, exported, good, images, key_of, refusal, urls, validated, verb
from tests.support.filled import exact, filled
from tests.support.service import Person, entries, running_worker

UPDATE = f"""mutation($input: UpdateImagesInput!) {{ updateImages(input: $input) {{
  count hasMore crawlJob {{ id totalImages downloadedImages validImages }} {ERRORS} }} }}"""
DELETE = UPDATE.replace("UpdateImagesInput", "DeleteImagesInput").replace("updateImages", "deleteImages")


def about(job: str, *ids: str, **filters: Any) -> dict[str, Any]:
    """The part of an input that says which images."""
    return {"crawlJobId": job, "images": {"ids": list(ids)} if ids else {"filter": filters}}


async def judged(who: Person, job: str, verdict: str | None, *ids: str, **more: Any) -> dict[str, Any]:
    done = await who.do(UPDATE, input={**about(job, *ids), "verdict": verdict, **more})
    assert not done["errors"], done
    return done


async def states(who: Person, job: str) -> list[str]:
    return [one["status"] for one in await images(who, job)]


async def test_chosen_images_are_refused_by_hand_with_a_reason_and_no_longer_count(
    owner: Person, db: asyncpg.Connection
) -> None:
    job, ids = await filled(db, owner, "downloaded", "valid", "invalid", "failed")
    done = await judged(owner, job, "INVALID", ids[0], ids[1], reason="blurred")
    assert (done["count"], done["hasMore"]) == (2, False)
    assert done["crawlJob"] == {"id": job, "totalImages": 4, "downloadedImages": 3, "validImages": 0}
    found = await images(owner, job)
    assert [one["status"] for one in found] == ["INVALID", "INVALID", "INVALID", "FAILED"]
    assert found[0]["issues"] == [
        {"code": "by_hand", "message": "Refused by hand: blurred", "measured": None, "limit": None}
    ]
    assert [one["id"] for one in await images(owner, job, issue=["by_hand"])] == ids[:2]
    assert await exact(db, job)


async def test_what_is_judged_so_already_is_not_counted_again(owner: Person, db: asyncpg.Connection) -> None:
    job, ids = await filled(db, owner, "downloaded", "downloaded")
    assert (await judged(owner, job, "VALID", *ids))["count"] == 2
    assert (await judged(owner, job, "VALID", *ids))["count"] == 0
    assert (await judged(owner, job, "VALID", *ids, reason="sharp"))["count"] == 2
    assert await exact(db, job)


async def test_a_filter_chooses_what_can_be_judged_in_parts_until_there_is_no_more(
    owner: Person, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    job, _ = await filled(db, owner, "downloaded", "failed", "valid", "pending", "valid", "duplicate", "downloaded")
    asked = {**about(job, keyword=["cat"], minWidth=101), "verdict": "INVALID"}
    counts, more = [], True
    while more:
        done = await owner.do(UPDATE, input=asked)
        assert done["errors"] == []
        counts.append(done["count"])
        more = done["hasMore"]
    assert counts == [2, 1]
    assert await counted(db, job) == {"downloaded": 1, "failed": 1, "pending": 1, "duplicate": 1, "invalid": 3}
    assert await exact(db, job)


async def test_validations_keep_off_what_a_person_decided_until_it_is_given_back(
    owner: Person, db: asyncpg.Connection
) -> None:
    job, ids = await filled(db, owner, "downloaded", "downloaded", "downloaded", "downloaded")
    await judged(owner, job, "INVALID", ids[0])
    await judged(owner, job, "VALID", ids[1])
    async with running_worker():
        found = await validated(owner, job, minWidth=5_000)
        assert (found["totalImages"], found["validatedImages"], found["invalidImages"]) == (2, 2, 2)
        assert await states(owner, job) == ["INVALID", "VALID", "INVALID", "INVALID"]
        assert (await judged(owner, job, None, *ids))["count"] == 2
        assert await states(owner, job) == ["DOWNLOADED", "DOWNLOADED", "INVALID", "INVALID"]
        assert await exact(db, job)
        await validated(owner, job, minWidth=10)
    assert await states(owner, job) == ["VALID"] * 4
    assert await exact(db, job)


async def test_of_images_that_look_alike_the_one_kept_by_hand_stays(owner: Person, db: asyncpg.Connection) -> None:
    job, ids = await filled(db, owner, "downloaded", "downloaded", "downloaded")
    await db.execute("update images set phash = 7 where crawl_job_id = $1", key_of(job))
    await judged(owner, job, "VALID", ids[0])
    await judged(owner, job, "INVALID", ids[2])
    async with running_worker():
        await validated(owner, job, nearDuplicateDistance=4)
    found = await images(owner, job)
    assert [one["status"] for one in found] == ["VALID", "INVALID", "INVALID"]
    assert found[1]["issues"][0]["measured"].endswith(f"to {ids[0]}")
    await judged(owner, job, "INVALID", ids[0])
    async with running_worker():
        await validated(owner, job, nearDuplicateDistance=4)
    assert await states(owner, job) == ["INVALID", "VALID", "INVALID"]


async def test_classes_are_set_and_cleared_and_the_dataset_has_them(owner: Person, db: asyncpg.Connection) -> None:
    job, ids = await filled(db, owner, "downloaded", "failed", "pending", keyword=None)
    done = await owner.do(UPDATE, input={**about(job, *ids), "keyword": " dog "})
    assert (done["count"], done["errors"]) == (3, [])
    assert [one["keyword"] for one in await images(owner, job)] == ["dog"] * 3
    assert await states(owner, job) == ["DOWNLOADED", "FAILED", "PENDING"]
    both = await owner.do(UPDATE, input={**about(job, ids[0]), "keyword": None, "verdict": "VALID"})
    assert both["count"] == 1
    first, *_ = await images(owner, job)
    assert (first["keyword"], first["status"]) == (None, "VALID")
    assert await exact(db, job)


async def test_a_running_job_goes_on_when_its_images_are_refused_and_ends_when_enough_are_kept(
    owner: Person, db: asyncpg.Connection
) -> None:
    job, ids = await filled(db, owner, "downloaded", "invalid", "pending", status="running")
    await db.execute("update crawl_jobs set max_images = 2 where id = $1", key_of(job))
    await judged(owner, job, "INVALID", ids[0])
    assert (await owner.job(job))["status"] == "RUNNING"
    await judged(owner, job, "VALID", ids[0], ids[1])
    ended = await owner.job(job)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 2)


async def test_deleted_images_are_gone_with_their_duplicates_and_the_bytes_are_collected(owner: Person) -> None:
    twice = good(3) | {"/again.jpg": good(1)["/0.jpg"]}
    async with MisbehavingHost(twice) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1, 2), host.url("/again.jpg")), chunkSize=1)
        await owner.ended(job)
        found = {one["originalUrl"]: one for one in await images(owner, job)}
        pair = [found[host.url("/0.jpg")], found[host.url("/again.jpg")]]
        (first,) = (one["id"] for one in pair if one["status"] == "DOWNLOADED")
        done = await owner.do(DELETE, input=about(job, first))
        assert (done["count"], done["hasMore"], done["errors"]) == (2, False, [])
        assert done["crawlJob"] == {"id": job, "totalImages": 2, "downloadedImages": 2, "validImages": 2}
        await collect(storage(), datetime.now(UTC) + timedelta(seconds=5))
        names = [one["filename"] async for one in _files()]
        assert pair[0]["filename"] not in names
        assert {one["filename"] for one in await images(owner, job)} <= set(names)
        assert (await exported(owner, job))["totalImages"] == 2


async def _files() -> Any:
    async for stored in storage().list("images/"):
        yield {"filename": stored.key.rsplit("/", 1)[-1]}


async def test_counters_are_exact_after_deleting_by_filter_and_pending_rows_stay(
    owner: Person, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    job, _ = await filled(db, owner, "downloaded", "valid", "invalid", "failed", "duplicate", "pending", "valid")
    counts, more = [], True
    while more:
        done = await owner.do(DELETE, input=about(job))
        counts.append(done["count"])
        more = done["hasMore"]
        assert await exact(db, job)
    assert counts == [3, 3]
    assert await states(owner, job) == ["PENDING"]


async def test_one_line_of_the_activity_log_tells_of_all(owner: Person, db: asyncpg.Connection) -> None:
    job, ids = await filled(db, owner, "downloaded", "valid")
    await judged(owner, job, "INVALID", *ids, reason="blurred")
    await owner.do(DELETE, input=about(job, ids[0]))
    lines = (
        await owner.get("{ viewer { activityLogs(last: 2) { nodes { action resourceType resourceId metadata } } } }")
    )["viewer"]["activityLogs"]["nodes"]
    key = str(key_of(job))
    assert lines == [
        {
            "action": "images.updated",
            "resourceType": "CrawlJob",
            "resourceId": key,
            "metadata": {"status": "INVALID", "reason": "blurred", "images": 2},
        },
        {"action": "images.deleted", "resourceType": "CrawlJob", "resourceId": key, "metadata": {"images": 1}},
    ]


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
