"""Our service as an entrant: from the mutation to the completed job, by an API and workers that start for this turn.

    python -m tests.bench.peers.ours URLS OUT ANSWER MODE PROCESSES

The environment names the servers (`tests/bench/peers` starts them once). MODE is a value of PIXCRAWLER_VERIFY. A small
job goes first, so that connections are open: peers' starts are not counted either.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from pathlib import Path

import aiohttp

from app import auth, queue
from app.database import connected
from app.embedded import alive
from app.settings import adopt, settings
from tests.bench.crawl import Round, answers, crawl, service
from tests.bench.meters import Groups, Peaks, watched
from tests.support.fleet import Fleet
from tests.support.service import Person, until

FIRST = 32
CHUNK = 500


async def measured(asked: argparse.Namespace, url: str, workers: Fleet, groups: Groups) -> tuple[Round, Peaks]:
    """The small job, then the one that counts."""
    urls = asked.urls.read_text().split()
    chunk = min(CHUNK, math.ceil(len(urls) / asked.processes))
    async with connected(role="bench"), aiohttp.ClientSession() as session:
        somebody = Person(url, await auth.issue_token("bench@example.org"), session)
        await until(lambda: answers(session, url))
        await until(lambda: _started(workers))
        await crawl(somebody, urls[:FIRST], FIRST // asked.processes, groups, inline=False)
        with watched(groups) as peaks:
            found = await crawl(somebody, urls, chunk, groups, inline=False)
    await queue.close()
    return found, peaks


async def _started(workers: Fleet) -> bool:
    return workers.said("worker_started") == len(workers.processes)


def main() -> None:
    """Read the arguments, start, measure, answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("urls", "out", "answer"):
        parser.add_argument(name, type=Path)
    parser.add_argument("mode")
    parser.add_argument("processes", type=int)
    asked = parser.parse_args()
    asked.out.mkdir()
    adopt({"PIXCRAWLER_VERIFY": asked.mode, "STORAGE_URL": asked.out.as_uri()})
    servers = alive(settings().home)
    with service(asked.out, asked.processes) as (url, workers, api_pid):
        groups: Groups = {
            "workers": [process.pid for process in workers.processes.values()],
            "api": [api_pid],
            "postgres": [servers.postgres or 0],
            "valkey": [servers.valkey or 0],
            "nginx": [],  # whoever starts us looks after it, as for every entrant
        }
        found, peaks = asyncio.run(measured(asked, url, workers, groups))
    cpu_s = sum(found.cpu_ms.values()) * found.images / 1000
    detail = {"first_s": found.first_s, "cpu_ms": found.cpu_ms, "memory": peaks.most}
    said = {"images": found.images, "seconds": found.seconds, "cpu_s": cpu_s, "memory": peaks.most["workers"]}
    asked.answer.write_text(json.dumps(said | {"detail": detail}))


if __name__ == "__main__":
    main()
