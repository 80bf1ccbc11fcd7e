"""Of images that look alike a validation keeps one, whatever happens in between; the others say which one it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from app.checks.near_duplicates import MIRROR
from app.checks.rules import Rules
from app.jobs import near_duplicates, validation
from app.jobs.near_duplicates import compare
from tests.stand_ins.misbehaving import MisbehavingHost, image
from tests.stand_ins.pictures import encoded, jpeg, picture
from tests.support.asking import VALIDATE, counted, images, key_of, refusal, validated
from tests.support.asking import VALIDATION as ASK_VALIDATION
from tests.support.service import Person, entries, running_worker

LISTED = entries("http://127.0.0.1:9/a.jpg")
ROW = """
insert into images (crawl_job_id, original_url, filename, status, chunk, width, height, file_size, format, sha256,
    phash)
select $1, 'http://127.0.0.1/' || n, 'x', 'downloaded', 1, $3, 100, $4, 'jpeg', sha256(($1::text || n)::bytea), $2
from (select count(*) as n from images where crawl_job_id = $1) c returning id
"""
BASE = 0x5A5A_1234_0F0F_7777
CANCEL = "mutation($id: ID!) { cancelValidationJob(id: $id) { validationJob { id status } errors { message } } }"


async def stored(
    db: asyncpg.Connection, owner: Person, *hashes: int | None, widths: Sequence[int] = (), project: str | None = None
) -> tuple[str, list[int]]:
    """A crawl job that has ended with an image for each hash, and their keys."""
    job = await owner.crawl(sources=LISTED, start=False, projectId=project)
    widths = widths or [100] * len(hashes)
    keys = [await db.fetchval(ROW, key_of(job), one, width, 1000) for one, width in zip(hashes, widths, strict=True)]
    await db.execute(
        "update crawl_jobs set status = 'completed', total_images = $2, downloaded_images = $2, valid_images = $2"
        " where id = $1",
        key_of(job),
        len(hashes),
    )
    return job, keys


async def verdicts(db: asyncpg.Connection, job: str) -> dict[int, str]:
    """Key → what the first issue measured, or its state."""
    rows = await db.fetch(
        "select id, coalesce(issues->0->>'measured', status) as said from images where crawl_job_id = $1 order by id",
        key_of(job),
    )
    return {row["id"]: row["said"] for row in rows}


async def claimed(owner: Person, job: str, **rules: Any) -> validation.Claim:
    """A validation that this test works on itself."""
    made = await owner.do(VALIDATE, input={"crawlJobId": job, "rules": rules})
    found = await validation.claim(key_of(made["validationJob"]["id"]), 0)
    assert found
    return found


async def worked(claim: validation.Claim) -> None:
    """What a worker does."""
    compared, last_id = await compare(claim), 0
    while (found := await validation.judge_after(claim, last_id, compared)) is not None:
        last_id = found


async def test_the_largest_of_images_that_look_alike_is_kept_and_the_others_name_it(owner: Person) -> None:
    shown = picture(320, 240, seed=1)
    files = {
        "/small.jpg": encoded(shown.resize((160, 120)), "JPEG", quality=85),
        "/large.jpg": encoded(shown, "JPEG", quality=85),
        "/pale.png": encoded(shown.resize((200, 150)), "PNG"),
        "/other.jpg": jpeg(seed=2),
    }
    async with MisbehavingHost({path: image(data) for path, data in files.items()}) as host, running_worker():
        job = await owner.crawl(sources=entries(*(host.url(path) for path in files)), maxImages=9)
        await owner.ended(job)
        judged = await validated(owner, job, nearDuplicateDistance=4)
    assert (judged["validatedImages"], judged["invalidImages"]) == (4, 2)
    assert (await owner.job(job))["validImages"] == 2
    found = {one["originalUrl"].rpartition("/")[2]: one for one in await images(owner, job)}
    assert [found[name]["status"] for name in ("large.jpg", "other.jpg")] == ["VALID", "VALID"]
    for name in ("small.jpg", "pale.png"):
        (issue,) = found[name]["issues"]
        distance, _, keeper = issue.pop("measured").partition(" to ")
        assert keeper == found["large.jpg"]["id"]
        assert int(distance.removeprefix("distance ")) <= 4
        message = "It looks like an image that is kept."
        assert issue == {"code": "near_duplicate", "message": message, "limit": "4"}


async def test_the_distance_itself_is_near_and_beyond_it_is_not(db: asyncpg.Connection, owner: Person) -> None:
    job, (first, three, five) = await stored(db, owner, BASE, BASE ^ 0b111, BASE ^ (0b11111 << 40))
    async with running_worker():
        await validated(owner, job, nearDuplicateDistance=3)
    near = f"distance 3 to Image:{first}"
    assert await verdicts(db, job) == {first: "valid", three: near, five: "valid"}


async def test_judging_again_by_another_distance_judges_anew(db: asyncpg.Connection, owner: Person) -> None:
    job, keys = await stored(db, owner, BASE, BASE ^ 1, BASE ^ 3, -BASE)
    async with running_worker():
        for distance, usable in ((8, 2), (0, 4), (1, 3), (1, 3), (None, 4)):
            judged = await validated(owner, job, nearDuplicateDistance=distance)
            assert judged["invalidImages"] == 4 - usable
            assert (await owner.job(job))["validImages"] == usable
            assert (await counted(db, job)).get("valid") == usable
    assert await verdicts(db, job) == dict.fromkeys(keys, "valid")


async def test_an_image_that_fails_another_rule_takes_none_with_it(db: asyncpg.Connection, owner: Person) -> None:
    job, (large, fair, small) = await stored(db, owner, BASE, BASE, BASE, widths=(900, 500, 10))
    async with running_worker():
        await validated(owner, job, nearDuplicateDistance=4, maxWidth=800, minWidth=50)
    near = {large: "900 px", fair: "valid", small: "10 px"}
    assert await verdicts(db, job) == near


async def test_an_image_whose_hash_is_not_known_does_not_pass_for_unique(db: asyncpg.Connection, owner: Person) -> None:
    job, (known, unknown) = await stored(db, owner, BASE, None)
    async with running_worker():
        await validated(owner, job, nearDuplicateDistance=4)
    assert await verdicts(db, job) == {known: "valid", unknown: "unknown"}


async def test_a_mirrored_picture_is_near_where_that_is_asked(db: asyncpg.Connection, owner: Person) -> None:
    mirror = MIRROR - 2**64
    job, (first, mirrored) = await stored(db, owner, BASE, BASE ^ mirror ^ 0b111)
    async with running_worker():
        await validated(owner, job, nearDuplicateDistance=4)
        assert await verdicts(db, job) == {first: "valid", mirrored: "valid"}
        await validated(owner, job, nearDuplicateDistance=4, nearDuplicateMirrored=True)
    assert await verdicts(db, job) == {first: "valid", mirrored: f"distance 3 to Image:{first}, mirrored"}


async def test_in_a_project_the_older_jobs_image_is_kept_and_younger_and_strange_ones_are_not_asked(
    db: asyncpg.Connection, owner: Person
) -> None:
    project = await owner.project()
    await stored(db, owner, BASE)  # another project
    older, (kept, unusable) = await stored(db, owner, BASE, -BASE, project=project)
    await db.execute("update images set status = 'invalid' where id = $1", unusable)
    job, keys = await stored(db, owner, BASE ^ 1, -BASE, 99, 98, project=project, widths=(900, 900, 100, 200))
    await stored(db, owner, 99, project=project, widths=(900,))
    near = f"distance 1 to Image:{kept}"
    async with running_worker():
        alone = await validated(owner, job, nearDuplicateDistance=4)
        assert alone["invalidImages"] == 1
        await validated(owner, job, nearDuplicateDistance=4, nearDuplicateScope="PROJECT")
    said = [near, "valid", f"distance 1 to Image:{keys[3]}", "valid"]
    assert list((await verdicts(db, job)).values()) == said
    assert await counted(db, older) == {"downloaded": 1, "invalid": 1}


async def test_the_rules_of_a_validation_can_be_read(db: asyncpg.Connection, owner: Person) -> None:
    job, _ = await stored(db, owner, BASE)
    ask = "query($id: ID!) { validationJob(id: $id) { validationRules { nearDuplicateDistance nearDuplicateScope"
    ask += " nearDuplicateMirrored } } }"
    for given, read in (
        ({"nearDuplicateDistance": 4}, [4, "JOB", False]),
        (
            {"nearDuplicateDistance": 0, "nearDuplicateScope": "PROJECT", "nearDuplicateMirrored": True},
            [0, "PROJECT", True],
        ),
        ({}, [None, None, None]),
    ):
        made = await owner.do(VALIDATE, input={"crawlJobId": job, "rules": given})
        found = await owner.get(ask, id=made["validationJob"]["id"])
        assert list(found["validationJob"]["validationRules"].values()) == read


@pytest.mark.parametrize(
    ("rules", "field", "limit"),
    [
        ({"nearDuplicateDistance": 9}, "nearDuplicateDistance", "8"),
        ({"nearDuplicateDistance": -1}, "nearDuplicateDistance", "0"),
        ({"nearDuplicateScope": "JOB"}, "nearDuplicateScope", None),
        ({"nearDuplicateMirrored": True}, "nearDuplicateMirrored", None),
    ],
)
async def test_a_rule_that_asks_nothing_is_refused_with_its_field(
    db: asyncpg.Connection, owner: Person, rules: dict[str, Any], field: str, limit: str | None
) -> None:
    job, _ = await stored(db, owner, BASE)
    error = await refusal(owner, VALIDATE, input={"crawlJobId": job, "rules": rules})
    assert (error["path"], error["limit"]) == (["input", "rules", field], limit)


async def test_a_validation_whose_worker_died_in_the_middle_ends_as_if_it_had_not(
    db: asyncpg.Connection, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "BATCH_ROWS", 2)
    monkeypatch.setattr(near_duplicates, "BATCH_ROWS", 2)
    job, keys = await stored(db, owner, BASE, BASE ^ 1, 77, BASE ^ 3, 76, widths=(100, 100, 100, 300, 300))
    lost = await claimed(owner, job, nearDuplicateDistance=4)
    compared = await compare(lost)
    assert await validation.judge_after(lost, 0, compared) == keys[1]
    again = await validation.claim(lost.validation_job_id, 0)
    assert again
    assert await validation.judge_after(lost, keys[1], compared) is None
    await worked(again)
    one, two = f"Image:{keys[3]}", f"Image:{keys[4]}"
    said = [f"distance 2 to {one}", f"distance 1 to {one}", f"distance 1 to {two}", "valid", "valid"]
    assert list((await verdicts(db, job)).values()) == said
    assert (await owner.job(job))["validImages"] == 2
    (found,) = (await owner.get(ASK_VALIDATION, id=f"ValidationJob:{lost.validation_job_id}")).values()
    assert (found["status"], found["validatedImages"], found["invalidImages"]) == ("COMPLETED", 5, 3)


async def test_a_validation_that_is_cancelled_while_it_compares_judges_nothing(
    db: asyncpg.Connection, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_duplicates, "BEAT_S", 0)
    job, _ = await stored(db, owner, BASE, BASE)
    claim = await claimed(owner, job, nearDuplicateDistance=4)
    cancelled = await owner.do(CANCEL, id=f"ValidationJob:{claim.validation_job_id}")
    assert not cancelled["errors"]
    assert await compare(claim) is None
    await worked(claim)
    assert await counted(db, job) == {"downloaded": 2}


async def test_comparing_moves_the_progress_and_shows_life(
    db: asyncpg.Connection, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_duplicates, "BEAT_S", 0)
    monkeypatch.setattr(near_duplicates, "TURN_S", 0)
    job, _ = await stored(db, owner, *range(40))
    claim = await claimed(owner, job, nearDuplicateDistance=4)
    before = await db.fetchval("select updated_at from validation_jobs where id = $1", claim.validation_job_id)
    await compare(claim)
    row = await db.fetchrow("select updated_at, progress from validation_jobs where id = $1", claim.validation_job_id)
    assert row["updated_at"] > before
    assert 10 <= row["progress"] <= 50


async def test_more_images_than_can_be_compared_fail_the_validation_with_the_limit(
    db: asyncpg.Connection, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_duplicates, "MAX_COMPARED", 2)
    project = await owner.project()
    await stored(db, owner, 1, 2, project=project)
    job, _ = await stored(db, owner, 3, project=project)
    async with running_worker():
        assert (await validated(owner, job, nearDuplicateDistance=4))["status"] == "COMPLETED"
        failed = await validated(owner, job, nearDuplicateDistance=4, nearDuplicateScope="PROJECT")
    assert failed["status"] == "FAILED"
    assert "at most 2 images" in failed["errorMessage"]


def test_rules_of_before_are_read_as_they_were_written() -> None:
    assert Rules.from_json({"min_width": 5}) == Rules(min_width=5)
