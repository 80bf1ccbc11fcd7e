"""A re-crawl whose workers are killed compares every image once, and has nothing sent twice that did not change."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from app import queue
from tests.chaos.losses import Losses, worker_environment
from tests.stand_ins.changing import ChangingHost, File
from tests.stand_ins.pictures import jpeg
from tests.support.asking import counted, key_of
from tests.support.fleet import fleet
from tests.support.recrawling import begun_again, compared, counts, crawled, tagged
from tests.support.service import Person

COUNT = 160
CHANGED = 16


async def test_killed_workers_and_an_emptied_redis_change_nothing_of_the_difference(
    db: asyncpg.Connection, owner: Person, tmp_path: Path
) -> None:
    async with ChangingHost(tagged(*range(COUNT))) as host:
        with fleet(2, worker_environment(), tmp_path / "log") as workers:
            former = await crawled(owner, host, maxImages=COUNT, chunkSize=20)
            for number in range(CHANGED):
                host.files[f"/{number}.jpg"] = File(jpeg(seed=COUNT + number), etag=f'"{number}, changed"')
            host.pause_s = 0.05
            job = await begun_again(owner, former)
            losses = Losses(workers, queue.redis().flushdb, kills=2, flushes=1)
            await losses.run(db, key_of(job), COUNT, deadline_s=60)
            await owner.ended(job)
    assert losses.held > 0
    assert set(host.bodies) == {f"/{number}.jpg" for number in range(CHANGED)}
    assert await compared(owner, job) == counts(changed=CHANGED, unchanged=COUNT - CHANGED)
    assert await counted(db, job) == {"downloaded": COUNT}
