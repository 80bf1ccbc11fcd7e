"""How fast an uploaded list becomes pending rows: from the file in storage to committed rows, without any fetching.

    python -m tests.bench.discovery [--rows 1000000] [--kind csv|tsv|txt|jsonl|parquet] [--columns] [--twice] [--keep]

The rows are made here; `--columns` gives each a label, a caption, a license and two further columns, `--twice` has a
second source offer the same addresses again. One process discovers, on an embedded PostgreSQL of its own. Prints rows a
second, CPU microseconds a row of each part, the time until the first rows were there, and the rate of each tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import os
import secrets
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import arro3.core
import arro3.io
import orjson
import uvloop

from app import queue
from app.database import acquire, connected, migrate
from app.embedded import alive, start, stop
from app.jobs import crawl, discovery, project, upload
from app.settings import adopt
from app.values import CrawlSpec, SourceSpec, Viewer
from tests.bench.crawl import say
from tests.bench.meters import cpu_s, watched
from tests.support import homes
from workers.discover import discover
from workers.engine import Engine, open_engine

BLOCK_ROWS = 20_000
LOOK_S = 0.02
LEASE_S = 20.0
Record = dict[str, str]


def records(first: int, count: int, *, columns: bool) -> list[Record]:
    """Rows as lists have them, from number `first` on."""
    rows = []
    for number in range(first, first + count):
        row = {"url": f"https://images-{number % 97}.example.org/photos/{number // 1000:05d}/{number:09d}.jpg"}
        if columns:
            row |= {"label": f"class {number % 10}", "caption": f"A photograph of number {number}, taken at noon"}
            row |= {"license": "CC BY 4.0", "camera": "X100", "similarity": f"0.{number % 9973:04d}"}
        rows.append(row)
    return rows


def blocks(kind: str, count: int, *, columns: bool) -> Iterator[bytes]:
    """A file of text, piece by piece."""
    for first in range(0, count, BLOCK_ROWS):
        rows = records(first, min(BLOCK_ROWS, count - first), columns=columns)
        if kind == "txt":
            yield "".join(f"{row['url']}\n" for row in rows).encode()
        elif kind == "jsonl":
            yield b"".join(orjson.dumps(row) + b"\n" for row in rows)
        else:
            text = io.StringIO()
            table = csv.DictWriter(text, list(rows[0]), delimiter="\t" if kind == "tsv" else ",")
            if first == 0:
                table.writeheader()
            table.writerows(rows)
            yield text.getvalue().encode()


def parquet(count: int, path: Path, *, columns: bool) -> None:
    """A Parquet file of as many rows."""
    rows = records(0, count, columns=columns)
    kind = arro3.core.DataType.string()
    table: dict[str, Any] = {name: arro3.core.Array([row[name] for row in rows], kind) for name in rows[0]}
    arro3.io.write_parquet(arro3.core.Table.from_pydict(table), path, max_row_group_size=100_000)


async def stored(engine: Engine, viewer: Viewer, asked: argparse.Namespace) -> tuple[str, int]:
    """The list in storage: the id of the upload, and its bytes."""
    upload_id = f"{viewer.id}/{secrets.token_urlsafe(24)}.{asked.kind}"
    key = upload.key_of(upload_id)
    if asked.kind == "parquet":
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            parquet(asked.rows, Path(file.name), columns=asked.columns)
            await engine.storage.put(key, file.read())
    else:
        async with engine.storage.open_writer(key) as sink:
            for block in blocks(asked.kind, asked.rows, columns=asked.columns):
                await sink.write(block)
    return upload_id, await engine.storage.size(key)


async def marks(crawl_job_id: int, count: int) -> AsyncIterator[tuple[float, int]]:
    """When the job had how many rows, until it has all."""
    async with acquire() as connection:
        total = 0
        while total < count:
            total = await connection.fetchval("select total_images from crawl_jobs where id = $1", crawl_job_id)
            yield time.perf_counter(), total
            await asyncio.sleep(LOOK_S)


async def seek_all(engine: Engine, crawl_job_id: int) -> None:
    """Discover, one turn after another, until nothing is sought."""
    while (search := await discovery.claim(crawl_job_id, secrets.token_hex(8), LEASE_S)) is not None:
        await discover(engine, search)


async def run(asked: argparse.Namespace, groups: dict[str, list[int]]) -> None:
    """One job, from nothing to all rows; prints what it took."""
    async with connected(role="bench"), open_engine() as engine:
        viewer = Viewer(uuid.uuid4())
        async with acquire() as connection:
            await connection.execute("insert into profiles (id, email) values ($1, 'bench@example.org')", viewer.id)
        upload_id, size = await stored(engine, viewer, asked)
        project_id = await project.create(viewer, "bench", None)
        sources = tuple(SourceSpec("url_list", {"upload_id": upload_id}) for _ in range(2 if asked.twice else 1))
        before, begun_s = cpu_s(groups), time.perf_counter()
        spec = CrawlSpec(project_id, "bench", (), sources, max_images=asked.rows + 1)
        job = await crawl.create(viewer, spec)
        seeking = asyncio.create_task(seek_all(engine, job))
        seen = [mark async for mark in marks(job, asked.rows)]
        await seeking
        seconds, used = time.perf_counter() - begun_s, cpu_s(groups)
        async with acquire() as connection:
            rows = await connection.fetchval("select count(*) from images where crawl_job_id = $1", job)
            disk = await connection.fetchval("select pg_total_relation_size('images')")
        if rows != asked.rows:
            raise RuntimeError(f"{rows} rows of {asked.rows}")
        first_s = next(at for at, total in seen if total) - begun_s
        spent = ", ".join(f"{name} {1e6 * (used[name] - before[name]) / rows:.1f}" for name in groups)
        say(f"{asked.kind}, {size / 2**20:.0f} MiB: {rows:,} rows in {seconds:.1f} s: {rows / seconds:,.0f} rows/s")
        say(f"CPU µs a row: {spent}; first rows after {first_s:.2f} s; {disk / rows:.0f} bytes a row on disk")
        say("rows/s by tenths: " + " ".join(f"{rate:,.0f}" for rate in tenths(seen, begun_s, rows)))
    await queue.close()


def tenths(seen: list[tuple[float, int]], begun_s: float, rows: int) -> list[float]:
    """The rate of each tenth of the rows."""
    rates, last_s, last = [], begun_s, 0
    for tenth in range(1, 11):
        at, total = next(mark for mark in seen if mark[1] >= rows * tenth // 10)
        if at > last_s:
            rates.append((total - last) / (at - last_s))
        last_s, last = at, total
    return rates


def main() -> None:
    """Read the arguments, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kind", choices=("csv", "tsv", "txt", "jsonl", "parquet"), default="csv")
    parser.add_argument("--columns", action="store_true", help="five further columns a row")
    parser.add_argument("--twice", action="store_true", help="a second source offers the same")
    parser.add_argument("--keep", action="store_true", help="keep the home")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(PIXCRAWLER_HOME=str(home), PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more")
    try:
        adopt(start(home).environment() | {"PIXCRAWLER_UPLOAD_MAX_BYTES": str(2**32)})
        asyncio.run(migrate())
        groups = {"python": [os.getpid()], "postgres": [alive(home).postgres or 0]}
        with watched(groups) as peaks:
            uvloop.run(run(asked, groups))
    finally:
        if asked.keep:
            stop(home)
            say(f"kept: {home}")
        else:
            homes.remove(home)
    say("PSS, MiB at most: " + ", ".join(f"{name} {size / 2**20:.0f}" for name, size in peaks.most.items()))


if __name__ == "__main__":
    main()
