"""Whether the whole fleet is polite: what image hosts saw of four workers, from the hosts' own log.

    python -m tests.bench.politeness [--workers 4] [--images 60] [--slack-ms 15] [--case TEXT]

Each run crawls hosts with wishes of their own (Crawl-delay, Disallow, X-Robots-Tag, tdm-reservation in header and file,
429 and 503 with Retry-After, 429 without) and some without any, under another limit: 2 and 6 connections a host, a gap
of 100 ms, and 6 connections while Redis is emptied. Counted are the most requests in flight per host, the smallest gap,
requests for what is forbidden and within a pause, and each row's verdict. Exits 1 where one is not as it must be. The
log's clock starts when a request has arrived: `--slack-ms` is what the way there may differ by on a busy machine. News
of a pause may take 0.3 s to reach those who were about to ask.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app import queue
from app.database import acquire, connected, migrate
from app.embedded import start
from app.settings import adopt
from tests.bench.polite_hosts import CRAWL_DELAY_S, NAMED, PAUSE_S
from tests.support import homes
from tests.support.fleet import fleet
from tests.support.service import Person, entries, person, running_api, until

DEADLINE_S = 180.0
NEWS_S = 0.3
PLAIN = ("127.0.1.1", "127.0.1.2", "127.0.1.3")
FORBIDDEN = {"disallow": "robots", "x-robots-tag": "opt_out", "tdm-header": "opt_out", "tdmrep.json": "opt_out"}
"""What becomes of the images of a host that it does not want taken: every third one."""
UNASKED = ("disallow",)
"""Those of which not even the head may be asked for."""


@dataclass(frozen=True)
class Request:
    """A line of the hosts' log."""

    address: str
    path: str
    connection: int
    begin_s: float
    end_s: float
    status: int

    @property
    def of_rules(self) -> bool:
        """Whether it asked for robots.txt or tdmrep.json."""
        return self.path in ("/robots.txt", "/.well-known/tdmrep.json")


@dataclass(frozen=True)
class Case:
    """One run."""

    name: str
    limit: int
    gap_ms: int = 0
    flushes: int = 0


