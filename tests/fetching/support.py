"""A pipeline on memory for storage, and what to do with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.fetching.client import open_client
from app.fetching.pipeline import Pipeline
from app.settings import Settings
from app.values import Issue, Outcome, Pending, Refused
from tests.stand_ins.misbehaving import Behavior, MisbehavingHost


def settings(**values: Any) -> Settings:
    usual: dict[str, Any] = {"allow_addresses": "127.0.0.0/8", "fetch_timeout_s": 5.0, "host_connections": 32}
    return Settings(**(usual | values))


class Shelf:
    """Storage in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> None:
        self.blobs[key] = data


@contextlib.asynccontextmanager
async def pipeline(shelf: Shelf | None = None, **values: Any) -> AsyncIterator[Pipeline]:
    found = settings(**values)
    async with open_client(found) as client:
        made = Pipeline(client, found, (shelf or Shelf()).put)
        try:
            yield made
        finally:
            made.close()


async def fetch_all(made: Pipeline, urls: list[str]) -> list[Outcome]:
    found = [outcome async for outcome in made.fetch(Pending(place, url) for place, url in enumerate(urls))]
    return sorted(found, key=lambda outcome: outcome.image_id)


async def fetch(behavior: Behavior, **values: Any) -> Outcome:
    async with MisbehavingHost({"/image": behavior}) as host, pipeline(**values) as made:
        return (await fetch_all(made, [host.url("/image")]))[0]


async def reason(behavior: Behavior, **values: Any) -> Issue:
    outcome = await fetch(behavior, **values)
    assert isinstance(outcome, Refused), outcome
    assert outcome.issue.message
    return outcome.issue


async def until(condition: Callable[[], bool], deadline_s: float = 5.0) -> None:
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.01)
