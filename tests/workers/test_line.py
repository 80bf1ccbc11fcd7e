"""Places for work: so many at once, and what only waits any more does not keep others from one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from workers.line import BESIDE, Line, Work, nearly_done


class Works:
    """Work that begins, may say that it is nearly done, and ends when it is let."""

    def __init__(self, *, says: bool) -> None:
        self.says = says
        self.begun = 0
        self.may_end = asyncio.Event()

    async def take(self, *, newcomers: bool) -> Work | None:
        return None if newcomers else self._work

    async def _work(self) -> None:
        self.begun += 1
        if self.says:
            nearly_done()
            nearly_done()
        await self.may_end.wait()


@contextlib.asynccontextmanager
async def working(works: Works, most: int) -> AsyncIterator[None]:
    running = asyncio.create_task(Line("test", most, 0.01, works.take).run())
    try:
        async with asyncio.timeout(5):
            yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def settled(works: Works) -> int:
    """How much has begun once nothing more begins."""
    before = -1
    while before != works.begun:
        before = works.begun
        for _ in range(50):
            await asyncio.sleep(0)
    return works.begun


async def test_work_that_says_nothing_keeps_its_place() -> None:
    works = Works(says=False)
    async with working(works, 2):
        assert await settled(works) == 2


async def test_work_that_is_nearly_done_leaves_its_place_to_a_bounded_number_of_others() -> None:
    works = Works(says=True)
    async with working(works, 2):
        assert await settled(works) == 2 + 2 * BESIDE
        works.says = False
        works.may_end.set()
        works.may_end = asyncio.Event()
        assert await settled(works) == 2 + 2 * BESIDE + 2


async def test_a_line_that_is_told_to_end_ends_what_is_beside_its_places() -> None:
    works = Works(says=True)
    async with working(works, 1):
        await settled(works)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
