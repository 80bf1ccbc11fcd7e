"""A crawl through a server that misbehaves and tells how: how fast, and whether every row has the right verdict.

    python -m tests.bench.faulty CORPUS --server PATH/faulty_server.py [--rounds 2] [--limit N] [--hosts 50]
        [--chunk 500] [--faults 0.05] [--passes 1] [--recover-after N] [--drip-s 10] [--workers 2] [--set NAME=X]

The server (a file that is not ours) serves CORPUS with 20 ms of latency, once without faults and once with `--faults`
of all images in its other kinds, in turns; by `--hosts` addresses of loopback, so that the pause that a host asks for
with 503 and 429 stops that host and not the crawl. Each turn has new server processes, an empty database and new
storage. Printed are images a second over all of a job and over its first 95 % (the last ones wait for a body that
drips, 10 s unless told, and for retries: `--passes` makes a longer job of the same files), CPU milliseconds an image,
and each row's verdict beside the server's truth. With `--recover-after` passing faults pass after so many requests.
Last come damaged files without a server: 200 of the corpus whole, cut, and with two kinds of holes. Exits 1 where a
verdict is wrong, an intact file is refused, or damage is found less often than by the strict decoder at an eighth
alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from app import auth, queue
from app.database import acquire, connected, migrate
from app.embedded import alive, start
from app.settings import adopt
from tests.bench.crawl import DEADLINE_S, answers, say, service, uploaded
from tests.bench.damaged import damage_is_found
from tests.bench.faulty_truth import Comparison, Row, Truth, compare
from tests.bench.meters import Groups, cpu_s
from tests.support import homes
from tests.support.service import Person, until

LATENCY_S = 0.02
SERVERS = 2
"""Server processes: one is not to be what is measured."""
MOST = 0.95
KINDS = ("slow_drip", "reset", "error_500", "unavailable_503", "busy_429", "truncated_body", "cut_file", "zero_fill",
         "wrong_type", "html", "html_as_jpeg", "redirect_chain", "redirect_loop")  # fmt: skip
ROWS = """
select original_url as url, status, issues->0->>'code' as code, issues->0->>'measured' as measured,
       coalesce(("fetch"->>'attempts')::int, 0) as attempts, extract(epoch from updated_at) as at
from images where crawl_job_id = $1 order by updated_at
"""


@dataclass(frozen=True)
class Turn:
    """One crawl: seconds until the job was complete, and until most of its rows were final; CPU ms an image."""

    name: str
    images: int
    seconds: float
    most_s: float
    workers_ms: float
    servers_ms: float
    comparison: Comparison

    @property
    def rate(self) -> float:
        """Images a second, over all."""
        return self.images / self.seconds

    @property
    def most_rate(self) -> float:
        """Images a second, over the first 95 %."""
        return MOST * self.images / self.most_s

    def line(self) -> str:
        """As a line of the table."""
        busy = self.servers_ms * self.images / 1000 / self.seconds
        rates = f"{self.rate:9.0f} {self.most_rate:10.0f}"
        return f"{self.name:8} {self.seconds:8.2f} {rates} {self.workers_ms:11.2f} {self.servers_ms:11.2f} {busy:11.2f}"


HEAD = (f"{'':8} {'seconds':>8} {'images/s':>9} {'first 95 %':>10} {'workers ms':>11} {'servers ms':>11}"
        f" {'their cores':>11}")  # fmt: skip


@contextlib.contextmanager
def servers(asked: argparse.Namespace, *, faults: bool) -> Iterator[tuple[list[str], list[int]]]:
    """The hosts' addresses as the beginnings of URLs, and the process ids."""
    each = asked.faults / len(KINDS) if faults else 0.0
    rates = {"latency": 1 - asked.faults if faults else 1.0, **dict.fromkeys(KINDS, each)}
    options = [f"--latency-s={LATENCY_S}", f"--recover-after={asked.recover_after}", f"--drip-s={asked.drip_s}"]
    options += [part for name, rate in rates.items() for part in ("--rate", f"{name}={rate}")]
    addresses = [f"127.0.{20 + number // 250}.{1 + number % 250}" for number in range(asked.hosts)]
    processes = []
    try:
        for number in range(SERVERS):
            command = [sys.executable, "-m", "tests.bench.faulty_hosts", str(asked.server)]
            command += [",".join(addresses[number::SERVERS]), str(asked.folder), *options]
            processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        ports: dict[str, int] = {}
        for process in processes:
            ports |= json.loads((process.stdout or sys.stdin).readline())
        bases = [f"http://{address}:{ports[address]}" for address in addresses]
        yield bases, [process.pid for process in processes]
    finally:
        for process in processes:
            process.communicate()


async def truths(session: aiohttp.ClientSession, base: str, targets: Sequence[str]) -> list[Truth]:
    """What a server says of the targets: paths, some with a query, of which it takes no notice."""
    async with session.get(f"{base}/_faults.jsonl") as answer:
        text = await answer.text()
    found = {line["path"]: line for line in map(json.loads, text.splitlines())}
    return [Truth(**(found[target.partition("?")[0]] | {"path": target})) for target in targets]


