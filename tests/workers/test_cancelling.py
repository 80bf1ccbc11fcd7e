"""Symptom: a worker that was told to end never did. Cause: on Python 3.11 `asyncio.wait_for` drops a cancellation that
arrives as its future ends, and the Redis client sends through it. Rule: our clients send without it."""

from __future__ import annotations

import asyncio
from typing import Any

from app import queue
from app.progress import publish
from app.values import JobNews

TIMES = 400


async def test_telling_news_can_be_cancelled_at_any_moment(db: Any) -> None:
    news = JobNews("CrawlJob", 1, 1, False)

    async def tell_for_ever() -> None:
        while True:
            await publish(news)

    for turn in range(TIMES):
        telling = asyncio.create_task(tell_for_ever())
        for _ in range(turn % 40):
            await asyncio.sleep(0)
        telling.cancel()
        _, left = await asyncio.wait([telling], timeout=1)
        if left:
            telling.cancel()
        assert not left, f"cancelled once, it goes on ({turn})"
    assert await queue.redis().ping()
