"""Ours beside img2dataset, icrawler, Daft and the machine's own limit, over the same files in the same rounds.

    python -m tests.bench.peers CORPUS [--rounds 3] [--limit N] [--json OUT] [--only NAME ...] [--set NAME=VALUE]

CORPUS holds JPEGs at any depth, which nginx serves on loopback. Peers get environments of their own under
`.pixcrawler/peers`, made on first use; all else is as in `tests/bench/crawl.py`. An entrant that fails is a row of the
table. What `--only` may name is in `tests/bench/peers/entrants.py`: a program, or a program with its mode.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from app.database import migrate
from app.embedded import alive, start
from app.settings import adopt
from tests.bench.crawl import say
from tests.bench.peers.contest import Ground, Record, as_json, contest
from tests.bench.peers.entrants import ENTRANTS, Entrant
from tests.bench.peers.report import bars, details, outcomes, table
from tests.bench.web_server import nginx
from tests.support import homes

MOST_S = 120.0
"""The longest turn; a peer that hangs is ended then."""


def arguments() -> argparse.Namespace:
    """What was asked; ends the program where that makes no sense."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="CORPUS")
    for name, default in (("rounds", 3), ("limit", None), ("processes", os.cpu_count())):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="programs, or entrants by their whole name")
    parser.add_argument("--json", type=Path, metavar="OUT", help="all figures of every turn")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="a variable of our service's environment")
    asked = parser.parse_args()
    known = {name for one in ENTRANTS for name in (one.program, one.name)}
    if unknown := sorted(set(asked.only or ()) - known):
        parser.error(f"--only knows {', '.join(sorted(known))}; not {', '.join(unknown)}")
    if not any(asked.folder.rglob("*.jpg")):
        parser.error(f"{asked.folder} holds no .jpg")
    return asked


def chosen(only: Sequence[str] | None) -> list[Entrant]:
    """The entrants that were asked for; all unless told."""
    return [one for one in ENTRANTS if not only or one.program in only or one.name in only]


def processor() -> str:
    """What the kernel calls it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def measure(asked: argparse.Namespace, home: Path) -> tuple[list[Record], dict[str, object]]:
    """Start the servers, run the rounds, end the servers; the records, and what they were made of."""
    files = sorted(path for path in asked.folder.rglob("*.jpg"))[: asked.limit]
    size = sum(len(path.read_bytes()) for path in files)  # read, so that the first turn does not wait for the disk
    adopt(start(home).environment() | dict(one.split("=", 1) for one in asked.set or ()))
    asyncio.run(migrate())
    servers = alive(home)
    with nginx(asked.folder) as (base, nginx_pid):
        urls = [base + str(path.relative_to(asked.folder)) for path in files]
        beside = {"nginx": [nginx_pid], "postgres": [servers.postgres or 0], "valkey": [servers.valkey or 0]}
        ground = Ground(urls, home / "turns", beside, asked.processes, MOST_S)
        ground.folder.mkdir()
        records = contest(ground, chosen(asked.only), asked.rounds, say)
    about = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "images": len(files),
        "mean_bytes": size // len(files),
        "processes": asked.processes,
        "cores": os.cpu_count(),
        "processor": processor(),
        "python": platform.python_version(),
        "system": platform.release(),
        "set": asked.set or [],
    }
    return records, about


def main() -> None:
    """Read the arguments, measure, print, clean up."""
    asked = arguments()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    adopt(
        {
            "PIXCRAWLER_HOME": str(home),
            "PIXCRAWLER_SIGNING_KEY": "a key for the bench only, of 32 bytes or more",
            "PIXCRAWLER_ALLOW_ADDRESSES": "127.0.0.0/8",
        }
    )
    begun_s = time.monotonic()
    try:
        records, about = measure(asked, home)
    finally:
        homes.remove(home)
    about["minutes"] = round((time.monotonic() - begun_s) / 60, 1)
    say("")
    for line in (json.dumps(about), "", *table(records), "", *bars(records), "", *details(records)):
        say(line)
    if asked.json:
        found = [
            {**vars(one.bar), "found": one.ratio, "by_round": [one.least, one.most], "by_cpu": one.by_cpu}
            for one in outcomes(records)
        ]
        asked.json.write_text(json.dumps({"about": about, "entrants": as_json(records), "bars": found}, indent=2))


if __name__ == "__main__":
    main()
