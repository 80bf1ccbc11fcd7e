"""Bytes in memory: never over the limit, and nobody waits for ever, whoever grows and whoever is cancelled."""

from __future__ import annotations

import asyncio
import random

import pytest

from app.fetching.budget import ByteBudget
from app.fetching.deadline import Deadline

LIMIT, LARGEST = 1_000, 600


async def fixed(budget: ByteBudget, rng: random.Random) -> None:
    reservation = budget.reservation()
    try:
        await reservation.fix(rng.randrange(LARGEST + 1))
        reservation.settle()
        await asyncio.sleep(rng.random() / 500)
    finally:
        reservation.release()


async def growing(budget: ByteBudget, rng: random.Random) -> None:
    """A body of unknown size, up to the largest."""
    reservation = budget.reservation()
    size = rng.randrange(LARGEST + 1)
    try:
        while reservation.held < size:
            await reservation.grow(min(rng.randrange(1, 200), LARGEST - reservation.held))
            await asyncio.sleep(rng.random() / 1_000)
        reservation.settle()
        await asyncio.sleep(rng.random() / 500)
    finally:
        reservation.release()


@pytest.mark.parametrize("seed", range(8))
async def test_any_mixture_ends_and_stays_within_the_limit(seed: int) -> None:
    rng = random.Random(seed)
    budget = ByteBudget(LIMIT, LARGEST)
    tasks = [asyncio.create_task(rng.choice((fixed, growing, growing))(budget, rng)) for _ in range(120)]
    for task in rng.sample(tasks, 15):
        asyncio.get_running_loop().call_later(rng.random() / 10, task.cancel)
    async with asyncio.timeout(20):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (budget.used, budget.peak <= LIMIT, budget.peak > LARGEST) == (0, True, True)


async def test_free_bytes_are_kept_back_where_giving_them_could_lock_everybody() -> None:
    """Two that hold 400 of 1,000 and may need 600 each: with the last 200 given to a third none could go on."""
    budget = ByteBudget(limit=1_000, largest=600)
    first, second, third = (budget.reservation() for _ in range(3))
    await first.grow(400)
    await second.grow(400)
    waiting = asyncio.create_task(third.grow(200))
    await asyncio.sleep(0)
    assert (waiting.done(), budget.used) == (False, 800)
    async with asyncio.timeout(1):
        await first.grow(200)
        first.release()
        await waiting
    second.release()
    third.release()
    assert budget.used == 0


async def test_a_limit_below_the_largest_image_is_the_largest_image() -> None:
    assert ByteBudget(limit=100, largest=600).largest == 100


async def test_nobody_new_begins_while_enough_is_read_and_waits_to_be_examined() -> None:
    budget = ByteBudget(limit=1_000, largest=600, ahead=300, ahead_bodies=2)
    read = [budget.reservation() for _ in range(3)]
    for one in read[:2]:
        await one.fix(150)
        one.settle()
    coming = asyncio.create_task(read[2].fix(10))
    await asyncio.sleep(0)
    assert not coming.done()
    read[0].examined()
    async with asyncio.timeout(1):
        await coming
    assert budget.used == 310, "what is examined and not yet stored is held all the same"
    for one in read:
        one.release()
    assert budget.used == 0


async def test_one_huge_image_that_waits_does_not_keep_the_next_from_coming() -> None:
    budget = ByteBudget(limit=1_000, largest=600, ahead=300, ahead_bodies=2)
    huge, other = budget.reservation(), budget.reservation()
    await huge.fix(600)
    huge.settle()
    async with asyncio.timeout(1):
        await other.fix(400)


async def test_whoever_has_begun_reads_on_however_much_waits() -> None:
    budget = ByteBudget(limit=1_000, largest=600, ahead=300, ahead_bodies=1)
    begun, read = budget.reservation(), budget.reservation()
    await begun.grow(100)
    await read.fix(400)
    read.settle()
    async with asyncio.timeout(1):
        await begun.grow(300)


@pytest.mark.parametrize("seed", range(4))
async def test_any_mixture_ends_also_where_only_some_may_be_ahead(seed: int) -> None:
    rng = random.Random(seed)
    budget = ByteBudget(LIMIT, LARGEST, ahead=LIMIT // 4, ahead_bodies=2)
    async with asyncio.timeout(20):
        await asyncio.gather(*(rng.choice((fixed, growing, growing))(budget, rng) for _ in range(120)))
    assert (budget.used, budget.peak <= LIMIT) == (0, True)


async def test_the_clock_stands_still_while_we_are_waited_for() -> None:
    deadline = Deadline(0.1)
    async with deadline.running(), deadline.paused():
        await asyncio.sleep(0.2)
    assert deadline.left_s > 0.05
    with pytest.raises(TimeoutError):
        async with deadline.running():
            await asyncio.sleep(1)
    assert deadline.left_s <= 0.01
