"""What reads of ours cost that no other server is asked: counts, page info, links that are signed, all in one tree.

    python -m tests.bench.reads [--images 200000] [--seconds 5] [--rounds 3]

Data, server and load generator are those of `tests/bench/graphql_peers`, which compares simpler reads with others.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import orjson

from app.embedded import alive, start
from app.settings import adopt
from tests.bench.crawl import say
from tests.bench.graphql_peers.contest import Plan, rounds
from tests.bench.graphql_peers.data import LEAST_IMAGES, filled
from tests.bench.graphql_peers.entrants import running
from tests.bench.graphql_peers.report import table
from tests.support import homes

PAGE = "totalCount pageInfo { hasNextPage endCursor }"
TREE = f"""{{ viewer {{ projects(first: 20) {{ {PAGE} nodes {{ id name
  crawlJobs(first: 5) {{ {PAGE} nodes {{ id name status
  images(first: 10) {{ {PAGE} nodes {{ id filename status width height %s }} }} }} }} }} }} }} }}"""
JOB = '{ crawlJob(id: "CrawlJob:1") { %s } }'
QUERIES = {
    "tree": TREE % "",
    "tree, downloadUrl on each image": TREE % "downloadUrl",
    "100 images by width": JOB % "images(first: 100, orderBy: [{field: WIDTH}]) { nodes { id width } }",
    "100 images, downloadUrl on each": JOB % "images(first: 100) { nodes { id downloadUrl } }",
    "the last 100 images, edges": JOB % f"images(last: 100) {{ {PAGE} edges {{ cursor node {{ id filename }} }} }}",
}


def measure(asked: argparse.Namespace, home: Path) -> None:
    """Fill, serve, print a line for each query."""
    adopt(start(home).environment())
    plan = Plan(("ours",), asked.rounds, asked.seconds / asked.rounds, asked.connections, alive(home).postgres or 0)
    with running("ours", filled(asked.images), 1, home) as ours:
        ours.bodies = {name: orjson.dumps({"query": query}) for name, query in QUERIES.items()}
        for line in table(rounds(plan, [ours], say)):
            say(line)


def main() -> None:
    """Read the arguments, fill, measure, print, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=LEAST_IMAGES)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each query, over all rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16, help="requests under way at once")
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    adopt({"PIXCRAWLER_HOME": str(home), "PIXCRAWLER_SIGNING_KEY": "a key for the bench only, of 32 bytes or more"})
    try:
        measure(asked, home)
    finally:
        homes.remove(home)


if __name__ == "__main__":
    main()
