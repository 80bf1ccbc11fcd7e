"""Progress of validations and exports: a snapshot, the final state, the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from app.progress import hub
from app.storage import storage
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import EXPORT, VALIDATE, good, images, urls, verb
from tests.support.service import Person, entries, running_worker
from tests.support.watching import EXPORT as EXPORT_PROGRESS
from tests.support.watching import VALIDATION, watching

IMAGES = 6


@pytest_asyncio.fixture
async def crawled(owner: Person) -> AsyncIterator[str]:
    """The id of a crawl of six images that has ended; no worker runs."""
    async with MisbehavingHost(good(IMAGES)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(IMAGES))))
        assert (await owner.ended(job))["validImages"] == IMAGES
    yield job


async def test_a_validation_is_followed_to_its_end(owner: Person, crawled: str) -> None:
    made = await owner.do(VALIDATE, input={"crawlJobId": crawled, "rules": {"minWidth": 10_000}})
    key = made["validationJob"]["id"]
    async with watching(owner, VALIDATION, key) as subscriber:
        snapshot = await subscriber.frame()
        assert (snapshot["validationJob"]["status"], snapshot["validationJob"]["progress"]) == ("PENDING", 0)
        async with running_worker():
            frames = await subscriber.all()
    assert subscriber.ended_by == "complete"
    assert frames[-1]["validationJob"] == {
        "id": key,
        "status": "COMPLETED",
        "progress": 100,
        "validatedImages": IMAGES,
        "invalidImages": IMAGES,
        "totalImages": IMAGES,
    }
    assert [frame["version"] for frame in frames] == sorted({frame["version"] for frame in frames})
    assert hub().topics == {}


async def test_an_export_is_followed_to_its_end_where_its_link_is(owner: Person, crawled: str) -> None:
    key = (await owner.do(EXPORT, input={"crawlJobId": crawled}))["exportJob"]["id"]
    async with watching(owner, EXPORT_PROGRESS, key) as subscriber:
        snapshot = await subscriber.frame()
        assert snapshot["exportJob"]["downloadUrl"] is None
        async with running_worker():
            frames = await subscriber.all()
    last = frames[-1]["exportJob"]
    assert last == last | {"status": "COMPLETED", "progress": 100, "exportedImages": IMAGES, "totalImages": IMAGES}
    assert last["fileSize"] > 0
    assert last["downloadUrl"]


async def test_an_export_whose_bytes_are_gone_fails_with_a_reason(owner: Person, crawled: str) -> None:
    one = (await images(owner, crawled))[0]
    name = one["filename"]
    await storage().delete([f"images/{name[:2]}/{name}"])
    key = (await owner.do(EXPORT, input={"crawlJobId": crawled}))["exportJob"]["id"]
    async with watching(owner, EXPORT_PROGRESS, key) as subscriber, running_worker():
        frames = await subscriber.all()
    assert (frames[-1]["exportJob"]["status"], frames[-1]["exportJob"]["downloadUrl"]) == ("FAILED", None)
    found = await owner.get("query($id: ID!) { exportJob(id: $id) { errorMessage } }", id=key)
    assert found["exportJob"]["errorMessage"].endswith("is not stored.")


@pytest.mark.parametrize("kind", ["Validation", "Export"])
async def test_cancelling_is_a_final_state_too_and_anothers_task_is_not_found(
    owner: Person, stranger: Person, db: asyncpg.Connection, crawled: str, kind: str
) -> None:
    field = f"{kind.lower()}Job"
    about: dict[str, Any] = {"crawlJobId": crawled} | ({"rules": {}} if kind == "Validation" else {})
    key = (await owner.do(VALIDATE if kind == "Validation" else EXPORT, input=about))[field]["id"]
    subscription = VALIDATION if kind == "Validation" else EXPORT_PROGRESS
    async with watching(stranger, subscription, key) as subscriber:
        assert await subscriber.all() == []
        assert subscriber.errors[0]["extensions"]["code"] == "NOT_FOUND"
    async with watching(owner, subscription, key) as subscriber:
        await subscriber.frame()
        assert (await owner.do(verb(f"cancel{kind}Job", f"{field} {{ id }}"), id=key))["errors"] == []
        assert (await subscriber.all())[-1][field]["status"] == "CANCELLED"
    async with running_worker():
        pass
    assert await db.fetchval(f"select status from {kind.lower()}_jobs") == "cancelled"
