"""A crawl under which workers are killed and Redis is emptied, at even distances of its progress."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg

from tests.support.fleet import Fleet

FIRST, LAST = 0.05, 0.9
"""Between these shares of the rows the losses happen."""
LOOK_S = 0.02
STATE = """
select status, total_images, (options->>'final')::bigint as final,
    array(select each.value->>'worker' from jsonb_each(leases) as each) as holders
from crawl_jobs where id = $1
"""
ENDED = ("completed", "failed", "cancelled")


@dataclass
class Losses:
    """What is lost during one crawl, and what came of it."""

    fleet: Fleet
    flush: Callable[[], Awaitable[object]]
    kills: int
    flushes: int
    held: int = 0
    """Kills that hit a worker with a chunk under way."""
    seconds: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(20))

    async def run(self, connection: asyncpg.Connection, job_id: int, count: int, deadline_s: float) -> None:
        """Lose things until the job has ended. TimeoutError where it does not within `deadline_s` seconds."""
        events = ["kill"] * self.kills + ["flush"] * self.flushes
        self.chance.shuffle(events)
        step = (LAST - FIRST) / max(1, len(events))
        due = [(int(count * (FIRST + step * place)), event) for place, event in enumerate(events)]
        begun_s = time.monotonic()
        async with asyncio.timeout(deadline_s):
            while (job := await connection.fetchrow(STATE, job_id))["status"] not in ENDED:
                if due and job["final"] >= due[0][0]:
                    await self._lose(due.pop(0)[1], job["holders"])
                await asyncio.sleep(LOOK_S)
        self.seconds = time.monotonic() - begun_s
        if due:
            raise AssertionError(f"The crawl ended before all was lost: {due} were left.")

    async def _lose(self, event: str, holders: list[str]) -> None:
        if event == "flush":
            await self.flush()
            return
        # A worker's name has its process id in it: a kill counts for more where it hits work.
        working = {int(name.split("-")[-2]) for name in holders}
        busy = [number for number, process in self.fleet.processes.items() if process.pid in working]
        number = self.chance.choice(busy or list(self.fleet.processes))
        self.held += bool(busy)
        self.fleet.kill(number)
        self.fleet.start(number)


def worker_environment() -> dict[str, str]:
    """Short leases and small gaps, so that what is lost is found within a test."""
    return {
        "PIXCRAWLER_LEASE_S": "2",
        "PIXCRAWLER_RECONCILE_S": "0.3",
        "PIXCRAWLER_ALLOW_ADDRESSES": "127.0.0.0/8",
        "PIXCRAWLER_HOST_CONNECTIONS": "16",
        "PIXCRAWLER_LOG_LEVEL": "INFO",
    }
