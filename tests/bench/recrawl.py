"""What crawling again saves: the same images from nginx once, again with none changed, and again with a tenth changed.

    python -m tests.bench.recrawl FOLDER [--images 1000] [--changed 100] [--rounds 3]

FOLDER holds JPEGs at any depth, at least `--images` and `--changed` together; they are copied. Everything runs on
loopback, with two worker processes. Prints seconds from the mutation to the completed job, what nginx sent by its own
log, CPU milliseconds an image of workers and nginx, and the counts of the difference; the median of the rounds last.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from app import auth, queue
from app.database import acquire, connected, migrate
from app.embedded import alive, start, stop
from app.settings import adopt
from tests.bench.crawl import DEADLINE_S, LOOK_S, answers, say, service, uploaded
from tests.bench.meters import Groups, cpu_s
from tests.bench.web_server import nginx
from tests.support import homes
from tests.support.recrawling import begun_again, compared
from tests.support.service import Person, until

STEPS = ("first", "again", "changed")


@dataclass(frozen=True)
class Step:
    """One crawl: what nginx sent, and CPU in ms an image."""

    seconds: float
    mib: float
    bodies: int
    not_modified: int
    worker_ms: float
    nginx_ms: float

    def line(self, told: str) -> str:
        """The figures as a line of the table."""
        return (
            f"{self.seconds:8.2f} {self.mib:9.2f} {self.bodies:7} {self.not_modified:6}"
            f" {self.worker_ms:10.2f} {self.nginx_ms:9.2f}  {told}"
        )


HEAD = f"{'':8} {'seconds':>8} {'MiB sent':>9} {'bodies':>7} {'304':>6} {'workers ms':>10} {'nginx ms':>9}"


def name_of(number: int) -> str:
    """The file of an image."""
    return f"{number:06}.jpg"


class Bench:
    """One service, one web server over `root`, and the web server's log."""

    def __init__(self, somebody: Person, groups: Groups, log: Path, images: int) -> None:
        self.somebody, self.groups, self.log, self.images = somebody, groups, log, images

    async def step(self, making: Any) -> tuple[str, Step]:
        """Await the mutation `making`, and its job's end; the job and its figures."""
        read, before, begun_s = self.log.stat().st_size, cpu_s(self.groups), time.perf_counter()
        job: str = await making
        async with acquire() as connection, asyncio.timeout(DEADLINE_S):
            look = "select status from crawl_jobs where id = $1"
            while await connection.fetchval(look, int(job.split(":")[1])) != "completed":
                await asyncio.sleep(LOOK_S)
        seconds, used = time.perf_counter() - begun_s, cpu_s(self.groups)
        with self.log.open() as lines:
            lines.seek(read)
            answers = [tuple(map(int, line.split())) for line in lines]
        spent = {name: 1000 * (used[name] - before[name]) / self.images for name in ("workers", "nginx")}
        sent, statuses = sum(size for _, size in answers), [status for status, _ in answers]
        return job, Step(
            seconds, sent / 2**20, statuses.count(200), statuses.count(304), spent["workers"], spent["nginx"]
        )

    async def round(self, base: str, root: Path, fresh: list[Path]) -> dict[str, Step]:
        """All three crawls, the files as they were at their end."""
        names = [name_of(number) for number in range(self.images)]
        was = {name: (root / name).read_bytes() for name in names}
        listed = await uploaded(self.somebody, [base + name for name in names])
        sources = [{"urlList": {"uploadId": listed}}]
        first, found = await self.step(self.somebody.crawl(sources=sources, maxImages=len(names)))
        steps = {"first": found}
        say(f"{'first':8} {found.line('')}")
        second, found = await self.step(begun_again(self.somebody, first))
        steps["again"] = found
        say(f"{'again':8} {found.line(str(await compared(self.somebody, second)))}")
        for name, path in zip(names, fresh, strict=False):
            shutil.copyfile(path, root / name)
        third, found = await self.step(begun_again(self.somebody, second))
        steps["changed"] = found
        say(f"{'changed':8} {found.line(str(await compared(self.somebody, third)))}")
        for name in names[: len(fresh)]:
            (root / name).write_bytes(was[name])
        return steps


async def run(
    asked: argparse.Namespace, base: str, bench: Bench, root: Path, fresh: list[Path]
) -> list[dict[str, Step]]:
    """All rounds, each on empty tables; storage keeps its bytes, so that only the first round writes new files."""
    rounds = []
    async with connected(role="bench"), aiohttp.ClientSession() as session:
        bench.somebody.session = session
        bench.somebody.token = await auth.issue_token("bench@example.org")
        await until(lambda: answers(session, bench.somebody.url))
        for _ in range(asked.rounds):
            rounds.append(await bench.round(base, root, fresh))
            async with acquire() as connection:
                await connection.execute("delete from projects")
                await connection.execute("vacuum analyze")
    await queue.close()
    return rounds


def measure(asked: argparse.Namespace, home: Path) -> list[dict[str, Step]]:
    """Start everything, run the rounds, end everything."""
    files = sorted(asked.folder.rglob("*.jpg"))[: asked.images + asked.changed]
    root, log = home / "site", home / "access.log"
    root.mkdir(parents=True)
    log.touch()
    for number, path in enumerate(files[: asked.images]):
        shutil.copyfile(path, root / name_of(number))
    adopt(start(home).environment())
    asyncio.run(migrate())
    servers = alive(home)
    with nginx(root, log) as (base, nginx_pid), service(home, 2) as (url, workers, _):
        groups = {
            "workers": [process.pid for process in workers.processes.values()],
            "postgres": [servers.postgres or 0],
            "nginx": [nginx_pid],
        }
        bench = Bench(Person(url, "", None), groups, log, asked.images)  # type: ignore[arg-type] # its session is opened in the loop
        return asyncio.run(run(asked, base, bench, root, files[asked.images :]))


def main() -> None:
    """Read the arguments, measure, print, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("images", 1000), ("changed", 100), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(
        PIXCRAWLER_HOME=str(home),
        PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more",
        PIXCRAWLER_ALLOW_ADDRESSES="127.0.0.0/8",
    )
    say(HEAD)
    try:
        rounds = measure(asked, home)
    finally:
        stop(home)
        homes.remove(home)
    say("median of seconds: " + ", ".join(f"{name} {_median(rounds, name):.2f}" for name in STEPS))


def _median(rounds: list[dict[str, Step]], name: str) -> float:
    return statistics.median([one[name].seconds for one in rounds])


if __name__ == "__main__":
    main()
