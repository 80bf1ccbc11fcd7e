"""What a crawl costs: images from nginx, from the mutation to the completed job, by two worker processes.

    python -m tests.bench.crawl FOLDER [--rounds 3] [--workers 2] [--chunk 500] [--limit N] [--inline] [--set NAME=X]

FOLDER holds JPEGs at any depth. Everything runs on loopback: nginx, an embedded PostgreSQL and Valkey of its own, an
API process, the workers, storage in a folder. Prints images a second, CPU milliseconds an image of each part, the time
to the first stored image and the most memory; the last line is the median round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from app import auth, queue
from app.database import acquire, connected, migrate
from app.embedded import alive, start, stop
from app.settings import adopt
from tests.bench.meters import Groups, Peaks, cpu_s, watched
from tests.bench.web_server import nginx
from tests.support import homes
from tests.support.fleet import Fleet, fleet, start_process
from tests.support.service import Person, entries, until

DEADLINE_S = 600.0
LOOK_S = 0.01
PARTS = ("workers", "api", "postgres", "valkey", "nginx")
UPLOAD = """mutation { createUrlListUpload(input: {filename: "urls.csv"}) { uploadId uploadUrl errors { message } } }"""


@dataclass(frozen=True)
class Round:
    """One crawl: `cpu_ms` is per image and part, `first_s` until an image was stored."""

    seconds: float
    first_s: float
    images: int
    cpu_ms: dict[str, float]

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.seconds

    def line(self) -> str:
        """The figures as a line of the table."""
        parts = " ".join(f"{self.cpu_ms[part]:8.2f}" for part in PARTS)
        return f"{self.seconds:8.2f} {self.rate:9.0f} {self.first_s:8.2f} {parts}"


HEAD = f"{'':8} {'seconds':>8} {'images/s':>9} {'first s':>8} " + " ".join(f"{part:>8}" for part in PARTS)


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def crawl(somebody: Person, urls: list[str], chunk: int, groups: Groups, *, inline: bool) -> Round:
    """Crawl the URLs once, and forget the rows."""
    project = await somebody.project("bench")
    sources = entries(*urls) if inline else [{"urlList": {"uploadId": await uploaded(somebody, urls)}}]
    before, begun_s = cpu_s(groups), time.perf_counter()
    job = await somebody.crawl(projectId=project, sources=sources, maxImages=len(urls), chunkSize=chunk)
    first_s = 0.0
    async with acquire() as connection, asyncio.timeout(DEADLINE_S):
        look = "select status, downloaded_images as stored, total_images from crawl_jobs where id = $1"
        while True:
            row = await connection.fetchrow(look, int(job.split(":")[1]))
            if row["stored"] and not first_s:
                first_s = time.perf_counter() - begun_s
            if row["status"] == "completed":
                break
            await asyncio.sleep(LOOK_S)
        seconds = time.perf_counter() - begun_s
        used = cpu_s(groups)
        final = await connection.fetchval("select count(*) from images where status in ('downloaded', 'duplicate')")
        if final != len(urls):
            raise RuntimeError(f"{final} of {len(urls)} images were stored")
        await connection.execute("delete from projects")
        await connection.execute("vacuum analyze")
    return Round(seconds, first_s, len(urls), {part: 1000 * (used[part] - before[part]) / len(urls) for part in PARTS})


async def uploaded(somebody: Person, urls: list[str]) -> str:
    """The id of an uploaded URL list."""
    made = await somebody.do(UPLOAD)
    async with somebody.session.put(made["uploadUrl"], data="url\n" + "\n".join(urls)) as answer:
        answer.raise_for_status()
    return str(made["uploadId"])


async def run(asked: argparse.Namespace, home: Path, base: str, groups: dict[str, list[int]], api: str) -> list[Round]:
    """All rounds, each on empty tables and in a new folder."""
    files = sorted(str(path.relative_to(asked.folder)) for path in asked.folder.rglob("*.jpg"))[: asked.limit]
    urls = [base + name for name in files]
    for name in files:
        (asked.folder / name).read_bytes()  # so that the first round does not wait for the disk
    rounds = []
    async with connected(role="bench"), aiohttp.ClientSession() as session:
        somebody = Person(api, await auth.issue_token("bench@example.org"), session)
        await until(lambda: answers(session, api))
        for number in range(asked.rounds):
            one = await crawl(somebody, urls, asked.chunk, groups, inline=asked.inline)
            rounds.append(one)
            say(f"{number + 1:<8} {one.line()}")
            # Set aside, not deleted: ext4 passes over every inode that was deleted within the last minutes, one by
            # one, so that a file made after many were deleted costs a millisecond of CPU more.
            (home / "storage" / "images").rename(home / f"round-{number}")
    await queue.close()
    return rounds


async def answers(session: aiohttp.ClientSession, api: str) -> bool:
    """Whether the API says that all of the service is there."""
    try:
        async with session.get(f"{api}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@contextlib.contextmanager
def service(home: Path, workers: int) -> Iterator[tuple[str, Fleet, int]]:
    """An API process and workers on what the environment names: the address, the workers, the API's process id."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        adopt({"PIXCRAWLER_PUBLIC_URL": url})
        listener.set_inheritable(True)
        number = listener.fileno()
        api = start_process(("api", "--fd", str(number)), {}, home / "api.log", pass_fds=(number,))
        try:
            with fleet(workers, {}, home / "workers.log") as found:
                yield url, found, api.pid
        finally:
            api.terminate()
            api.wait()


def measure(asked: argparse.Namespace, home: Path) -> tuple[list[Round], Peaks]:
    """Start everything, run the rounds, end everything."""
    adopt(start(home).environment() | dict(one.split("=", 1) for one in asked.set or ()))
    asyncio.run(migrate())
    servers = alive(home)
    with nginx(asked.folder) as (base, nginx_pid), service(home, asked.workers) as (url, workers, api_pid):
        groups = {
            "workers": [process.pid for process in workers.processes.values()],
            "api": [api_pid],
            "postgres": [servers.postgres or 0],
            "valkey": [servers.valkey or 0],
        }
        with watched(groups) as peaks:
            rounds = asyncio.run(run(asked, home, base, groups | {"nginx": [nginx_pid]}, url))
    return rounds, peaks


def main() -> None:
    """Read the arguments, measure, print, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("rounds", 3), ("workers", 2), ("chunk", 500), ("limit", None)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--inline", action="store_true", help="give the URLs in the mutation instead of uploading them")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="a variable of the service's environment")
    parser.add_argument("--keep", action="store_true", help="keep the home, with the workers' log")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(
        PIXCRAWLER_HOME=str(home),
        PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more",
        PIXCRAWLER_ALLOW_ADDRESSES="127.0.0.0/8",
    )
    say(HEAD)
    try:
        rounds, peaks = measure(asked, home)
    finally:
        if asked.keep:
            stop(home)
            say(f"kept: {home}")
        else:
            homes.remove(home)
    middle = statistics.median_low([one.rate for one in rounds])
    say(f"{'median':<8} {next(one for one in rounds if one.rate == middle).line()}")
    say("PSS, MiB at most: " + ", ".join(f"{name} {size / 2**20:.0f}" for name, size in peaks.most.items()))


if __name__ == "__main__":
    main()
