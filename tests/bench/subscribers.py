"""Many subscribers on one job: from the commit of a change to the frame that shows it, at each of them.

    python -m tests.bench.subscribers [--subscribers 200] [--changes 100] [--rates 2 20]

An API process of its own on an embedded PostgreSQL and Valkey; each subscriber is a websocket of its own. A job's row
is changed at even distances, told as workers tell it, and at last completed. Prints, for each rate of changes, the
milliseconds from commit to frame (the subscribers, all in this process, are part of them), frames, and the API's CPU.
Exits 1 unless every subscriber saw a snapshot, the final state and the end, and revisions that only grow.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import uvloop

from app import auth, queue
from app.database import acquire, connected, migrate
from app.embedded import start
from app.progress import publish_change
from app.settings import adopt
from tests.bench.crawl import say, service
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
DEADLINE_S = 120.0


@dataclass
class Heard:
    """What one subscriber heard: revisions with the time of their frames."""

    frames: list[tuple[float, int]] = field(default_factory=list)
    last_status: str = ""
    ended: bool = False

    def is_whole(self, first: int, final: int) -> bool:
        """Whether it heard a snapshot at the beginning, the final state and the end, and nothing older after newer."""
        revisions = [revision for _, revision in self.frames]
        grows = all(one < after for one, after in itertools.pairwise(revisions))
        whole = bool(revisions) and revisions[0] <= first and revisions[-1] == final
        return whole and grows and self.ended and self.last_status == "COMPLETED"


async def subscribe(session: aiohttp.ClientSession, url: str, token: str, job: str, heard: Heard) -> None:
    """Follow the job on a websocket of its own until the end."""
    async with session.ws_connect(f"{url}/graphql", protocols=("graphql-transport-ws",), max_msg_size=0) as socket:
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        await socket.receive()
        await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": WATCH, "variables": {"id": job}}})
        async for message in socket:
            now_s = time.perf_counter()
            found = orjson.loads(message.data)
            if found["type"] == "next":
                news = found["payload"]["data"]["crawlJobProgress"]
                heard.frames.append((now_s, news["version"]))
                heard.last_status = news["crawlJob"]["status"]
            elif found["type"] == "complete":
                heard.ended = True
                return


async def changed(job_id: int, statement: str, commits: dict[int, float]) -> None:
    """Commit a change, note when, and tell it as workers do."""
    async with acquire() as connection:
        revision = await connection.fetchval(statement, job_id)
    commits[revision] = time.perf_counter()
    await publish_change("CrawlJob", job_id)


async def follow(asked: argparse.Namespace, somebody: Person, rate: float, api_pid: int) -> bool:
    """One job with its subscribers; True where all of them heard what they must."""
    job = await somebody.crawl(sources=entries("http://127.0.0.1:9/1.jpg"), start=False)
    job_id = int(job.split(":")[1])
    async with acquire() as connection:
        await connection.execute(BEGIN, job_id)
        first = await connection.fetchval("select revision from crawl_jobs where id = $1", job_id)
    everybody = [Heard() for _ in range(asked.subscribers)]
    commits: dict[int, float] = {}
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        for one in everybody:
            tasks.create_task(subscribe(somebody.session, somebody.url, somebody.token, job, one))
        await until(lambda: _all_began(everybody))
        used_s, begun_s = cpu_s({"api": [api_pid]})["api"], time.perf_counter()
        for _ in range(asked.changes):
            await changed(job_id, CHANGE, commits)
            await asyncio.sleep(1 / rate)
        await changed(job_id, END, commits)
    seconds, used_s = time.perf_counter() - begun_s, cpu_s({"api": [api_pid]})["api"] - used_s
    final = max(commits)
    whole = sum(one.is_whole(first, final) for one in everybody)
    waits = sorted(1000 * (at - commits[revision]) for one in everybody for at, revision in one.frames[1:])
    line = f"{rate:6.0f}/s {len(commits):8} {whole:6}/{len(everybody)} {len(waits):8} {_share(waits, 0.5):8.1f}"
    line += (
        f" {_share(waits, 0.99):8.1f} {waits[-1]:8.1f} {1000 * used_s / len(waits):9.3f} {100 * used_s / seconds:6.0f}"
    )
    say(f"{line} {pss_bytes(api_pid) / 2**20:8.0f}")
    return whole == len(everybody)


async def _all_began(everybody: Sequence[Heard]) -> bool:
    return all(one.frames for one in everybody)


def _share(values: Sequence[float], share: float) -> float:
    """The value below which that share of the sorted values lies."""
    return values[min(len(values) - 1, int(share * len(values)))]


async def run(asked: argparse.Namespace, url: str, api_pid: int) -> bool:
    """All rates, one after another."""
    async with connected(role="bench"), aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        somebody = Person(url, await auth.issue_token("bench@example.org"), session)
        await until(lambda: _answers(session, url))
        right = [await follow(asked, somebody, rate, api_pid) for rate in asked.rates]
    await queue.close()
    return all(right)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def main() -> None:
    """Read the arguments, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=200)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--rates", type=float, nargs="+", default=[2.0, 20.0], help="changes a second")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(PIXCRAWLER_HOME=str(home), PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more")
    right = False
    try:
        adopt(start(home).environment())
        asyncio.run(migrate())
        say(
            f"{'rate':>8} {'changes':>8} {'whole':>10} {'frames':>8} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>8}"
            f" {'CPU ms/fr':>9} {'API %':>6} {'PSS MiB':>8}"
        )
        with service(home, 0) as (url, _, api_pid):
            right = uvloop.run(run(asked, url, api_pid))
    finally:
        homes.remove(home)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
