"""One image against a million stored ones, what its index costs each row, and a validation of a million rows.

    python -m tests.bench.near_duplicates_store [COUNT] [JOBS]

On a database of its own, on the server that DATABASE_URL names or on the embedded default: one project whose first job
has half of COUNT images with hashes like strangers' and some near each other, the others (JOBS - 1, or 4) the rest.
Prints what a look-up takes, by the statement alone and by the whole of GraphQL, the CPU that PostgreSQL spends on
recording a row with and without the index, and the validation's time, memory and longest wait of the event loop.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np

from app.database import acquire, connected, credentials
from app.embedded import start, stop
from app.jobs import near_duplicates, validation
from tests.bench.crawl import say
from tests.bench.near_duplicates import planted
from tests.bench.scratch import OWNER, drop, fill, spent_s

ASKED = 300
BATCH = 250
RECORDED = 25_000
INDEX = "ix_images_hash_keys"
QUERY = """query($id: ID!, $distance: Int!) { image(id: $id) { nearDuplicates(distance: $distance, scope: %s,
  mirrored: %s) { edges { distance node { id filename } } } } }"""
ROWS = (
    "insert into profiles (id, email) values ('00000000-0000-0000-0000-000000000001', '1@x.org')",
    "insert into projects (name, user_id) values ('project', '00000000-0000-0000-0000-000000000001')",
    "insert into crawl_jobs (project_id, name, keywords, status, options) select 1, 'job ' || n, '[]', 'completed',"
    ' \'{"seeking": false, "final": 0, "bytes": 0}\' from generate_series(1, %d) n',
)
COLUMNS = (
    *("crawl_job_id", "original_url", "filename", "storage_url", "width", "height", "file_size", "format", "status"),
    *("chunk", "keyword", "sha256", "phash", "provenance"),
)


def row(number: int, job: int, phash: int) -> tuple[Any, ...]:
    """An image's row, as wide as they are."""
    provenance = '{"source": "url_list", "license": "by-sa 4.0", "creator": "Someone", "title": "A picture of a cat"}'
    return (
        *(job, f"https://images.example.org/some/folder/{number}/picture.jpg", f"{number:064x}.jpg"),
        *(f"images/{number:064x}.jpg", 1280, 960, 170_000 + number % 1000, "jpeg", "downloaded", number // 500, "cat"),
        *(number.to_bytes(32, "big"), phash, provenance),
    )


async def make(url: str, count: int, jobs: int) -> None:
    """Fill the migrated database."""
    hashes = np.random.default_rng(1).permutation(planted(np.random.default_rng(1), count)).view(np.int64).tolist()
    connection = await asyncpg.connect(**credentials(url))
    for statement in ROWS:
        await connection.execute(statement.replace("%d", str(jobs)))
    rows = (row(n, 1 if n < count // 2 else 2 + n % (jobs - 1), phash) for n, phash in enumerate(hashes))
    await connection.copy_records_to_table("images", records=rows, columns=COLUMNS)
    counted = "(select count(*) from images i where i.crawl_job_id = j.id)"
    await connection.execute(f"update crawl_jobs j set valid_images = {counted}, downloaded_images = {counted}")
    await connection.execute("vacuum analyze")
    size = await connection.fetchval(f"select pg_size_pretty(pg_relation_size('{INDEX}'))")
    table = await connection.fetchval("select pg_size_pretty(pg_table_size('images'))")
    say(f"{count:,} images: the table {table}, the index {size}")
    await connection.close()


async def latencies(ask: Callable[[int], Awaitable[object]], count: int) -> str:
    """Median and 99th percentile of many questions, milliseconds."""
    spent = []
    for number in range(ASKED):
        begun = time.perf_counter()
        await ask(1 + number * (count // 2 // ASKED))
        spent.append(1000 * (time.perf_counter() - begun))
    spent.sort()
    return f"{spent[ASKED // 2]:10.2f} {spent[ASKED * 99 // 100]:8.2f}"


async def look_up(count: int) -> None:
    """Print the look-up's latency."""
    from schema.context import Context
    from schema.reading.write import VIEWER
    from schema.root import schema

    head = f"{'SQL CPU ms':>10} {'median':>10} {'p99 ms':>8} {'all median':>10} {'p99 ms':>8}"
    say(f"{'one against all':26} {'distance':>8} {head}")
    ways = [("JOB", "false"), ("PROJECT", "false"), ("JOB", "true")]
    for scope, mirrored, distance in [(*way, distance) for way in ways for distance in (0, 4, 6, 8)]:
        query = QUERY % (scope, mirrored)

        async def whole(key: int, query: str = query, distance: int = distance) -> None:
            given = {"id": f"Image:{key}", "distance": distance}
            answer = await schema.execute(query, given, Context(OWNER))
            if answer.errors:
                raise RuntimeError(answer.errors)

        by_all = await latencies(whole, count)
        plan = list(schema.reads.plans._kept.values())[-1]
        async with acquire() as connection:

            async def alone(
                key: int, plan: Any = plan, distance: int = distance, connection: asyncpg.Connection = connection
            ) -> None:
                given = {"id": f"Image:{key}", "distance": distance, VIEWER: OWNER.id}
                await connection.fetchrow(plan.sql, *plan.parameters(given))

            backend = await connection.fetchval("select pg_backend_pid()")
            before = spent_s([backend])
            by_sql = await latencies(alone, count)
            spent = 1000 * (spent_s([backend]) - before) / ASKED
        say(f"{f'{scope}, mirrored {mirrored}':26} {distance:8} {spent:10.2f} {by_sql} {by_all}")


async def record_rows(connection: asyncpg.Connection, chance: np.random.Generator) -> float:
    """CPU microseconds that PostgreSQL spends on recording a row of a chunk's results."""
    keys = [one[0] for one in await connection.fetch(f"select id from images where crawl_job_id > 1 limit {RECORDED}")]
    await connection.execute("update images set status = 'pending', phash = null where id = any($1::bigint[])", keys)
    await connection.execute("vacuum images")
    await connection.execute("checkpoint")
    backend = await connection.fetchval("select pg_backend_pid()")
    before = spent_s([backend])
    for begin in range(0, len(keys), BATCH):
        part = keys[begin : begin + BATCH]
        hashes = chance.integers(-(2**63), 2**63 - 1, len(part)).tolist()
        await connection.execute(
            "update images i set status = 'downloaded', phash = r.phash, width = 1280, height = 960 from"
            " unnest($1::bigint[], $2::bigint[]) r(id, phash) where i.id = r.id and i.status = 'pending'",
            *(part, hashes),
        )
    return 1e6 * (spent_s([backend]) - before) / len(keys)


async def index_cost(url: str, count: int) -> None:
    """Print what the index adds to recording a row, and what a look-up costs before it is tidied up."""
    chance = np.random.default_rng(2)
    connection = await asyncpg.connect(**credentials(url))
    await connection.execute("alter table images set (autovacuum_enabled = off)")
    definition = await connection.fetchval(f"select pg_get_indexdef('{INDEX}'::regclass)")
    costs: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(3):
        await connection.execute(f"drop index {INDEX}")
        costs["without"].append(await record_rows(connection, chance))
        await connection.execute(definition)
        costs["with"].append(await record_rows(connection, chance))
    said = "; ".join(f"{name} it {', '.join(f'{one:.0f}' for one in each)}" for name, each in costs.items())
    say(f"CPU of PostgreSQL to record a row, us (three runs): {said}")
    say(f"look-ups while {RECORDED:,} new rows wait to be sorted into the index:")
    await look_up(count)
    await connection.execute("alter table images reset (autovacuum_enabled)")
    await connection.close()


async def validate(jobs: int) -> None:
    """Print what a validation of a job with half of the images costs, against the project's other images too."""
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - begun - 0.005)

    ticking = asyncio.create_task(tick())
    # The youngest job is compared with all older ones.
    for job, scope in ((1, "job"), (jobs, "project")):
        rules = {"near_duplicate_distance": 4, "near_duplicate_scope": scope}
        key = await validation.create(OWNER, job, None, rules)
        claimed = await validation.claim(key, 1e9)
        if claimed is None:
            raise RuntimeError("the validation cannot be claimed")
        worst, begun = 0.0, time.monotonic()
        compared = await near_duplicates.compare(claimed)
        compare_s, compare_wait = time.monotonic() - begun, worst
        last_id: int | None = 0
        while last_id is not None:
            last_id = await validation.judge_after(claimed, last_id, compared)
        async with acquire() as connection:
            found = await connection.fetchrow(
                "select status, validated_images, invalid_images from validation_jobs where id = $1", key
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say(
            f"validation of job {job}, scope {scope}: {tuple(found)}; compared in {compare_s:.1f} s, all in"
            f" {time.monotonic() - begun:.1f} s; the event loop waited {1000 * compare_wait:.0f} ms at most while it"
            f" compared; peak of the process {peak:.0f} MB"
        )
    ticking.cancel()


async def measure(url: str, count: int, jobs: int) -> None:
    """All of it."""
    async with connected(url, role="bench"):
        await look_up(count)
        await validate(jobs)
        await index_cost(url, count)


def main() -> None:
    """Fill, measure, clean up."""
    given = [int(one) for one in sys.argv[1:]]
    count, jobs = given[0] if given else 1_000_000, given[1] if len(given) > 1 else 5
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    embedded = not os.environ.get("DATABASE_URL")
    if embedded:
        services = start(home)
        os.environ.update(services.environment())
    server, name = os.environ["DATABASE_URL"], f"bench_near_{os.getpid()}"
    try:
        url = asyncio.run(fill(server, name, ()))
        asyncio.run(make(url, count, jobs))
        asyncio.run(measure(url, count, jobs))
    finally:
        asyncio.run(drop(server, name))
        if embedded:
            stop(home)
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
