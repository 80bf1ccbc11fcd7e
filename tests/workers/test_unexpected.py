"""What nobody expected stops the job with an id that the log has: it would be due, and fail, for ever."""

from __future__ import annotations

from typing import Any

import pytest

from app.jobs import discovery
from tests.support.service import Person, entries, running_worker, until


async def test_a_discovery_that_breaks_pauses_its_job(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    async def broken(*_: Any) -> int:
        tries.append(1)
        raise ValueError("odd")

    monkeypatch.setattr(discovery, "record_candidates", broken)
    async with running_worker("crawl"):
        job = await owner.crawl(sources=entries("http://127.0.0.1:9/a.jpg"))

        async def paused() -> Any:
            found = await owner.job(job)
            return found if found["status"] == "PAUSED" else None

        found = await until(paused, 10)
    assert found["errorMessage"].startswith("Something unexpected happened; the log has it under ")
    assert len(tries) == 1
