"""Many subscribers on one job, ours beside a Node server of graphql-ws and ws.

    python -m tests.bench.subscribers [--subscribers 200] [--rate 10] [--seconds 5] [--burst 200] [--connected 500]
                                      [--churn 5] [--only ours node]

The bars are meant for `--subscribers 1000 --seconds 30 --burst 1000 --connected 5000 --churn 60` on a quiet machine.
Ours is an API process as `pixcrawler api` starts it on an embedded PostgreSQL and Valkey; a change is a commit that is
told as workers tell it. Node's job is an object in its memory, and a change a request to it. All subscribers are
in this process. Prints for each server:

    steady     milliseconds from change to frame, at RATE changes a second; frames; the server's CPU
    burst      deliveries a second of one change to all, from the change on and from the first frame on: median of 7
    connected  KiB of the server's memory for each subscriber more
    churn      who came, heard the snapshot and left, a second; memory and open files before, half-way and after

Exits 1 unless every subscriber saw a snapshot, the final state and the end, and revisions that only grow.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop

from app import auth, queue
from app.database import acquire, connected, migrate
from app.embedded import start
from app.progress import publish_change
from app.settings import CHECKOUT, adopt
from tests.bench.crawl import say, service
from tests.bench.listeners import Change, Listener, Target, ended, gather, heard_of
from tests.bench.meters import cpu_s, pss_bytes
from tests.support import homes
from tests.support.service import Person, entries, until

WATCH = """subscription($id: ID!) { crawlJobProgress(id: $id) { version at imagesPerSecond bytesPerSecond etaSeconds
  crawlJob { id name status progress totalImages downloadedImages validImages totalChunks activeChunks completedChunks
  failedChunks chunkProgress taskIds sources { name found state message } } } }"""
CHANGE = """
update crawl_jobs set downloaded_images = downloaded_images + 1, valid_images = valid_images + 1,
    options = options || jsonb_build_object('final', (options->>'final')::bigint + 1)
where id = $1 and status = 'running' returning revision
"""
BEGIN = "update crawl_jobs set status = 'running', total_images = 1000 where id = $1"
END = (
    "update crawl_jobs set status = 'completed', progress = 100, completed_at = now() where id = $1 returning revision"
)
BURSTS = 7
BURST_GAP_S = 0.3
"""Longer than the least time between two frames."""
AT_ONCE = 50
"""Who comes and goes at once."""
LIMITS = ("PIXCRAWLER_SUBSCRIPTIONS_PER_USER", "PIXCRAWLER_RATE_PER_USER", "PIXCRAWLER_RATE_PER_ADDRESS")
"""All subscribers are one user at one address here."""
NODE = Path(__file__).parent / "node_subscriptions"
INSTALL_S = 300.0


@dataclass
class Entrant:
    """A server with one job: who is asked, how the job is changed and ended, and the server's process."""

    name: str
    target: Target
    change: Change
    end: Change
    pid: int


async def measure(asked: argparse.Namespace, entrant: Entrant) -> bool:
    """All that is measured of one server; True where every subscriber heard what they must."""
    say(f"{entrant.name}:")
    await churn(entrant, asked.churn)
    await connecting(entrant, asked.connected)
    await burst(entrant, asked.burst)
    return await steady(asked, entrant)


async def steady(asked: argparse.Namespace, entrant: Entrant) -> bool:
    """Changes at even distances until the last, after which the job ends."""
    everybody = await gather(entrant.target, asked.subscribers)
    commits: dict[int, float] = {}
    used_s, begun_s = _cpu_s(entrant), time.perf_counter()
    for number in range(int(asked.rate * asked.seconds)):
        await asyncio.sleep(max(0.0, begun_s + number / asked.rate - time.perf_counter()))
        at_s, revision = await entrant.change()
        commits[revision] = at_s
    used_s, seconds = _cpu_s(entrant) - used_s, time.perf_counter() - begun_s
    await asyncio.sleep(1 / asked.rate)
    at_s, final = await entrant.end()
    commits[final] = at_s
    await ended(everybody)
    waits = sorted(1000 * (at - commits[revision]) for one in everybody for at, revision in one.heard[1:])
    whole = sum(one.is_whole(final) for one in everybody)
    say(
        f"  steady     {asked.subscribers} subscribers x {asked.rate:g}/s: p50 {_share(waits, 0.5):.1f} ms,"
        f" p99 {_share(waits, 0.99):.1f}, most {waits[-1]:.1f}; {len(waits)} frames of"
        f" {len(commits) * asked.subscribers}; {whole} heard all; CPU {100 * used_s / seconds:.0f} %"
    )
    _leave(everybody)
    return whole == len(everybody)


async def burst(entrant: Entrant, count: int) -> None:
    """One change to all, several times."""
    everybody = await gather(entrant.target, count)
    rates = []
    for _ in range(BURSTS):
        await asyncio.sleep(BURST_GAP_S)
        at_s, revision = await entrant.change()
        await heard_of(everybody, revision)
        times = sorted(one.heard[-1][0] for one in everybody)
        rates.append((count / (times[-1] - at_s), count / max(times[-1] - times[0], 1e-9)))
    whole, inner = (statistics.median(one) for one in zip(*rates, strict=True))
    say(f"  burst      to {count}: {whole:,.0f} deliveries/s from the change, {inner:,.0f} from the first frame")
    _leave(everybody)


