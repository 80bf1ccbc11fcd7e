"""What each request of the abuse set takes, and what it does to others meanwhile.

    python -m tests.bench.abuse [--rounds 5] [--at-once 20] [--many 5000] [--rate 100] [--only WORDS …]

Ours is an API process as `pixcrawler api` starts it, on an embedded PostgreSQL and Valkey, with logs, metrics and rate
limits on (so high that they refuse nothing). Beside it another client, a process of its own, asks for one job every
10 ms. Prints for each request its status, the milliseconds of the first, the median and the longest of ROUNDS in turn,
the longest of AT-ONCE at the same moment, and the 99th percentile and the longest of what the other client waited
meanwhile. Then MANY requests, all kinds in turn, RATE a second: as many as a user may send. Memory is PSS. At the
beginning and at the end the other client alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiohttp
import uvloop

from app import auth, queue
from app.database import connected, migrate
from app.embedded import start
from app.settings import adopt
from tests.bench.crawl import say, service
from tests.bench.meters import pss_bytes
from tests.bench.other import Other
from tests.support import homes
from tests.support.abuse import ABUSE
from tests.support.service import Person, entries, until

LIMITS = ("PIXCRAWLER_RATE_PER_USER", "PIXCRAWLER_RATE_PER_ADDRESS")
"""All that is sent comes from one user at one address here."""
ALONE_S = 3.0
AFTER_S = 0.2
"""How long the other client is watched after a request: what it left behind may cost later."""
AT_A_TIME = 8


def quantiles(waited: Sequence[float]) -> str:
    """The 99th percentile and the longest, ms."""
    inside = sorted(waited)
    return f"{inside[int(0.99 * (len(inside) - 1))]:8.1f} {inside[-1]:8.1f}" if inside else ""


async def once(session: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, float]:
    """The status of a request, and its milliseconds."""
    begun = time.perf_counter()
    async with session.post(url, data=io.BytesIO(body)) as response:
        await response.read()
    return response.status, 1000 * (time.perf_counter() - begun)


async def each(session: aiohttp.ClientSession, url: str, asked: argparse.Namespace, other: Other, pid: int) -> float:
    """A line for each request; the longest of all, ms."""
    columns = ("status", "first", "median", "longest", "at once", "p99", "others")
    say(f"{'request':38} " + " ".join(f"{column:>8}" for column in columns))
    longest = 0.0
    for what, body in ABUSE.items():
        if asked.only and not any(word in what for word in asked.only):
            continue
        before = pss_bytes(pid)
        other.heard()
        status, first = await once(session, url, body)
        took = [(await once(session, url, body))[1] for _ in range(asked.rounds)]
        together = [ms for _, ms in await asyncio.gather(*(once(session, url, body) for _ in range(asked.at_once)))]
        await asyncio.sleep(AFTER_S)
        more = (pss_bytes(pid) - before) / 2**20
        longest = max(longest, first, *took, *together)
        say(
            f"{what:38} {status:8} {first:8.1f} {statistics.median(took):8.1f} {max(took):8.1f} {max(together):8.1f} "
            f"{quantiles(other.heard())}" + (f"  {more:+.1f} MiB" if abs(more) > 1 else "")
        )
    return longest


async def many(session: aiohttp.ClientSession, url: str, asked: argparse.Namespace, other: Other, pid: int) -> None:
    """All kinds in turn, some at a time."""
    bodies = itertools.islice(itertools.cycle(ABUSE.values()), asked.many)
    before = pss_bytes(pid) / 2**20
    other.heard()

    begun = time.perf_counter()
    turns = itertools.count()

    async def some() -> None:
        for body in bodies:
            await asyncio.sleep(max(0.0, begun + next(turns) / asked.rate - time.perf_counter()))
            await once(session, url, body)

    await asyncio.gather(*(some() for _ in range(AT_A_TIME)))
    seconds = time.perf_counter() - begun
    waited = quantiles(other.heard())
    await asyncio.sleep(AFTER_S)
    after = pss_bytes(pid) / 2**20
    say(f"{asked.many} in {seconds:.1f} s; others p99 and longest {waited} ms; memory {before:.0f} → {after:.0f} MiB")


async def alone(other: Other) -> None:
    """The other client without abuse."""
    await asyncio.sleep(ALONE_S)
    waited = other.heard()
    say(f"others alone: median {statistics.median(waited):.1f} ms, p99 and longest {quantiles(waited)} ms")


@contextlib.asynccontextmanager
async def asking(url: str) -> AsyncIterator[tuple[Other, str]]:
    """The other client with a job of its own, and a token of somebody else."""
    async with connected(role="bench"), aiohttp.ClientSession() as session:
        somebody = Person(url, await auth.issue_token("other@example.org"), session)
        await until(lambda: _answers(session, url))
        job = await somebody.crawl(sources=entries("http://127.0.0.1:9/1.jpg"), start=False)
        with Other(url, somebody.token, job) as other:
            yield other, await auth.issue_token("abuse@example.org")
    await queue.close()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def measure(asked: argparse.Namespace, url: str, pid: int) -> None:
    """All that is measured."""
    async with asking(url) as (other, token):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connector = aiohttp.TCPConnector(limit=asked.at_once + AT_A_TIME)
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
            await alone(other)
            at_first = pss_bytes(pid) / 2**20
            longest = await each(session, f"{url}/graphql", asked, other, pid)
            say(f"the longest of all: {longest:.1f} ms; memory at first {at_first:.0f} MiB")
            await many(session, f"{url}/graphql", asked, other, pid)
            await alone(other)


@contextlib.contextmanager
def at_home() -> Iterator[tuple[str, int]]:
    """Ours in a home of its own: its address and its process."""
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
            yield url, pid
    finally:
        homes.remove(home)


def main() -> None:
    """Read the arguments, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, standard in (("rounds", 5), ("at-once", 20), ("many", 5_000), ("rate", 100)):
        parser.add_argument(f"--{name}", type=int, default=standard)
    parser.add_argument("--only", nargs="+", metavar="WORDS", help="requests with one of these words in their names")
    asked = parser.parse_args()
    with at_home() as (url, pid):
        uvloop.run(measure(asked, url, pid))
    sys.exit(0)


if __name__ == "__main__":
    main()
