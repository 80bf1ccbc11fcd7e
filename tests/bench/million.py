"""One long job: a million small images, from the uploaded list to the completed job, and whether it stays as it began.

    python -m tests.bench.million [--count 1000000] [--workers 2] [--chunk 500] [--hosts 8] [--set NAME=X] [--keep]

Everything runs on loopback: a server of small JPEGs that are all different (2 KB), an embedded PostgreSQL and Valkey,
an API process, the workers, storage in a folder. Looks every second; prints of each tenth of the images

    images/s   how many became final a second; of the first tenth discovery has its part of the processor
    rows       of the job, known by then
    table      the table `images` with its indexes; redis: what Valkey says that it uses
    MiB, ms    of each part of the service: memory (PSS) at that moment, and CPU milliseconds an image

and then the bars: the first image stored within 2 s of the mutation; the last tenth as fast as the first, within a
tenth; memory of the workers as in the second tenth, within a tenth; every counter exactly what the rows say. How fast a
list becomes rows is told beside fetching; alone it is measured by `python -m tests.bench.discovery`. Exits 1 where a
bar was missed. A million takes some 20 minutes on two idle cores and 6 GB of disk; with less than 100,000 the first
tenth is mostly starting up and discovery, and the ratios say little.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg

from app import auth, queue
from app.database import acquire, connected, migrate
from app.embedded import alive, start, stop
from app.settings import adopt
from tests.bench.crawl import UPLOAD, say, service
from tests.bench.meters import cpu_s, pss_bytes, tree
from tests.support import homes
from tests.support.service import Person, until

LOOK_S = 1.0
FIRST_LOOK_S = 0.02
DEADLINE_S = 7_200.0
FIRST_S = 2.0
DRIFT = 0.1
"""What the last tenth may be slower than the first, and larger than the second."""
PARTS = ("workers", "api", "postgres", "valkey", "server")
STATE = """
select status, total_images, downloaded_images, valid_images, total_chunks, completed_chunks, failed_chunks,
    active_chunks, progress, (options->>'final')::bigint as final
from crawl_jobs where id = $1
"""
ROWS = """
select count(*) as total, count(*) filter (where status in ('downloaded', 'valid', 'invalid')) as downloaded,
    count(*) filter (where status in ('downloaded', 'valid')) as valid,
    count(*) filter (where status <> 'pending') as final, count(distinct sha256) as files,
    count(distinct chunk) as chunks
from images where crawl_job_id = $1
"""
REASONS = """
select issues->0->>'code' as code, min(issues->0->>'message') as message, count(*) from images
where crawl_job_id = $1 and status <> 'downloaded' group by 1
"""
SIZES = """
select pg_total_relation_size('images') as images, pg_total_relation_size('crawl_jobs') as jobs,
    (select n_dead_tup from pg_stat_user_tables where relname = 'images') as dead
"""


@dataclass(frozen=True)
class Look:
    """How it stood at a moment: seconds since the mutation, images stored, rows known, and bytes."""

    at_s: float
    stored: int
    rows: int
    pss: dict[str, int]
    cpu_s: dict[str, float]
    table: int
    redis: int


@contextlib.contextmanager
def image_server(hosts: int) -> Iterator[tuple[list[str], int]]:
    """The addresses under which `/N.jpg` is served, and the process id."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    addresses = [f"127.0.0.{number}" for number in range(1, hosts + 1)]
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.small_images", str(port), *addresses])
    try:
        yield [f"http://{address}:{port}/" for address in addresses], process.pid
    finally:
        process.terminate()
        process.wait()


def list_of(bases: Sequence[str], count: int, path: Path) -> None:
    """Write the list."""
    with path.open("w") as file:
        file.write("url\n")
        for first in range(0, count, 10_000):
            last = min(count, first + 10_000)
            file.write("".join(f"{bases[number % len(bases)]}{number}.jpg\n" for number in range(first, last)))


