"""How a crawl ends: its goal reached exactly, its sources run dry, some of them failed, all of them failed."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.stand_ins.misbehaving import MisbehavingHost, after, held, image, reset, status
from tests.stand_ins.openverse import OpenverseStandIn, denied, record
from tests.stand_ins.pictures import jpeg
from tests.support.asking import act, counted, good, images, urls
from tests.support.configured import configured
from tests.support.service import Person, entries, running_worker, until


@pytest.mark.parametrize("chunk_size", [1, 3, 500])
async def test_the_goal_is_reached_exactly_though_more_candidates_are_there(
    owner: Person, db: asyncpg.Connection, chunk_size: int
) -> None:
    async with MisbehavingHost(good(30)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(30))), maxImages=7, chunkSize=chunk_size)
        ended = await owner.ended(job)
        asked = len(host.log)
    assert (ended["status"], ended["validImages"], ended["progress"]) == ("COMPLETED", 7, 100)
    assert asked == 7
    assert await counted(db, job) == {"downloaded": 7}


async def test_failures_and_duplicates_do_not_count_more_is_drawn_in_their_place(
    owner: Person, db: asyncpg.Connection
) -> None:
    behaviors = good(10) | {f"/copy-{n}.jpg": image(jpeg(seed=0)) for n in range(5)}
    async with MisbehavingHost(behaviors) as host, running_worker():
        listed = urls(host, 0, 900, 901) + [host.url(f"/copy-{n}.jpg") for n in range(5)]
        listed += urls(host, 902, 903, *range(1, 10))
        job = await owner.crawl(sources=entries(*listed), maxImages=6, chunkSize=4)
        ended = await owner.ended(job)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 6), ended
    states = await counted(db, job)
    assert states["downloaded"] == 6
    assert states["duplicate"] == 5
    assert states["failed"] == 4
    assert ended["totalImages"] == sum(states.values())
    found = await images(owner, job)
    # Everything but the copies and the missing ones is another picture, and none was left out on the way.
    assert [one["originalUrl"] for one in found] == listed[: len(found)]


async def test_a_job_whose_sources_run_dry_is_completed_with_what_there_was(
    owner: Person, db: asyncpg.Connection
) -> None:
    async with MisbehavingHost(good(4)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1, 2, 3, 900)), maxImages=1000)
        ended = await owner.ended(job)
    assert ended == ended | {"status": "COMPLETED", "progress": 100, "validImages": 4, "errorMessage": None}
    assert await counted(db, job) == {"downloaded": 4, "failed": 1}


async def test_a_list_that_repeats_a_url_has_one_row_for_it(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost(good(2)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1, 0, 0, 1)) + entries(*urls(host, 1, 0)))
        ended = await owner.ended(job)
        assert sorted(host.log) == ["/0.jpg", "/1.jpg"]
    assert (ended["status"], ended["totalImages"], ended["validImages"]) == ("COMPLETED", 2, 2)


async def test_images_of_several_sources_come_together(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost(good(12)) as host:
        records = [record(number, "cat", url=host.url(f"/{number}.jpg")) for number in range(6)]
        async with OpenverseStandIn(records) as openverse:
            with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
                async with running_worker():
                    sources: list[dict[str, Any]] = [{"openverse": {}}, *entries(*urls(host, *range(6, 12)))]
                    job = await owner.crawl(keywords=["cat"], sources=sources, maxImages=10)
                    ended = await owner.ended(job)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 10)
    assert sum(source["found"] for source in ended["sources"]) == ended["totalImages"] == 10
    found = {one["provenance"]["source"] for one in await images(owner, job)}
    assert found == {"openverse", "url_list"}


async def test_one_failing_source_is_named_and_the_job_completes_with_the_others(owner: Person) -> None:
    async with MisbehavingHost(good(3)) as host, OpenverseStandIn([]) as openverse:
        openverse.faults[:] = [denied(401, "no") for _ in range(20)]
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            async with running_worker():
                sources: list[dict[str, Any]] = [{"openverse": {}}, *entries(*urls(host, 0, 1, 2))]
                job = await owner.crawl(keywords=["cat"], sources=sources)
                ended = await owner.ended(job)
    assert (ended["status"], ended["progress"], ended["validImages"]) == ("COMPLETED", 100, 3), ended
    failed, done = ended["sources"]
    assert (failed["state"], done["state"], done["message"]) == ("failed", "done", None)
    assert ended["errorMessage"] == failed["message"]
    assert "Openverse" in failed["message"]


async def test_a_job_of_which_every_source_failed_and_nothing_was_stored_is_failed(owner: Person) -> None:
    async with OpenverseStandIn([]) as openverse:
        openverse.faults[:] = [denied(401, "no") for _ in range(40)]
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            async with running_worker():
                job = await owner.crawl(keywords=["cat"], sources=[{"openverse": {}}, {"openverse": {"minWidth": 9}}])
                ended = await owner.ended(job)
                assert (ended["status"], ended["totalImages"]) == ("FAILED", 0), ended
                assert ended["progress"] < 100
                assert ended["errorMessage"]
                # The source is better now: another try asks it again.
                openverse.faults.clear()
                await act(owner, "retryCrawlJob", job)
                ended = await owner.ended(job)
    assert (ended["status"], ended["errorMessage"], ended["progress"]) == ("COMPLETED", None, 100)


async def test_a_job_of_which_every_image_failed_is_completed_with_the_reasons(
    owner: Person, db: asyncpg.Connection
) -> None:
    async with MisbehavingHost({"/0.jpg": status(500), "/1.jpg": reset}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1)))
        ended = await owner.ended(job)
    assert (ended["status"], ended["progress"], ended["validImages"]) == ("COMPLETED", 100, 0)
    codes = [one["issues"][0]["code"] for one in await images(owner, job)]
    assert codes == ["http_status", "connect_failed"]


async def test_a_retry_fetches_the_failed_rows_again_and_no_others(owner: Person, db: asyncpg.Connection) -> None:
    broken = after(20, status(503), image(jpeg(seed=1)))
    async with MisbehavingHost(good(1) | {"/1.jpg": broken}) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1, 900)), chunkSize=1)
        ended = await owner.ended(job)
        assert await counted(db, job) == {"downloaded": 1, "failed": 2}
        host.log.clear()
        host.behaviors["/1.jpg"] = image(jpeg(seed=1))
        retried = await act(owner, "retryCrawlJob", job)
        assert retried["status"] == "RUNNING"
        ended = await owner.ended(job)
        assert set(host.log) == {"/1.jpg", "/900.jpg"}
    assert await counted(db, job) == {"downloaded": 2, "failed": 1}
    assert ended == ended | {"status": "COMPLETED", "validImages": 2, "totalChunks": 3, "completedChunks": 3}
    stored, failed = [one for one in await images(owner, job) if one["originalUrl"] != urls(host, 0)[0]]
    assert stored["issues"] == []
    assert failed["issues"][0]["code"] == "http_status"


async def test_progress_never_falls_while_the_job_runs(owner: Person) -> None:
    gate = asyncio.Event()
    behaviors = good(6) | {f"/{n}.jpg": held(gate, image(jpeg(seed=n))) for n in range(6, 12)}
    async with MisbehavingHost(behaviors) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(12))), maxImages=12)

        async def half_way() -> dict[str, Any] | None:
            found = await owner.job(job)
            return found if found["validImages"] == 6 else None

        found = await until(half_way)
        assert found["progress"] == 50
        gate.set()
        seen = [found["progress"]]
        while (found := await owner.job(job))["status"] == "RUNNING":
            seen.append(found["progress"])
    assert seen == sorted(seen)
    assert max(seen) < 100
    assert found["progress"] == 100