async def turn(
    name: str, somebody: Person, paths: Sequence[str], bases: Sequence[str], groups: Groups, chunk: int
) -> Turn:
    """Crawl all paths once, compare, and forget the rows."""
    told = await truths(somebody.session, bases[0], paths)
    urls = [bases[number % len(bases)] + path for number, path in enumerate(paths)]
    project = await somebody.project("faulty")
    sources = [{"urlList": {"uploadId": await uploaded(somebody, urls)}}]
    before, begun_s, begun_at = cpu_s(groups), time.perf_counter(), time.time()
    job = await somebody.crawl(projectId=project, sources=sources, maxImages=len(urls), chunkSize=chunk)
    key = int(job.split(":")[1])
    async with acquire() as connection:
        while await connection.fetchval("select status from crawl_jobs where id = $1", key) != "completed":
            if time.perf_counter() - begun_s > DEADLINE_S:
                raise TimeoutError(f"the job did not end within {DEADLINE_S:.0f} s")
            await asyncio.sleep(0.02)
        seconds, used = time.perf_counter() - begun_s, cpu_s(groups)
        found = await connection.fetch(ROWS, key)
        await connection.execute("delete from projects")
        await connection.execute("vacuum analyze")
    rows = {one.path: one for one in map(_row, found)}
    most_s = float(found[int(MOST * len(found)) - 1]["at"]) - begun_at
    spent = [1000 * (used[one] - before[one]) / len(urls) for one in ("workers", "servers")]
    return Turn(name, len(urls), seconds, most_s, spent[0], spent[1], compare(told, rows))


def _row(found: dict[str, object]) -> Row:
    path = "/" + str(found["url"]).split("/", 3)[3]
    end = str(found["code"] if found["status"] == "failed" else found["status"])
    if end == "http_status":
        end += f" {found['measured']}"
    return Row(path, end, int(str(found["attempts"])))


async def run(asked: argparse.Namespace, home: Path, api: str, workers: list[int]) -> list[Turn]:
    """All turns: without faults, with faults, and again."""
    files = sorted(path for path in asked.folder.rglob("*.jpg"))[: asked.limit]
    for path in files:
        path.read_bytes()  # so that the first turn does not wait for the disk
    names = [f"/{path.relative_to(asked.folder).as_posix()}" for path in files]
    paths = [name + (f"?pass={number}" if number else "") for number in range(asked.passes) for name in names]
    found = []
    async with connected(role="bench"), aiohttp.ClientSession() as session:
        somebody = Person(api, await auth.issue_token("bench@example.org"), session)
        await until(lambda: answers(session, api))
        for number in range(2 * asked.rounds):
            name = "faults" if number % 2 else "clean"
            with servers(asked, faults=name == "faults") as (bases, pids):
                groups = {"workers": workers, "servers": pids}
                one = await turn(name, somebody, paths, bases, groups, asked.chunk)
            found.append(one)
            say(one.line())
            # Set aside, not deleted: what ext4 deleted within the last minutes slows what is made next.
            (home / "storage" / "images").rename(home / f"turn-{number}")
    await queue.close()
    return found


def measure(asked: argparse.Namespace, home: Path) -> list[Turn]:
    """Start everything, run the turns, end everything."""
    adopt(start(home).environment() | dict(one.split("=", 1) for one in asked.set or ()))
    asyncio.run(migrate())
    assert alive(home).postgres
    with service(home, asked.workers) as (url, workers, _):
        return asyncio.run(run(asked, home, url, [process.pid for process in workers.processes.values()]))


def report(turns: Sequence[Turn]) -> bool:
    """Print the tables; whether every verdict is right."""
    medians = {}
    for name in ("clean", "faults"):
        those = [one for one in turns if one.name == name]
        medians[name] = [
            statistics.median(one.rate for one in those),
            statistics.median(one.most_rate for one in those),
        ]
    shares = [faulty / clean for clean, faulty in zip(medians["clean"], medians["faults"], strict=True)]
    say(f"with faults / without: {shares[0]:.2f} over all, {shares[1]:.2f} over the first 95 %")
    for one in turns:
        if one.name == "faults" or one.comparison.wrong:
            say(f"\n{one.name}:")
            for line in one.comparison.lines():
                say(line)
    return not any(one.comparison.wrong or one.comparison.lost for one in turns)


def main() -> None:
    """Read the arguments, measure, print, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--server", type=Path, required=True, help="the misbehaving server's program")
    numbers = {"rounds": 2, "limit": None, "hosts": 50, "workers": 2, "chunk": 500, "recover-after": 0, "passes": 1}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--drip-s", type=float, default=10.0, help="how long a body drips, seconds")
    parser.add_argument("--faults", type=float, default=0.05, help="share of images with a fault")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="a variable of the service's environment")
    asked = parser.parse_args()
    if asked.passes > 1 and asked.recover_after:
        parser.error("in a second pass nothing would have to recover any more")
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-faulty-"))
    os.environ.update(
        PIXCRAWLER_HOME=str(home),
        PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more",
        PIXCRAWLER_ALLOW_ADDRESSES="127.0.0.0/8",
        PIXCRAWLER_LOG_LEVEL="WARNING",
    )
    say(HEAD)
    try:
        right = report(measure(asked, home))
    finally:
        homes.remove(home)
    right = damage_is_found(asked.folder) and right
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
