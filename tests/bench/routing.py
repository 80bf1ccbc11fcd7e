"""How many workers come to a host: what image hosts saw of a fleet, from the hosts' own log.

    python -m tests.bench.routing [--workers 4] [--case TEXT] [--scale 1] [--rounds 1]

Each case is a job of its own, crawled by a new fleet: few and many images, few and many hosts, lists in which hosts
take turns or come one after another, a host that holds most, one that is slow, hosts with a gap and with a lower limit.
Printed are the job's time, the connections that hosts saw and the most that one saw, requests for robots.txt (one for
each worker that comes to a host), CPU milliseconds an image of the workers, and round trips to share hosts' budgets
out. `--scale` multiplies images.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app import queue
from app.database import connected, migrate
from app.embedded import start
from app.settings import adopt
from tests.bench.crawl import say
from tests.bench.meters import cpu_s
from tests.bench.million import uploaded
from tests.bench.polite_hosts import NAMED
from tests.bench.politeness import Request, hosts
from tests.support import homes
from tests.support.fleet import fleet
from tests.support.service import person, running_api, until

DEADLINE_S = 300.0
HEARD_S = 1.5
"""Workers that use no host speak once a second: by then all have heard of all."""
SLOW = next(address for address, name in NAMED.items() if name == "crawl-delay")


@dataclass(frozen=True)
class Case:
    """One job. `images` is of each host; `first` of the first host instead, `slow` of one more that wants a gap."""

    name: str
    hosts: int
    images: int
    chunk: int = 500
    first: int = 0
    slow: int = 0
    gap_ms: int = 0
    limit: int = 8
    in_turns: bool = True

    def paths(self, scale: float) -> list[tuple[str, str]]:
        """Address and path of each image, in the list's order."""
        counts = {f"127.0.10.{number}": self.images for number in range(1, self.hosts + 1)}
        counts |= {"127.0.10.1": self.first or self.images} | ({SLOW: self.slow} if self.slow else {})
        counts = {address: max(1, round(count * scale)) for address, count in counts.items()}
        found = [((place + 0.5) / count, address, place) for address, count in counts.items() for place in range(count)]
        found.sort(key=lambda one: (one[0] if self.in_turns else 0, one[1]))
        return [(address, f"/free/{place}.jpg") for _, address, place in found]


CASES = (
    Case("one small chunk", hosts=40, images=10),
    Case("small", hosts=40, images=60),
    Case("small, chunks of 100", hosts=40, images=60, chunk=100),
    Case("large", hosts=40, images=400),
    Case("large, many hosts", hosts=200, images=80),
    Case("large, few hosts", hosts=6, images=2000),
    Case("one host", hosts=1, images=4000),
    Case("host by host", hosts=40, images=200, in_turns=False),
    Case("one holds most", hosts=40, images=100, first=5000),
    Case("one is slow", hosts=40, images=200, slow=80),
    Case("2 connections", hosts=40, images=200, limit=2),
    Case("gap of 100 ms", hosts=40, images=60, gap_ms=100),
)


async def run(home: Path, case: Case, workers: int, scale: float) -> str:
    """One job by a new fleet: a line of the table."""
    log, paths = home / "requests.log", case.paths(scale)
    listed = home / "list.csv"
    settings = {"PIXCRAWLER_HOST_GAP_MS": str(case.gap_ms), "PIXCRAWLER_HOST_CONNECTIONS": str(case.limit)}
    async with connected(role="bench"), running_api() as url, person(url) as somebody:
        await queue.redis().flushall()
        with hosts(log) as port, fleet(workers, settings, home / "workers.log") as made:
            adopt({"PIXCRAWLER_PUBLIC_URL": url})
            listed.write_text("url\n" + "".join(f"http://{address}:{port}{path}\n" for address, path in paths))
            groups = {"workers": [process.pid for process in made.processes.values()]}
            await until(lambda: _know_each_other(workers))
            sources = [{"urlList": {"uploadId": await uploaded(somebody, listed)}}]
            await queue.redis().config_resetstat()
            before, begun_s = cpu_s(groups), time.monotonic()
            job = await somebody.crawl(sources=sources, maxImages=len(paths), chunkSize=case.chunk)
            ended = await somebody.ended(job, DEADLINE_S)
            seconds, spent = time.monotonic() - begun_s, cpu_s(groups)["workers"] - before["workers"]
            told = (await queue.redis().info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"]
        if ended["downloadedImages"] != len(paths):
            raise RuntimeError(f"{ended['downloadedImages']} of {len(paths)} images are stored")
    await queue.close()
    seen = [Request(*json.loads(line)) for line in log.read_text().splitlines()]
    return line_of(case, seen, len(paths), seconds, 1000 * spent / len(paths), told)


async def _know_each_other(count: int) -> bool:
    if len(await queue.live_workers()) < count:
        return False
    await asyncio.sleep(HEARD_S)
    return True


HEAD = (
    f"{'case':22} {'images':>7} {'hosts':>5} {'s':>6} {'conns':>6} {'a host':>6} {'most':>5} {'robots':>6}"
    f" {'ms CPU':>6} {'exchanges':>9}"
)


def line_of(case: Case, seen: Sequence[Request], images: int, seconds: float, cpu_ms: float, told: int) -> str:
    """What the hosts saw, as a line of the table."""
    opened = Counter(address for address, _ in {(one.address, one.connection) for one in seen})
    rules = sum(1 for one in seen if one.path == "/robots.txt")
    counts = f"{len(opened):5} {seconds:6.1f} {opened.total():6} {opened.total() / len(opened):6.1f}"
    return f"{case.name:22} {images:7} {counts} {max(opened.values()):5} {rules:6} {cpu_ms:6.2f} {told:9}"


def main() -> None:
    """Read the arguments, run, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--case", default="", help="only cases with this in their name")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the images of every host")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-routing-"))
    adopt({"PIXCRAWLER_HOME": str(home), "PIXCRAWLER_SIGNING_KEY": "a key for this run only, of 32 bytes or more"})
    adopt({"PIXCRAWLER_ALLOW_ADDRESSES": "127.0.0.0/8", "PIXCRAWLER_LOG_LEVEL": "WARNING"})
    try:
        adopt(start(home).environment())
        asyncio.run(migrate())
        say(HEAD)
        for case in [one for one in CASES if asked.case in one.name] * asked.rounds:
            say(asyncio.run(run(home, case, asked.workers, asked.scale)))
    finally:
        homes.remove(home)
    sys.exit(0)


if __name__ == "__main__":
    main()
