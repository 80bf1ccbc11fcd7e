"""Our API beside PostGraphile, Mercurius and the limit: four queries over the same tables, in the same rounds.

    python -m tests.bench.graphql_peers [--images 200000] [--workers 1 2] [--only NAME ...] [--seconds 5] [--json OUT]
        [--beside OUT]

The database is the embedded default in a home of its own, and all servers read it side by side. Ours is what
`pixcrawler api` starts, with authentication, limits, logs and metrics; the Node servers are installed on first use
under `.pixcrawler/graphql_peers` and need no token; the limit is `limit.py`. `--seconds` are those of a server at a
query, over all rounds. `--beside` compares with an earlier run's `--json`, which had fewer images.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from app.embedded import ROOT_STATE, alive, start
from app.settings import adopt
from tests.bench.crawl import say
from tests.bench.graphql_peers.contest import Cell, Plan, Turn, contest
from tests.bench.graphql_peers.data import LEAST_IMAGES, Data, filled, room
from tests.bench.graphql_peers.entrants import NAMES, packages
from tests.bench.graphql_peers.operations import MEANING
from tests.bench.graphql_peers.report import bars, growth, outcomes, table
from tests.support import homes


def arguments() -> argparse.Namespace:
    """What was asked; ends the program where that makes no sense."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200_000, help=f"at least {LEAST_IMAGES}")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N", help="processes of a server")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16, help="requests under way at once")
    parser.add_argument("--json", type=Path, metavar="OUT", help="all figures of every turn")
    parser.add_argument("--beside", type=Path, metavar="OUT", help="the figures of an earlier run")
    asked = parser.parse_args()
    if asked.images < LEAST_IMAGES:
        parser.error(f"--images is at least {LEAST_IMAGES}: with fewer there is no page so deep")
    return asked


def measure(asked: argparse.Namespace, home: Path) -> tuple[Data, list[Cell]]:
    """Fill, run the rounds for each number of workers."""
    adopt(start(home).environment())
    room(asked.images, ROOT_STATE if ROOT_STATE.exists() else home)
    data = filled(asked.images)
    say(f"{data.images:,} images in {data.seconds:.0f} s, {data.size_bytes / 1e9:.2f} GB of disk")
    postgres = alive(home).postgres or 0
    plan = Plan(asked.only, asked.rounds, asked.seconds / asked.rounds, asked.connections, postgres)
    cells = []
    for workers in asked.workers:
        cells += contest(replace(plan, workers=workers), data, home, say)
    return data, cells


def as_json(cells: list[Cell]) -> list[dict[str, Any]]:
    """All figures, with their medians."""
    names = [one.name for one in fields(Turn)]
    return [cell.record() | {"middle": {name: cell.middle(name) for name in names}} for cell in cells]


def main() -> None:
    """Read the arguments, measure, print, clean up."""
    asked = arguments()
    if {"postgraphile", "mercurius"} & set(asked.only):
        packages()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    adopt({"PIXCRAWLER_HOME": str(home), "PIXCRAWLER_SIGNING_KEY": "a key for the bench only, of 32 bytes or more"})
    begun_s = time.monotonic()
    try:
        data, cells = measure(asked, home)
    finally:
        homes.remove(home)
    about = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "images": data.images,
        "disk_gb": round(data.size_bytes / 1e9, 2),
        "fill_s": round(data.seconds, 1),
        "rounds": asked.rounds,
        "connections": asked.connections,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "minutes": round((time.monotonic() - begun_s) / 60, 1),
    }
    found = list(outcomes(cells))
    meanings = [f"{name}: {meaning}" for name, meaning in MEANING.items()]
    lines = ["", json.dumps(about), "", *meanings, "", *table(cells), "", *bars(found)]
    if asked.beside:
        former = json.loads(asked.beside.read_text())
        lines += ["", f"beside {former['about']['images']:,} images", "", *growth(cells, former["cells"])]
    for line in lines:
        say(line)
    if asked.json:
        written = {"about": about, "cells": as_json(cells), "bars": [one.record() for one in found]}
        asked.json.write_text(json.dumps(written, indent=2))


if __name__ == "__main__":
    main()