async def connecting(entrant: Entrant, count: int) -> None:
    """What a connected subscriber takes, after one change that all heard of."""
    _leave(await gather(entrant.target, min(count, 200)))
    await asyncio.sleep(1)
    before = pss_bytes(entrant.pid)
    everybody = await gather(entrant.target, count)
    _, revision = await entrant.change()
    await heard_of(everybody, revision)
    took = (pss_bytes(entrant.pid) - before) / 1024 / count
    say(f"  connected  {count}: {took:.1f} KiB each")
    _leave(everybody)


async def churn(entrant: Entrant, seconds: float) -> None:
    """Come, hear the snapshot, leave, again and again, half of them without a word."""
    marks = [_held(entrant)]
    came = 0
    begun_s = time.perf_counter()
    for part in (1, 2):
        while time.perf_counter() < begun_s + seconds * part / 2:
            somebody = await gather(entrant.target, AT_ONCE)
            for number, one in enumerate(somebody):
                one.leave(politely=number % 2 == 0)
            came += AT_ONCE
        if part == 1:
            marks.append(_held(entrant))
    rate = came / (time.perf_counter() - begun_s)
    await asyncio.sleep(1)
    marks.append(_held(entrant))
    told = ", ".join(f"{size / 2**20:.1f} MiB and {files} files" for size, files in marks)
    say(f"  churn      {came} came and went, {rate:,.0f} a second: {told}")


def _held(entrant: Entrant) -> tuple[int, int]:
    return pss_bytes(entrant.pid), len(list(Path(f"/proc/{entrant.pid}/fd").iterdir()))


def _cpu_s(entrant: Entrant) -> float:
    return cpu_s({"it": [entrant.pid]})["it"]


def _leave(everybody: Sequence[Listener]) -> None:
    for one in everybody:
        one.leave(politely=True)


def _share(values: Sequence[float], share: float) -> float:
    """The value below which that share of the sorted values lies."""
    return values[min(len(values) - 1, int(share * len(values)))]


@contextlib.asynccontextmanager
async def ours(url: str, pid: int) -> AsyncIterator[Entrant]:
    """Our service with a job that runs."""
    async with connected(role="bench"), aiohttp.ClientSession() as session:
        somebody = Person(url, await auth.issue_token("bench@example.org"), session)
        await until(lambda: _answers(session, url))
        job = await somebody.crawl(sources=entries("http://127.0.0.1:9/1.jpg"), start=False)
        key = int(job.split(":")[1])
        async with acquire() as connection:
            await connection.execute(BEGIN, key)

        async def changed(statement: str) -> tuple[float, int]:
            async with acquire() as connection:
                revision = await connection.fetchval(statement, key)
            at_s = time.perf_counter()
            await publish_change("CrawlJob", key)
            return at_s, revision

        target = Target(url, somebody.token, WATCH, job)
        yield Entrant("ours", target, lambda: changed(CHANGE), lambda: changed(END), pid)
    await queue.close()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def run_ours(asked: argparse.Namespace, url: str, pid: int) -> bool:
    """Measure ours."""
    async with ours(url, pid) as entrant:
        return await measure(asked, entrant)


async def run_node(asked: argparse.Namespace, url: str, pid: int) -> bool:
    """Measure Node's."""
    async with aiohttp.ClientSession() as session:

        async def changed(path: str) -> tuple[float, int]:
            at_s = time.perf_counter()
            async with session.post(f"{url}{path}") as answer:
                return at_s, int(await answer.text())

        target = Target(url, "", WATCH, "CrawlJob:1")
        entrant = Entrant("graphql-ws on Node", target, lambda: changed("/"), lambda: changed("/end"), pid)
        return await measure(asked, entrant)


@contextlib.contextmanager
def node() -> Iterator[tuple[str, int]]:
    """The Node server: its address and its process. Its packages are installed once, from npm."""
    lock = (NODE / "package-lock.json").read_bytes()
    folder = CHECKOUT / ".pixcrawler" / "node_subscriptions" / hashlib.sha256(lock).hexdigest()[:12]
    if not (folder / "ready").exists():
        shutil.rmtree(folder.parent, ignore_errors=True)
        shutil.copytree(NODE, folder)
        subprocess.run(["npm", "ci", "--loglevel=error"], cwd=folder, check=True, timeout=INSTALL_S)
        (folder / "ready").touch()
    shutil.copy(NODE / "server.js", folder)
    process = subprocess.Popen(["node", "server.js"], cwd=folder, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
    finally:
        process.terminate()
        process.wait()


def ours_at_home(asked: argparse.Namespace) -> bool:
    """Start ours in a home of its own, measure, clean up."""
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(
        PIXCRAWLER_HOME=str(home),
        PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more",
        **dict.fromkeys(LIMITS, str(10**6)),
    )
    try:
        adopt(start(home).environment())
        asyncio.run(migrate())
        with service(home, 0) as (url, _, pid):
            return bool(uvloop.run(run_ours(asked, url, pid)))
    finally:
        homes.remove(home)


def main() -> None:
    """Read the arguments and measure one server after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("subscribers", 200), ("burst", 200), ("connected", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, standard in (("rate", 10.0), ("seconds", 5.0), ("churn", 5.0)):
        parser.add_argument(f"--{name}", type=float, default=standard)
    parser.add_argument("--only", nargs="+", choices=("ours", "node"), default=["ours", "node"])
    asked = parser.parse_args()
    right = []
    if "ours" in asked.only:
        right.append(ours_at_home(asked))
    if "node" in asked.only:
        if shutil.which("npm") is None:
            raise SystemExit("The peer needs Node 20 and npm; --only ours leaves it out.")
        with node() as (url, pid):
            right.append(uvloop.run(run_node(asked, url, pid)))
    sys.exit(0 if all(right) else 1)


if __name__ == "__main__":
    main()
