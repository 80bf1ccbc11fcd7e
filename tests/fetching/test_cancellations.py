"""Whoever is cancelled, wherever it waits, leaves nothing behind: no bytes, no places, nobody whom it kept waiting."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest

from app.fetching.budget import ByteBudget
from app.fetching.gate import Gate
from app.fetching.lanes import LANE
from app.fetching.politeness import HostPaused, HostSilent, Politeness

SEEDS = range(25)
Work = Callable[[random.Random], Awaitable[None]]


async def steps(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def in_disorder(chance: random.Random, work: Work, count: int = 60) -> None:
    """Many at the same work, a third of whom are cancelled at any moment; all have to come to their end."""

    async def one() -> None:
        LANE.set(chance.randrange(4))
        await steps(chance.randrange(12))
        await work(chance)

    tasks = [asyncio.create_task(one()) for _ in range(count)]
    for task in chance.sample(tasks, count // 3):
        await steps(chance.randrange(4))
        task.cancel()
    async with asyncio.timeout(10):
        found = await asyncio.gather(*tasks, return_exceptions=True)
    wrong = [one for one in found if isinstance(one, BaseException) and not isinstance(one, asyncio.CancelledError)]
    assert not wrong


@pytest.mark.parametrize("seed", SEEDS)
async def test_all_bytes_come_back_and_are_never_too_many(seed: int) -> None:
    budget = ByteBudget(100, 40, ahead=30, ahead_bodies=2)

    async def work(chance: random.Random) -> None:
        reservation = budget.reservation()
        size = chance.randint(0, 40)
        try:
            if chance.random() < 0.5:
                await reservation.fix(size)
                await steps(chance.randrange(3))
            else:
                while reservation.held < size:
                    await reservation.grow(min(max(5, reservation.held), 40 - reservation.held))
                    await steps(chance.randrange(3))
            reservation.settle()
            await steps(chance.randrange(3))
            if chance.random() < 0.5:
                reservation.examined()
                await steps(chance.randrange(3))
        finally:
            reservation.release()

    await in_disorder(random.Random(seed), work)
    assert budget.used == 0
    assert budget.peak <= budget.limit
    await asyncio.wait_for(budget.reservation().fix(40), 1)


@pytest.mark.parametrize("seed", SEEDS)
async def test_all_places_come_back_while_their_number_changes(seed: int) -> None:
    gate = Gate(3, 3)

    async def work(chance: random.Random) -> None:
        await gate.enter()
        try:
            assert gate.busy <= 5
            await steps(chance.randrange(3))
            if chance.random() < 0.2:
                gate.resize(chance.randint(1, 5), chance.randint(1, 5))
        finally:
            gate.leave()

    await in_disorder(random.Random(seed), work)
    assert gate.busy == 0
    gate.resize(3, 3)
    for _ in range(3):
        await asyncio.wait_for(gate.enter(), 1)


@pytest.mark.parametrize("gap_ms", [0, 1])
@pytest.mark.parametrize("seed", SEEDS)
async def test_all_hosts_can_be_asked_afterwards(seed: int, gap_ms: int) -> None:
    politeness = Politeness(connections=2, gap_ms=gap_ms, at_once=3)
    hosts = ("a.example", "b.example", "c.example")

    async def work(chance: random.Random) -> None:
        host = chance.choice(hosts)
        with contextlib.suppress(HostPaused, HostSilent):
            async with politeness.visit(host, 1.0):
                await steps(chance.randrange(4))
                if chance.random() < 0.1:
                    politeness.pause(host, 0.002)
                (politeness.unanswered if chance.random() < 0.2 else politeness.answered)(host)

    await in_disorder(random.Random(seed), work)
    for host in hosts:
        state = politeness.host(host)
        assert (state.users, state.starting, state.gate.busy) == (0, 0, 0)
        async with contextlib.AsyncExitStack() as visits:
            for _ in range(2):
                await asyncio.wait_for(visits.enter_async_context(politeness.visit(host, 1.0)), 1)
