"""What each request of the abuse set takes, and what it does to others meanwhile.

    python -m tests.bench.abuse [ROUNDS]

On a database of its own, with one server process, beside a client that asks for one job every 10 ms. Prints for each
request the status, the median and the longest time of the rounds, the slowest answer that the other client had
meanwhile, and how much the server's memory grew; at first and at the end the other client alone.
"""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from app.embedded import start, stop
from tests.bench.reads import QUERIES, drop, fill, say
from tests.support.abuse import ABUSE

HEADERS = {"Authorization": "Bearer x", "Content-Type": "application/json"}
EVERY_S = 0.01
ALONE_S = 3.0


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Other:
    """A client that asks for one job again and again, and the milliseconds that it waited."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.waited: list[float] = []

    async def run(self) -> None:
        """Ask until cancelled."""
        async with aiohttp.ClientSession() as session:
            while True:
                begun = time.perf_counter()
                async with session.post(self.url, json={"query": QUERIES["one job"]}, headers=HEADERS) as response:
                    await response.read()
                self.waited.append(1000 * (time.perf_counter() - begun))
                await asyncio.sleep(EVERY_S)

    async def slowest(self, least: int = 3) -> float:
        """The longest wait since the last call; at least so many answers are waited for."""
        while len(self.waited) < least:
            await asyncio.sleep(EVERY_S)
        found, self.waited = max(self.waited), []
        return found


async def once(session: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, float]:
    """The status of a request, and its milliseconds."""
    begun = time.perf_counter()
    async with session.post(url, data=io.BytesIO(body), headers=HEADERS) as response:
        await response.read()
    return response.status, 1000 * (time.perf_counter() - begun)


async def alone(other: Other) -> str:
    """The other client without abuse."""
    await other.slowest()  # the server may still be starting
    await asyncio.sleep(ALONE_S)
    quantiles = statistics.quantiles(other.waited, n=100)
    return (
        f"others alone: median {quantiles[49]:.1f} ms, p99 {quantiles[98]:.1f} ms, slowest {max(other.waited):.1f} ms"
    )


async def measure(url: str, pid: int, rounds: int) -> None:
    """Print a line for each request."""
    other = Other(url)
    asking = asyncio.create_task(other.run())
    say(await alone(other))
    say(f"{'request':32} {'status':>6} {'ms':>8} {'longest':>8} {'others':>8} {'MiB more':>8}")
    begun_mib = memory_mib(pid)
    async with aiohttp.ClientSession() as session:
        for what, body in ABUSE.items():
            before = memory_mib(pid)
            other.waited = []
            found = [await once(session, url, body) for _ in range(rounds)]
            took = [ms for _, ms in found]
            line = f"{statistics.median(took):8.1f} {max(took):8.1f} {await other.slowest():8.1f}"
            say(f"{what:32} {found[0][0]:6} {line} {memory_mib(pid) - before:8.1f}")
    say(f"memory: {begun_mib:.0f} MiB before, {memory_mib(pid):.0f} MiB after")
    say(await alone(other))
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


def main() -> None:
    """Fill, serve, measure, clean up."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(PIXCRAWLER_HOME=str(home), PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more")
    os.environ["STORAGE_URL"] = f"file://{home}/storage"
    server = start(home).database_url
    name = f"bench_abuse_{os.getpid()}"
    os.environ["DATABASE_URL"] = asyncio.run(fill(server, name))
    listening = socket.create_server(("127.0.0.1", 0))
    listening.set_inheritable(True)
    os.environ["BENCH_SOCKET"] = str(listening.fileno())
    process = subprocess.Popen(
        [sys.executable, "-c", "import asyncio, tests.bench.reads as b; asyncio.run(b.serve())"],
        pass_fds=[listening.fileno()],
    )
    try:
        asyncio.run(measure(f"http://127.0.0.1:{listening.getsockname()[1]}/graphql", process.pid, rounds))
    finally:
        process.terminate()
        process.wait()
        asyncio.run(drop(server, name))
        stop(home)
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
