"""A host's images go to few workers, while there is a choice; whoever has a free place never waits for its own."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from app.jobs import turns
from app.jobs.turns import LOOK_AHEAD
from tests.support.asking import key_of
from tests.support.service import Person, entries, until
from workers.crawl import take_chunk
from workers.discover import take_discovery
from workers.engine import Engine, open_engine
from workers.line import Left

WORKERS = 3
CHUNK = 20
ALL = 10**6
HOSTS = tuple(f"http://127.0.3.{number}:9/" for number in range(1, 61))
HELD = """
select i.original_url as url, i.chunk, each.entry->>'worker' as worker
from images i join crawl_jobs j on j.id = i.crawl_job_id cross join jsonb_each(j.leases) as each(chunk, entry)
where j.id = $1 and each.chunk = i.chunk::text order by i.id
"""
Held = Sequence[asyncpg.Record]


@pytest_asyncio.fixture
async def engines(db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Engine]]:
    """Workers that know of each other, and do only what they are told to; they fetch nothing of what they take."""
    monkeypatch.setattr(turns, "ENOUGH_ROWS", ALL)
    async with contextlib.AsyncExitStack() as stack:
        made = [await stack.enter_async_context(open_engine()) for _ in range(WORKERS)]

        async def know_each_other() -> bool:
            return all(engine.name in other.shares.workers for engine in made for other in made)

        await until(know_each_other)
        yield made


async def discovered(owner: Person, finder: Engine, *urls: str) -> int:
    """The id of a job of these URLs, of which rows have been made and none was fetched."""
    job = await owner.crawl(sources=entries(*urls), maxImages=len(urls), chunkSize=CHUNK)
    seek = await take_discovery(finder, newcomers=False)
    assert seek is not None
    await seek()
    return key_of(job)


async def taken(db: asyncpg.Connection, job: int, by: Sequence[Engine]) -> Held:
    """Each takes a chunk in turn, until the first finds none: all rows of leased chunks, and who holds each."""
    while True:
        for engine in by:
            if await take_chunk(engine, newcomers=False) is None:
                found: Held = await db.fetch(HELD, job)
                return found


def workers_of(held: Held) -> dict[str, set[str]]:
    """The workers that come to each host; the first chunk is made before more than a few images are known."""
    seen = defaultdict[str, set[str]](set)
    for row in held:
        if row["chunk"] > 1:
            seen[urlsplit(row["url"]).netloc].add(row["worker"])
    return seen


async def test_a_host_meets_few_of_the_workers(db: asyncpg.Connection, owner: Person, engines: list[Engine]) -> None:
    urls = [f"{host}{number}.jpg" for number in range(20) for host in HOSTS]
    held = await taken(db, await discovered(owner, engines[0], *urls), engines)
    assert len(held) == len(urls)
    seen = workers_of(held)
    assert len(seen) == len(HOSTS)
    assert sum(len(workers) for workers in seen.values()) < 2 * len(
        HOSTS
    )  # each meets all three where chunks are as rows come


async def test_rows_keep_the_order_in_which_they_were_listed(
    db: asyncpg.Connection, owner: Person, engines: list[Engine]
) -> None:
    urls = [f"{host}{number}.jpg" for number in range(20) for host in HOSTS]
    held = await taken(db, await discovered(owner, engines[0], *urls), engines)
    assert [row["url"] for row in held] == urls


async def test_of_one_host_all_workers_take_their_part(
    db: asyncpg.Connection, owner: Person, engines: list[Engine]
) -> None:
    urls = [f"{HOSTS[0]}{number}.jpg" for number in range(6 * CHUNK)]
    held = await taken(db, await discovered(owner, engines[0], *urls), engines)
    assert len(held) == len(urls)
    assert sorted(len({row["chunk"] for row in held if row["worker"] == one.name}) for one in engines) == [2, 2, 2]


async def test_what_was_meant_for_a_worker_that_is_gone_the_others_take(
    db: asyncpg.Connection, owner: Person, engines: list[Engine]
) -> None:
    urls = [f"{host}{number}.jpg" for number in range(20) for host in HOSTS]
    job = await discovered(owner, engines[0], *urls)
    held = await taken(db, job, engines[1:])
    assert len(held) == len(urls)
    assert {row["worker"] for row in held} == {one.name for one in engines[1:]}


async def test_a_worker_without_hosts_of_its_own_is_never_idle(
    db: asyncpg.Connection, owner: Person, engines: list[Engine]
) -> None:
    # More chunks of one host than a worker looks at: they are as near to it as any, and those behind them come, too.
    urls = [f"{HOSTS[0]}{number}.jpg" for number in range((LOOK_AHEAD + 4) * CHUNK)] + [f"{HOSTS[1]}0.jpg"]
    job = await discovered(owner, engines[0], *urls)
    for engine in engines:
        held = await taken(db, job, [engine])
        assert len(held) == len(urls)


async def test_who_has_a_part_of_what_is_left_leaves_the_rest_to_the_others(
    db: asyncpg.Connection, owner: Person, engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [f"{HOSTS[0]}{number}.jpg" for number in range(2 * WORKERS * CHUNK)]
    await discovered(owner, engines[0], *urls)
    monkeypatch.setattr(turns, "ENOUGH_ROWS", 0)
    quick, *others = engines
    assert [await has_taken(quick) for _ in range(3)] == [True, True, False]
    for engine in others:
        assert [await has_taken(engine) for _ in range(2)] == [True, True]
    assert await take_chunk(quick, newcomers=False) is None


async def test_who_has_fetched_a_part_takes_more_also_where_the_others_do_not_come(
    db: asyncpg.Connection, owner: Person, engines: list[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [f"{HOSTS[0]}{number}.jpg" for number in range(6 * CHUNK)]
    job = await discovered(owner, engines[0], *urls)
    monkeypatch.setattr(turns, "ENOUGH_ROWS", 0)
    taken_rows = 0
    while taken_rows < len(urls):
        assert await has_taken(engines[0])
        for handful in [*engines[0].hand]:
            taken_rows += handful.rows
            engines[0].hand.drop(handful)
    assert await take_chunk(engines[0], newcomers=False) is None
    assert await db.fetchval("select active_chunks from crawl_jobs where id = $1", job) == 6


async def has_taken(engine: Engine) -> bool:
    """Whether it took a chunk, rather than leave what is due to the others."""
    found = await take_chunk(engine, newcomers=False)
    assert found is not None
    return found is not Left.TO_OTHERS


async def test_a_worker_that_only_exports_has_no_part_in_hosts(engines: list[Engine]) -> None:
    async with open_engine(fetches=False) as exporter, open_engine() as another:

        async def is_known() -> bool:
            return another.name in engines[0].shares.workers

        await until(is_known)
        assert exporter.name not in engines[0].shares.workers
