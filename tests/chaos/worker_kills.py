"""Kill workers with SIGKILL and empty Redis during one crawl, and see that nothing is lost and nothing doubled.

    python -m tests.chaos.worker_kills [--urls 5000] [--kills 10] [--flushes 3] [--workers 2]

A home, servers and an image host of its own, all on loopback; everything is removed at the end. Prints what was counted
in two ways and exits 1 where the two differ.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from app import queue
from app.database import acquire, connected, migrate
from app.embedded import start, stop
from app.settings import adopt
from tests.chaos import accounts, site
from tests.chaos.losses import Losses, worker_environment
from tests.support import homes
from tests.support.fleet import fleet
from tests.support.service import entries, person, running_api

DEADLINE_S = 600.0
KEY = "a key for this run only, of 32 bytes or more"


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def run(asked: argparse.Namespace, home: Path) -> bool:
    """One crawl with its losses; True where the books are right."""
    await migrate()
    with fleet(asked.workers, worker_environment(), home / "workers.log") as workers:
        async with connected(role="chaos"), site.serve() as host, running_api() as url, person(url) as somebody:
            losses = Losses(workers, queue.redis().flushall, asked.kills, asked.flushes)
            job = await somebody.crawl(
                sources=entries(*host.urls(asked.urls)), maxImages=asked.urls, chunkSize=asked.chunk
            )
            async with acquire() as connection:
                job_id = int(job.split(":")[1])
                await losses.run(connection, job_id, asked.urls, DEADLINE_S)
                lines = await accounts.lines_of(connection, job_id, host, asked.urls)
        await queue.close()
        expired = workers.said("lease_expired")
    lost = f"{asked.kills} kills ({losses.held} of a worker with a chunk under way), {asked.flushes} times FLUSHALL"
    say(f"{asked.urls} URLs, {lost}: {losses.seconds:.1f} s, {expired} leases ran out, {host.asked} requests")
    for line in lines:
        say(f"{'ok  ' if line.ok else 'FAIL'} {line.what:44} {line.found}{'' if line.ok else f', must be {line.must}'}")
    return all(line.ok for line in lines)


def main() -> None:
    """Read the arguments, run, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("urls", 5000), ("kills", 10), ("flushes", 3), ("workers", 2), ("chunk", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--keep", action="store_true", help="keep the home, with the workers' log")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-chaos-"))
    right = False
    try:
        services = start(home)
        adopt(services.environment() | worker_environment())
        adopt({"PIXCRAWLER_HOME": str(home), "PIXCRAWLER_SIGNING_KEY": KEY})
        right = asyncio.run(run(asked, home))
    finally:
        if asked.keep:
            stop(home)
            say(f"kept: {home}")
        else:
            homes.remove(home)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
