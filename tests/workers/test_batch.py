"""Symptom: a worker that was told to end, or whose turn at a chunk was over, had images fetched a second time.

Cause: what was being recorded at that moment was neither recorded nor waited any more. Rule: an outcome waits until the
database has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from app.jobs.results import Recorded
from app.values import Issue, Lease, Outcome, RefusalCode, Refused
from workers import crawl
from workers.crawl import Batch


async def test_what_was_being_recorded_as_the_turn_ended_is_recorded_with_the_rest(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[int]] = []
    asked = asyncio.Event()

    async def record(_: Lease, outcomes: Sequence[Outcome]) -> Recorded:
        calls.append([one.image_id for one in outcomes])
        if len(calls) == 1:
            asked.set()
            await asyncio.Event().wait()
        return Recorded((("failed", "empty"),) * len(outcomes), 0)

    monkeypatch.setattr(crawl, "record_results", record)
    batch = Batch(Lease(1, 1, "task"))

    def refused(key: int) -> Refused:
        return Refused(key, "http://127.0.0.1/", Issue(RefusalCode.EMPTY, "Nothing."))

    await batch.add(refused(1))
    recording = asyncio.create_task(batch.flush())
    await asked.wait()
    await batch.add(refused(2))
    recording.cancel()
    await asyncio.gather(recording, return_exceptions=True)
    await batch.flush()
    assert (calls, batch.recorded) == ([[1], [1, 2]], 2)
