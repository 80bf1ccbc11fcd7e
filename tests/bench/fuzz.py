"""schemathesis against the API: every query and mutation with drawn inputs, as a user with rows.

    python -m tests.bench.fuzz [--seconds 600]

Asks an API of its own, in production's settings, of the SDL in docs/. Rows are made anew every minute, since mutations
delete them. schemathesis gets an environment of its own. Prints what it says of a round that finds something, and what
the service logged as an error; exits 1 where there is any: a status of 500 or more, or something that nobody caught.
`sourcePreview` is left out, which would ask other services.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from app import queue
from app.auth import issue_token
from app.database import acquire, connected
from app.settings import CHECKOUT
from tests.bench.crawl import say
from tests.bench.peers.environments import python_of
from tests.bench.production import production
from tests.support.asking import EXPORT, VALIDATE
from tests.support.filled import filled
from tests.support.service import Person, until

ROUND_S = 60
LATE_S = 120.0
"""How long a round may take beyond its time."""
JOBS = 6
STATES = ("pending", "downloaded", "valid", "invalid", "duplicate", "failed")
FAULTS = ('"level":"error"', '"level":"critical"', "Traceback (most recent call last)")
LEFT_OUT = ("Query.sourcePreview",)
TABLES = ("projects", "crawl_jobs", "images", "validation_jobs", "export_jobs", "activity_logs")
KINDS = ("Project", "CrawlJob", "Image", "ValidationJob", "ExportJob", "ActivityLog")


async def _is_up(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def rows(url: str) -> tuple[str, list[str]]:
    """The token of somebody with rows of every kind, and the ids of all rows."""
    async with connected(role="bench"), aiohttp.ClientSession() as session:
        await until(lambda: _is_up(session, url))
        owner = Person(url, await issue_token(f"fuzz{time.time_ns()}@example.org"), session)
        async with acquire() as connection:
            for place in range(JOBS):
                job, _ = await filled(connection, owner, *STATES * 3, status=("completed", "running")[place % 2])
                await owner.do(VALIDATE, input={"crawlJobId": job, "rules": {"minWidth": 10}})
                await owner.do(EXPORT, input={"crawlJobId": job, "format": "ZIP"})
            ids = [
                f"{kind}:{row[0]}"
                for kind, table in zip(KINDS, TABLES, strict=True)
                for row in await connection.fetch(f"select id from {table} order by id desc limit 100")
            ]
    await queue.close()
    return owner.token, ids


def fuzz(folder: Path, url: str, token: str, ids: list[str], seconds: int) -> bool:
    """Whether schemathesis found nothing in a round."""
    known = folder / "ids.json"
    known.write_text(json.dumps(ids))
    command = [str(python_of("schemathesis").with_name("schemathesis")), "run", str(CHECKOUT / "docs/schema.graphql")]
    command += ["--url", f"{url}/graphql", "--header", f"Authorization: Bearer {token}", "--max-time", str(seconds)]
    command += ["--checks", "nothing_breaks", "--phases", "fuzzing", "--suppress-health-check", "all"]
    command += ["--continue-on-failure", "--no-color", "--warnings", "off"]
    for name in LEFT_OUT:
        command += ["--exclude-name", name]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "PYTHONPATH": str(Path(__file__).parent / "peers" / "adapters"),
        "PIXCRAWLER_FUZZ_IDS": str(known),
    }
    done = subprocess.run(
        command, check=False, cwd=folder, env=environment, timeout=seconds + LATE_S, capture_output=True, text=True
    )
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    if done.returncode:
        say(done.stdout[-20_000:] + done.stderr[-5_000:])
    else:
        say(" ".join(line.strip() for line in done.stdout.splitlines()[-8:] if line.strip()))
    return done.returncode == 0


def main() -> int:
    """Fuzz for as long as is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600)
    asked = parser.parse_args()
    clean = True
    with tempfile.TemporaryDirectory(prefix="pixcrawler-fuzz-") as name, production() as (url, log):
        ends_s = time.monotonic() + asked.seconds
        while (left_s := int(ends_s - time.monotonic())) > 0:
            token, ids = asyncio.run(rows(url))
            clean = fuzz(Path(name), url, token, ids, min(ROUND_S, left_s)) and clean
        faults = [line for line in log.read_text().splitlines() if any(one in line for one in FAULTS)]
    for line in faults:
        say(line)
    say(f"faults in the log: {len(faults)}")
    return 0 if clean and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
