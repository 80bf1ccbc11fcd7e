"""Many images at once: judged by hand, labeled anew, deleted; counters stay exact, and validations keep off."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.jobs import export
from app.jobs import images as bulk
from app.jobs.collect import collect
from app.storage import storage
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, counted, exported, good, images, key_of, urls, validated
from tests.support.filled import DELETE, UPDATE, about, exact, filled, states
from tests.support.service import Person, entries, running_worker

LONG_AGO = "2020-01-01T00:00:00Z"


async def judged(who: Person, job: str, verdict: str | None, *ids: str, **more: Any) -> dict[str, Any]:
    done = await who.do(UPDATE, input={**about(job, *ids), "verdict": verdict, **more})
    assert not done["errors"], done
    return done


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


async def test_people_and_a_validation_at_the_same_images_leave_exact_counters(
    owner: Person, db: asyncpg.Connection
) -> None:
    job, ids = await filled(db, owner, *["downloaded"] * 30)

    async def decide(number: int) -> None:
        verdict = ("VALID", "INVALID", None)[number % 3]
        chosen = ids[number : number + 12]
        await owner.do(UPDATE, input={**about(job, *chosen), "verdict": verdict, "reason": None})

    async with running_worker():
        await asyncio.gather(
            *(decide(number) for number in range(12)),
            *(validated(owner, job, minWidth=110 + number) for number in range(3)),
            owner.do(DELETE, input=about(job, *ids[25:])),
        )
    assert await exact(db, job)
    assert len(await images(owner, job)) == 25


async def test_what_is_deleted_from_a_re_crawl_does_not_count_as_missing(owner: Person, db: asyncpg.Connection) -> None:
    job, ids = await filled(db, owner, "downloaded", "downloaded", "downloaded")
    compared = 'update images set fetch = fetch || \'{"difference": "unchanged"}\' where crawl_job_id = $1'
    former, _ = await filled(db, owner)
    about_former = "update crawl_jobs set options = options || jsonb_build_object('recrawl_of', $2::int,"
    await db.execute(compared.replace("set fetch = fetch", 'set "fetch" = images."fetch"'), key_of(job))
    await db.execute(about_former + " 'recrawl_stored', 3) where id = $1", key_of(job), key_of(former))
    query = "query($id: ID!) { crawlJob(id: $id) { difference { unchanged undecided gone } } }"
    before = (await owner.get(query, id=job))["crawlJob"]["difference"]
    await owner.do(DELETE, input=about(job, ids[0]))
    after = (await owner.get(query, id=job))["crawlJob"]["difference"]
    assert after == before | {"unchanged": before["unchanged"] - 1}


async def test_an_export_takes_the_same_filters_as_lists(owner: Person, db: asyncpg.Connection) -> None:
    job, _ = await filled(db, owner, "downloaded", "downloaded")
    await db.execute("update images set quality = '{\"sharpness\": 3}' where width = 100")
    create = f"""mutation($input: CreateExportJobInput!) {{
      createExportJob(input: $input) {{ exportJob {{ id }} {ERRORS} }} }}"""
    made = await owner.do(create, input={"crawlJobId": job, "filter": {"maxSharpness": 20, "updatedAfter": LONG_AGO}})
    claimed = await export.claim(key_of(made["exportJob"]["id"]), 60)
    assert claimed
    async with export.chosen_images(claimed) as chosen:
        assert [one.width async for one in chosen] == [100]


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
