"""The API as it runs in production, for those who look for holes in it: what it logs is kept for them to read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.database import migrate
from app.embedded import start
from app.settings import adopt
from tests.bench.crawl import service
from tests.support import homes

NO_LIMIT = str(10**6)
CLOSED = {
    "PIXCRAWLER_INTROSPECTION": "false",
    "PIXCRAWLER_GRAPHIQL": "false",
    "PIXCRAWLER_SIGNING_KEY": "a key for the bench only, of 32 bytes or more",
    # All that is sent comes from one user at one address.
    "PIXCRAWLER_RATE_PER_USER": NO_LIMIT,
    "PIXCRAWLER_RATE_PER_ADDRESS": NO_LIMIT,
}
"""The settings of a service that is open to others, but that it refuses nobody for asking often."""


@contextlib.contextmanager
def production() -> Iterator[tuple[str, Path]]:
    """An API process on embedded servers in a home of its own: its address, and the file that it logs to."""
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(CLOSED, PIXCRAWLER_HOME=str(home))
    try:
        adopt(start(home).environment())
        asyncio.run(migrate())
        with service(home, 0) as (url, _, _):
            yield url, home / "api.log"
    finally:
        homes.remove(home)
