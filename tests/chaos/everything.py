"""Kill workers, API, Valkey and PostgreSQL, at random, under the whole service with several users at work.

    python -m tests.chaos.everything [--seconds 300] [--every 3] [--seed 5] [--urls N] [--no-baseline] [--keep]

The service is what `up` starts, in a home of its own; the image host is ours, on loopback. First the same work is done
undisturbed. Then something is killed with SIGKILL every few seconds, for the whole time: a worker, the API, Valkey,
PostgreSQL or one of its backends. At the end all is compared with what it must be; exits 1 where anything differs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from app import auth, embedded
from app.commands import state
from app.database import acquire, connected, migrate
from app.settings import adopt, environment
from app.storage import storage
from tests.chaos import accounts, site
from tests.chaos.accounts import Line
from tests.chaos.clients import MAKE, Journey, Meddler, Probe, surely
from tests.chaos.victims import KINDS, Killer, left_in
from tests.support import homes
from tests.support.asking import key_of
from tests.support.service import Person, entries

USERS = 3
JOBS_EACH = 2
DELAYS_S = (0.2, 0.6)
URLS_A_SECOND = 12
"""Of one job, undisturbed: a host of its own with 8 connections, each answer 0.4 s late. So many make a run last."""
READY_S = 60.0
END_S = 600.0
"""How long the work may go on once nothing is killed any more."""
STOP_S = 40.0
ENVIRONMENT = {
    "PIXCRAWLER_JWT_SECRET": "a secret for this run only, of 32 bytes or more",
    "PIXCRAWLER_SIGNING_KEY": "a key for this run only, of 32 bytes or more",
    "PIXCRAWLER_ALLOW_ADDRESSES": "127.0.0.0/8",
}
READ = "{ projects(first: 5) { nodes { id name crawlJobs(first: 5) { nodes { id status } } } } }"
WRITE = "mutation($n: String!) { updateProfile(input: {fullName: $n}) { profile { id } errors { message } } }"


@dataclass
class Run:
    """One run of the work, and what came of it."""

    home: Path
    host: site.Site
    urls: int
    killer: Killer
    disturbed_s: float
    journeys: list[Journey] = field(default_factory=list)
    meddlers: list[Meddler] = field(default_factory=list)
    probes: dict[str, Probe] = field(default_factory=dict)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)
    seconds: float = 0.0
    """From the first mutation to the end of the last crawl."""
    lines: list[Line] = field(default_factory=list)

    async def work(self, people: list[Person]) -> None:
        """Everything that clients do, with what is killed meanwhile. TimeoutError where it does not end."""
        begun_s = time.monotonic()
        for number, person in enumerate(people):
            mine = [await self._journey(person, number * JOBS_EACH + job) for job in range(JOBS_EACH)]
            self.journeys += mine
            self.meddlers.append(Meddler(person, mine))
        self.probes = {"read": Probe(people[0], READ, {}), "write": Probe(people[0], WRITE, {"n": "Me"})}
        working = asyncio.gather(*(journey.run() for journey in self.journeys))
        clients: list[Meddler | Probe] = [*self.meddlers, *self.probes.values()]
        beside = [asyncio.create_task(one.run()) for one in clients]
        if self.disturbed_s:
            beside.append(asyncio.create_task(self.killer.run()))
            await asyncio.sleep(self.disturbed_s)
        else:
            await asyncio.wait([working])
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        async with asyncio.timeout(END_S):
            for meddler in self.meddlers:
                await meddler.rest()
            await working
        self.seconds = max(journey.crawled_s for journey in self.journeys) - begun_s

    async def _journey(self, person: Person, number: int) -> Journey:
        key = f"job {number}"
        self.numbers[key] = self.host.numbers(self.urls, number * self.urls, number)
        project = await surely(person, MAKE, n=key)
        given = {"projectId": project["project"]["id"], "maxImages": self.urls, "chunkSize": 100}
        return Journey(person, key, given | {"sources": entries(*self.numbers[key])})

    async def compare_clients(self) -> None:
        """What clients were told with what is."""
        told = [journey.told for journey in self.journeys]
        lost = [line for meddler in self.meddlers for line in await meddler.lost()]
        projects = sum(len(meddler.names) for meddler in self.meddlers)
        self.lines += [
            Line("last states that subscribers heard of", ["COMPLETED"] * len(told), told),
            Line("numbers that fell", [], [line for journey in self.journeys for line in journey.went_back]),
            Line(f"acknowledged changes of {projects} projects that were lost", [], lost),
        ]

    async def compare_rows(self, connection: asyncpg.Connection) -> None:
        """Rows, counters, bytes and files with what they must be."""
        for journey in self.journeys:
            numbers = self.numbers[journey.key]
            lines = await accounts.job_lines(connection, key_of(journey.job), self.host, numbers)
            self.lines += [Line(f"{journey.key}: {line.what}", line.must, line.found) for line in lines]
        self.lines += await accounts.storage_lines(connection)
        self.lines += [
            Line("jobs", len(self.journeys), await connection.fetchval("select count(*) from crawl_jobs")),
            Line("jobs that the service paused", 0, await connection.fetchval(STOPPED)),
            Line("validations that did not complete", 0, await connection.fetchval(UNFINISHED_VALIDATIONS)),
            Line("exports that did not complete", 0, await connection.fetchval(UNFINISHED_EXPORTS)),
        ]
        for row in await connection.fetch("select crawl_job_id, download_url from export_jobs"):
            names = await connection.fetch(STORED_NAMES, row["crawl_job_id"])
            packed = await storage().get(row["download_url"])
            found = await asyncio.to_thread(names_in, packed)
            self.lines.append(Line(f"images in {row['download_url']}", len(names), len(found & {n[0] for n in names})))


STOPPED = "select count(*) from activity_logs where action = 'crawl_job.stopped'"
UNFINISHED_VALIDATIONS = "select count(*) from validation_jobs where status <> 'completed'"
UNFINISHED_EXPORTS = "select count(*) from export_jobs where status <> 'completed'"
STORED_NAMES = "select encode(sha256, 'hex') from images where crawl_job_id = $1 and status in ('downloaded', 'valid')"


def names_in(packed: bytes) -> set[str]:
    """The digests by which a ZIP's images are named; their check sums are looked at."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        bad = archive.testzip()
        return set() if bad else {Path(name).stem for name in archive.namelist() if re.search(r"[0-9a-f]{64}\.", name)}


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def up(home: Path) -> Any:
    """The service in a home, as a user starts it; its address. Ended in order at the end."""
    own = {name: value for name, value in environment().items() if not name.endswith(("DATABASE_URL", "REDIS_URL"))}
    command = [sys.executable, "-P", "-m", "app.cli", "up", "--port", "0", "--workers", "2"]
    with (home / "service.log").open("ab") as output:
        process = subprocess.Popen(command, env=own, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        ends_s = time.monotonic() + READY_S
        while not ((running := state.read(home)) and running.pid == process.pid and running.url):
            if process.poll() is not None or time.monotonic() > ends_s:
                raise RuntimeError(f"The service did not start: {(home / 'service.log').read_text()[-2000:]}")
            time.sleep(0.05)
        yield running.url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.asynccontextmanager
async def people(url: str, tokens: list[str]) -> AsyncIterator[list[Person]]:
    """Users, each with connections of their own."""
    async with contextlib.AsyncExitStack() as stack:
        found = [Person(url, token, await stack.enter_async_context(aiohttp.ClientSession())) for token in tokens]
        yield found


async def tokens_of_new_users() -> list[str]:
    """A token for each."""
    async with connected(role="chaos"):
        return [await auth.issue_token(f"user-{number}@example.org") for number in range(USERS)]


async def run_in(home: Path, asked: argparse.Namespace, disturbed_s: float) -> Run:
    """The whole work in a fresh home."""
    services = embedded.start(home)
    adopt({**ENVIRONMENT, "PIXCRAWLER_HOME": str(home), "STORAGE_URL": services.storage_url})
    adopt({"DATABASE_URL": services.database_url, "REDIS_URL": services.redis_url})
    await migrate()
    tokens = await tokens_of_new_users()
    async with site.serve(DELAYS_S, USERS * JOBS_EACH) as host:
        killer = Killer(home, asked.every, random.Random(asked.seed))
        run = Run(home, host, asked.urls, killer, disturbed_s)
        with up(home) as url:
            async with people(url, tokens) as users:
                await run.work(users)
                await run.compare_clients()
        run.lines.append(Line("processes that are left", [], left_in(home)))
        embedded.start(home)
        async with connected(role="chaos"), acquire() as connection:
            await run.compare_rows(connection)
    return run


def report(run: Run, baseline: Run | None, asked: argparse.Namespace) -> bool:
    """Print what happened; True where the books are right."""
    wrong = [line for line in run.lines if not line.ok]
    for line in wrong:
        say(f"FAIL {line.what:60} {line.found}, must be {line.must}")
    say(f"{len(run.lines)} things counted in two ways, {len(wrong)} of them differ")
    counts = run.killer.counts
    say(f"killed: {sum(counts.values())} times: " + ", ".join(f"{kind} {counts[kind]}" for kind in KINDS))
    rows = asked.urls * len(run.journeys)
    say(f"{rows} URLs crawled in {run.seconds:.0f} s, {run.host.asked} requests to the host")
    if baseline is not None:
        say(f"undisturbed: {baseline.seconds:.0f} s, {baseline.host.asked} requests")
    log = (run.home / "service.log").read_text(errors="replace")
    say(f"leases that ran out: {log.count('lease_expired')}")
    for name, probe in run.probes.items():
        found = probe.downtimes(run.killer.kills)
        for kind in KINDS:
            times = sorted(found.get(kind, [0.0]))
            mean_s = sum(times) / len(times)
            say(f"downtime of a {name} when {kind:8} is killed: mean {mean_s:.1f} s, longest {times[-1]:.1f} s")
    errors = [line for line in log.splitlines() if '"level":"error"' in line or "Traceback" in line]
    say(f"{len(errors)} lines of the log at level ERROR")
    for text in errors[:5]:
        say(text[:400])
    return not wrong


def main() -> None:
    """Read the arguments, run, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("seconds", 300.0), ("every", 3.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    for name, number in (("seed", 5), ("urls", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--no-baseline", action="store_true", help="leave the undisturbed run out")
    parser.add_argument("--keep", action="store_true", help="keep the homes, with the service's log")
    asked = parser.parse_args()
    asked.urls = (asked.urls or int(asked.seconds * URLS_A_SECOND)) // site.PERIOD * site.PERIOD
    made: list[Path] = []

    def in_fresh_home(disturbed_s: float) -> Run:
        made.append(Path(tempfile.mkdtemp(prefix="pixcrawler-chaos-")))
        return asyncio.run(run_in(made[-1], asked, disturbed_s))

    right = False
    try:
        baseline = None if asked.no_baseline else in_fresh_home(0)
        right = report(in_fresh_home(asked.seconds), baseline, asked)
    finally:
        for home in made:
            if asked.keep:
                embedded.stop(home)
                say(f"kept: {home}")
            else:
                homes.remove(home)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
