"""A host's budget is the fleet's: places, gaps, pauses hold over all workers, whatever becomes of Redis or of one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from redis.exceptions import RedisError

from app import queue
from app.fetching.politeness import HostPaused, HostSilent
from app.settings import Settings
from workers import exchange
from workers.exchange import Exchange
from workers.shares import Shares

HOST = "images.example"


@dataclass
class Seen:
    """What a host sees of all workers: moments at which requests began, and how many were under way."""

    under_way: int = 0
    peak: int = 0
    began_s: list[float] = field(default_factory=list)
    by_worker: dict[str, int] = field(default_factory=dict)

    async def request(self, worker: Shares, takes_s: float, host: str = HOST) -> None:
        """One request to the host."""
        async with worker.politeness.visit(host, 5.0):
            self.began_s.append(time.monotonic())
            self.by_worker[worker.name] = self.by_worker.get(worker.name, 0) + 1
            self.under_way += 1
            self.peak = max(self.peak, self.under_way)
            try:
                await asyncio.sleep(takes_s)
            finally:
                self.under_way -= 1

    async def requests(self, workers: list[Shares], each: int, takes_s: float, host: str = HOST) -> None:
        """So many requests of each worker, all at once."""
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for worker in workers:
                for _ in range(each):
                    tasks.create_task(self.request(worker, takes_s, host))


@contextlib.asynccontextmanager
async def workers(count: int, **values: Any) -> AsyncIterator[list[Shares]]:
    """Workers that share hosts, each of which knows of the others."""
    async with contextlib.AsyncExitStack() as stack:
        made = [Shares(f"worker-{number}", Settings(**values), queue.redis()) for number in range(count)]
        for one in made:
            await stack.enter_async_context(one.running())
        for one in made:  # each hears of those that came after it
            one.politeness.host("greeting.example")
            one.politeness.pause("greeting.example", 0.0)
        async with asyncio.timeout(5):
            while any(len(one.workers) < count for one in made):
                await asyncio.sleep(0.02)
        yield made


@pytest_asyncio.fixture(autouse=True)
async def _redis(db: Any) -> None:
    """Redis, empty."""


@pytest.mark.parametrize(("count", "limit"), [(2, 7), (4, 6), (4, 2), (3, 1)])
async def test_no_host_sees_more_of_all_workers_together_than_its_budget_and_each_has_its_part(
    count: int, limit: int
) -> None:
    seen = Seen()
    async with workers(count, host_connections=limit) as fleet:
        await seen.requests(fleet, 60, 0.01)
    assert seen.peak == limit
    assert list(seen.by_worker.values()) == [60] * count


async def test_the_gap_is_kept_over_all_workers() -> None:
    seen = Seen()
    async with workers(3, host_connections=4, host_gap_ms=40) as fleet:
        await seen.requests(fleet, 15, 0.005)
    gaps = [later - earlier for earlier, later in zip(seen.began_s, seen.began_s[1:], strict=False)]
    assert len(gaps) == 44
    assert min(gaps) >= 0.0399


async def test_a_gap_that_one_worker_learned_of_binds_the_others() -> None:
    seen = Seen()
    async with workers(2, host_connections=4) as (one, other):
        async with one.politeness.visit(HOST, 1.0):
            one.politeness.keep_gap(HOST, 0.15)
            learned_s = time.monotonic()
        await asyncio.sleep(0.02)
        await seen.request(other, 0.0)
        await seen.request(one, 0.0)
    assert seen.began_s[0] - learned_s >= 0.149
    assert seen.began_s[1] - seen.began_s[0] >= 0.149


async def test_a_pause_and_silence_are_heard_of_by_all() -> None:
    async with workers(2, host_connections=4) as (one, other):
        for worker in (one, other):
            await Seen().request(worker, 0.0)
        one.politeness.pause(HOST, 60.0)
        await heard(other, HOST, HostPaused)
        for _ in range(12):
            other.politeness.unanswered("dead.example")
        await heard(one, "dead.example", HostSilent)
        other.politeness.answered("dead.example")
        await heard(one, "dead.example", None)


async def heard(worker: Shares, host: str, refusal: type[Exception] | None) -> None:
    """Wait until a visit of the worker ends like this."""
    async with asyncio.timeout(3):
        while True:
            try:
                async with worker.politeness.visit(host, 0.0):
                    found: type[Exception] | None = None
            except (HostPaused, HostSilent) as error:
                found = type(error)
            if found is refusal:
                return
            await asyncio.sleep(0.02)


async def test_what_redis_forgets_costs_time_and_no_host_its_budget() -> None:
    seen = Seen()
    async with workers(3, host_connections=6) as fleet:
        working = asyncio.create_task(seen.requests(fleet, 200, 0.02))
        for _ in range(3):
            await asyncio.sleep(0.15)
            await queue.redis().flushdb()
        await working
    assert seen.peak == 6
    assert sum(seen.by_worker.values()) == 600


async def test_without_redis_each_worker_keeps_to_its_safe_part_and_nothing_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Away(Exchange):
        async def talk(self, *_: Any, **__: Any) -> Any:
            raise RedisError("away")

    seen = Seen()
    async with workers(3, host_connections=6) as fleet:
        working = asyncio.create_task(seen.requests(fleet, 80, 0.02))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(Exchange, "talk", Away.talk)
        await asyncio.sleep(0.3)
        seen.peak = seen.under_way
        other = Seen()
        await other.requests(fleet, 6, 0.02, "new.example")
        assert (seen.peak, other.peak) == (6, 6)
        monkeypatch.undo()
        await working
        await other.requests(fleet, 40, 0.02)
    assert other.peak == 6


async def test_places_of_a_worker_that_died_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "HELD_MS", 300)
    seen = Seen()
    async with workers(1, host_connections=2) as (living,):
        dead = exchange.Exchange(queue.redis(), "dead", 2)
        answer = await dead.talk([(HOST, exchange.Claim(0, 2))], 0, 1)
        assert answer.hosts[0].held == 2
        await seen.requests([living], 10, 0.01)
    assert seen.peak == 2


async def test_whoever_is_idle_holds_nothing_and_whoever_ended_leaves_nothing() -> None:
    async with workers(2, host_connections=8) as fleet:
        await Seen().requests(fleet, 20, 0.005)
        async with asyncio.timeout(5):
            while any(one.politeness.host(HOST).gate.places for one in fleet):
                await asyncio.sleep(0.05)
        assert await _named(exchange.HOST_KEY + HOST) == []
        for key in await queue.redis().keys("*"):
            assert await queue.redis().ttl(key) > 0
    assert await _named(exchange.FLEET_KEY) == []


async def _named(key: str) -> list[str]:
    """The workers of which a key of Redis speaks."""
    found: Any = queue.redis().hkeys(key)
    return [name.decode() for name in await found if name.startswith(b"w:")]


async def test_whoever_has_what_it_needs_asks_nobody() -> None:
    seen = Seen()
    async with workers(1, host_connections=4) as (alone,):
        await seen.requests([alone], 4, 0.0)
        before, begun_s = alone.exchanges, time.monotonic()
        for _ in range(50):
            await seen.requests([alone], 4, 0.0)
        assert alone.exchanges - before <= 2 + 5 * (time.monotonic() - begun_s)