CASES = (Case("2 connections", 2), Case("6 connections", 6), Case("gap of 100 ms", 6, gap_ms=100),
         Case("Redis emptied", 6, flushes=3))  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What was counted of one host, and what of it must not be."""

    host: str
    requests: int
    connections: int
    most: int
    gap_ms: float
    in_pause: int
    forbidden: int
    wrong: Sequence[str]

    def line(self) -> str:
        """As a line of the table."""
        counts = f"{self.requests:9} {self.connections:6} {self.most:5} {self.gap_ms:8.1f}"
        return f"{self.host:22} {counts} {self.in_pause:9} {self.forbidden:10}  {'; '.join(self.wrong) or 'ok'}"


HEAD = f"{'host':22} {'requests':>9} {'conns':>6} {'most':>5} {'gap ms':>8} {'in pause':>9} {'forbidden':>10}  verdict"


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def paths(address: str, count: int) -> list[str]:
    """The paths of a host: every third one is of what it may not want taken."""
    forbidden = "private" if NAMED.get(address) == "disallow" else "reserved"
    return [f"/{forbidden if number % 3 == 2 else 'free'}/{number}.jpg" for number in range(count)]


def expected(address: str, path: str) -> str:
    """`downloaded`, or the code of the refusal."""
    return FORBIDDEN.get(NAMED.get(address, ""), "downloaded") if not path.startswith("/free/") else "downloaded"


def judge(case: Case, address: str, log: list[Request], verdicts: dict[str, str], slack_s: float) -> Finding:
    """What one host saw, and what became of its images."""
    name = NAMED.get(address, "plain")
    most = _most_at_once(log)
    gap_s = max(case.gap_ms / 1000, CRAWL_DELAY_S if name == "crawl-delay" else 0.0)
    # Whoever reads a host's robots.txt first does not know of its Crawl-delay.
    bound = sorted(one.begin_s for one in log if not one.of_rules or gap_s == case.gap_ms / 1000)
    found_s = min((later - earlier for earlier, later in itertools.pairwise(bound)), default=0.0)
    in_pause = _in_pause(name, log, slack_s)
    forbidden = sum(1 for one in log if name in UNASKED and one.path.startswith("/private/"))
    wrong = [f"{path}: {verdicts.get(path)}" for path, must in _musts(address, verdicts) if verdicts[path] != must][:2]
    if most > case.limit:
        wrong.append(f"more than {case.limit} in flight")
    if found_s < gap_s - slack_s:
        wrong.append(f"gap below {gap_s * 1000:.0f} ms")
    if in_pause or forbidden:
        wrong.append("asked for what it must not")
    connections = len({one.connection for one in log})
    return Finding(name, len(log), connections, most, found_s * 1000, in_pause, forbidden, wrong)


def _musts(address: str, verdicts: dict[str, str]) -> list[tuple[str, str]]:
    return [(path, expected(address, path)) for path in verdicts]


def _most_at_once(log: list[Request]) -> int:
    edges = sorted([(one.begin_s, 1) for one in log] + [(one.end_s, -1) for one in log])
    most = now = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most


def _in_pause(name: str, log: list[Request], slack_s: float) -> int:
    """Requests after the first 429 or 503 was heard of by all, before its time was over."""
    asked = [one.end_s for one in log if one.status in (429, 503)]
    pause_s = 1.0 if "without" in name else PAUSE_S
    if not asked:
        return 0
    begin_s = min(asked)
    return sum(1 for one in log if begin_s + NEWS_S < one.begin_s < begin_s + pause_s - slack_s)


@contextlib.contextmanager
def hosts(log: Path) -> Iterator[int]:
    """The hosts' process; its port."""
    command = [sys.executable, "-m", "tests.bench.polite_hosts", str(log)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield int((process.stdout or sys.stdin).readline())
    finally:
        process.communicate()


async def crawl(somebody: Person, urls: list[str], chunk: int, flushes: int) -> dict[str, str]:
    """Crawl the URLs; what became of each."""
    job = await somebody.crawl(sources=entries(*urls), maxImages=len(urls), chunkSize=chunk)
    number = int(job.split(":")[1])
    for _ in range(flushes):
        await asyncio.sleep(1.5)
        await queue.redis().flushall()
    await somebody.ended(job, DEADLINE_S)
    async with acquire() as connection:
        rows = await connection.fetch(
            "select original_url, status, issues->0->>'code' as code from images where crawl_job_id = $1", number
        )
        await connection.execute("delete from projects")
    return {row["original_url"]: row["code"] if row["status"] == "failed" else row["status"] for row in rows}


async def run(home: Path, case: Case, workers: int, addresses: Sequence[str], images: int) -> tuple[
    dict[str, dict[str, str]], list[Request], float
]:  # fmt: skip
    """One crawl by a new fleet: verdicts by address and path, the log, and seconds."""
    log = home / "requests.log"
    environment = {"PIXCRAWLER_HOST_CONNECTIONS": str(case.limit), "PIXCRAWLER_HOST_GAP_MS": str(case.gap_ms)}
    with hosts(log) as port, fleet(workers, environment, home / "workers.log") as made:
        base = {address: f"http://{address}:{port}" for address in addresses}
        urls = [
            base[one] + path for place in range(images) for one in addresses for path in [paths(one, images)[place]]
        ]
        async with connected(role="bench"), running_api() as url, person(url) as somebody:
            await queue.redis().flushall()
            await until(lambda: _live(workers))
            begun_s = time.monotonic()
            found = await crawl(somebody, urls, max(20, len(urls) // (6 * workers)), case.flushes)
            seconds = time.monotonic() - begun_s
            for number in list(made.processes):
                made.terminate(number)
        await queue.close()
    verdicts: dict[str, dict[str, str]] = defaultdict(dict)
    for one, verdict in found.items():
        address, _, path = one.removeprefix("http://").partition(f":{port}")
        verdicts[address][path] = verdict
    return verdicts, [Request(*json.loads(line)) for line in log.read_text().splitlines()], seconds


async def _live(count: int) -> bool:
    return len(await queue.live_workers()) == count


def polite(home: Path, asked: argparse.Namespace) -> bool:
    """All cases; True where nothing is wrong."""
    right = True
    addresses = [*PLAIN, *NAMED]
    for case in [one for one in CASES if asked.case in one.name]:
        verdicts, log, seconds = asyncio.run(run(home, case, asked.workers, addresses, asked.images))
        say(f"\n{case.name}: {len(log)} requests of {asked.workers} workers in {seconds:.1f} s\n{HEAD}")
        for address in addresses:
            seen = [one for one in log if one.address == address]
            finding = judge(case, address, seen, verdicts[address], asked.slack_ms / 1000)
            right = right and not finding.wrong
            say(finding.line())
    return right


def main() -> None:
    """Read the arguments, run, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("workers", 4), ("images", 60), ("slack-ms", 15)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--case", default="", help="only runs with this in their name")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-polite-"))
    adopt({"PIXCRAWLER_HOME": str(home), "PIXCRAWLER_SIGNING_KEY": "a key for this run only, of 32 bytes or more"})
    adopt({"PIXCRAWLER_ALLOW_ADDRESSES": "127.0.0.0/8", "PIXCRAWLER_LOG_LEVEL": "WARNING"})
    try:
        adopt(start(home).environment())
        asyncio.run(migrate())
        right = polite(home, asked)
    finally:
        homes.remove(home)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