class Watching:
    """Looks at a job until it is over."""

    def __init__(self, count: int, groups: dict[str, list[int]], connection: asyncpg.Connection) -> None:
        self.count = count
        self.groups = groups
        self.connection = connection
        self.looks: list[Look] = []
        self.first_s = 0.0
        self.found_s = 0.0

    async def until_over(self, job: int, begun_s: float) -> asyncpg.Record:
        """The job's row once it is over."""
        next_s = begun_s
        async with asyncio.timeout(DEADLINE_S):
            while True:
                row, now_s = await self.connection.fetchrow(STATE, job), time.perf_counter()
                if row["downloaded_images"] and not self.first_s:
                    self.first_s = now_s - begun_s
                if row["total_images"] >= self.count and not self.found_s:
                    self.found_s = now_s - begun_s
                if now_s >= next_s or row["status"] not in ("pending", "running"):
                    self.looks.append(await self._look(row, now_s - begun_s))
                    next_s = now_s + LOOK_S
                if row["status"] not in ("pending", "running"):
                    return row
                await asyncio.sleep(LOOK_S / 5 if self.first_s else FIRST_LOOK_S)

    async def _look(self, row: asyncpg.Record, at_s: float) -> Look:
        pss = {name: sum(pss_bytes(one) for pid in pids for one in tree(pid)) for name, pids in self.groups.items()}
        sizes = await self.connection.fetchrow(SIZES)
        used = await queue.redis().info("memory")
        spent = cpu_s(self.groups)
        return Look(at_s, row["final"], row["total_images"], pss, spent, sizes["images"], used["used_memory"])

    def tenths(self) -> list[tuple[Look, Look]]:
        """How it stood before and after each tenth of the images; tenths that fell into one look are left out."""
        found, before = [], self.looks[0]
        for tenth in range(1, 11):
            after = next((one for one in self.looks if one.stored >= self.count * tenth // 10), self.looks[-1])
            if after.stored > before.stored:
                found.append((before, after))
                before = after
        return found

    def table(self) -> Iterator[str]:
        """A line for each tenth."""
        yield f"{'images':>9} {'images/s':>9} {'rows':>10} {'table MiB':>10} {'redis MiB':>10} " + " ".join(
            f"{name + ' MiB':>13}{'ms':>6}" for name in PARTS
        )
        for before, after in self.tenths():
            parts = " ".join(
                f"{after.pss[name] / 2**20:13.0f}"
                f"{1000 * (after.cpu_s[name] - before.cpu_s[name]) / (after.stored - before.stored):6.2f}"
                for name in PARTS
            )
            sizes = f"{after.table / 2**20:10.0f} {after.redis / 2**20:10.1f}"
            yield f"{after.stored:9} {rate(before, after):9.0f} {after.rows:10} {sizes} {parts}"

    def bars(self) -> Iterator[tuple[str, bool]]:
        """What was to be held, as measured, and whether it was."""
        yield f"first image stored after {self.first_s:.2f} s", self.first_s < FIRST_S
        tenths = self.tenths()
        pace = rate(*tenths[-1]) / rate(*tenths[0])
        yield f"rate of the last tenth: {pace:.0%} of the first's", pace >= 1 - DRIFT
        size = tenths[-1][1].pss["workers"] / tenths[min(1, len(tenths) - 1)][1].pss["workers"]
        yield f"memory of the workers after the last tenth: {size:.0%} of the second's", size <= 1 + DRIFT


def rate(before: Look, after: Look) -> float:
    """Images a second between two looks."""
    return (after.stored - before.stored) / (after.at_s - before.at_s)


async def uploaded(somebody: Person, path: Path) -> str:
    """The id of the uploaded list."""
    made = await somebody.do(UPLOAD)
    with path.open("rb") as file:
        async with somebody.session.put(made["uploadUrl"], data=file) as answer:
            answer.raise_for_status()
    return str(made["uploadId"])


async def run(asked: argparse.Namespace, api: str, path: Path, groups: dict[str, list[int]]) -> bool:
    """The job, from the mutation to its end; whether all bars were held."""
    timeout = aiohttp.ClientTimeout(total=600)
    async with connected(role="bench"), aiohttp.ClientSession(timeout=timeout) as session, acquire() as connection:
        somebody = Person(api, await auth.issue_token("bench@example.org"), session)
        await until(lambda: _answers(session, api))
        project, upload_id = await somebody.project("bench"), await uploaded(somebody, path)
        watching, begun_s = Watching(asked.count, groups, connection), time.perf_counter()
        sources = [{"urlList": {"uploadId": upload_id}}]
        key = await somebody.crawl(projectId=project, sources=sources, maxImages=asked.count, chunkSize=asked.chunk)
        job = int(key.split(":")[1])
        row = await watching.until_over(job, begun_s)
        seconds = watching.looks[-1].at_s
        say(f"{asked.count:,} images in {seconds:.1f} s: {asked.count / seconds:.0f}/s; {row['status']}")
        found = f"{asked.count / watching.found_s:,.0f} rows/s" if watching.found_s else "not all"
        say(f"all rows after {watching.found_s:.1f} s, beside fetching: {found}")
        for line in watching.table():
            say(line)
        rows = await connection.fetchrow(ROWS, job)
        told = {"total": row["total_images"], "downloaded": row["downloaded_images"], "valid": row["valid_images"]}
        told |= {"final": row["final"], "chunks": row["completed_chunks"], "files": row["downloaded_images"]}
        wrong = [f"{name}: {told[name]} told, {rows[name]} counted" for name in told if told[name] != rows[name]]
        bars = [*watching.bars(), ("counters: " + ("exact" if not wrong else "; ".join(wrong)), not wrong)]
        for bar, held in bars:
            say(f"{'held' if held else 'MISSED':7} {bar}")
        if rows["downloaded"] != asked.count:
            for reason in await connection.fetch(REASONS, job):
                say(f"{reason['count']:,} are not stored: {reason['code']}, {reason['message']}")
    await queue.close()
    return all(held for _, held in bars) and rows["downloaded"] == asked.count


async def _answers(session: aiohttp.ClientSession, api: str) -> bool:
    try:
        async with session.get(f"{api}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def measure(asked: argparse.Namespace, home: Path) -> bool:
    """Start everything, run, end everything; whether all bars were held."""
    adopt(start(home).environment() | dict(one.split("=", 1) for one in asked.set or ()))
    asyncio.run(migrate())
    servers = alive(home)
    with image_server(asked.hosts) as (bases, server), service(home, asked.workers) as (url, workers, api_pid):
        path = home / "list.csv"
        list_of(bases, asked.count, path)
        groups = {"workers": [process.pid for process in workers.processes.values()], "api": [api_pid]}
        groups |= {"postgres": [servers.postgres or 0], "valkey": [servers.valkey or 0], "server": [server]}
        return asyncio.run(run(asked, url, path, groups))


def main() -> None:
    """Read the arguments, measure, print, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="images of the job")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--chunk", type=int, default=500, help="rows of a chunk")
    parser.add_argument(
        "--hosts", type=int, default=8, help="loopback addresses that serve them, each a host of its own"
    )
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="a variable of the service's environment")
    parser.add_argument("--keep", action="store_true", help="keep the home, with the logs")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(
        PIXCRAWLER_HOME=str(home),
        PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more",
        PIXCRAWLER_ALLOW_ADDRESSES="127.0.0.0/8",
    )
    try:
        held = measure(asked, home)
    finally:
        if asked.keep:
            stop(home)
            say(f"kept: {home}")
        else:
            homes.remove(home)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
