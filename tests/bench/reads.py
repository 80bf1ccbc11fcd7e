"""What reads cost: viewer → 20 projects → 5 jobs → 10 images with counts and page info, and smaller ones beside it.

    python -m tests.bench.reads [SECONDS]

On a database of its own, on the server that DATABASE_URL names or on the embedded default. Prints requests per second,
CPU milliseconds of the server process and of PostgreSQL per request, the answer's size, and one request's statements.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
import orjson

from app.database import connected, credentials, migrate
from app.embedded import start, stop
from app.values import Viewer

OWNER = Viewer(uuid.UUID(int=1))
CLIENTS = 4
TREE = """{ viewer { projects(first: 20) { totalCount pageInfo { hasNextPage endCursor } nodes { id name
  crawlJobs(first: 5) { totalCount pageInfo { hasNextPage endCursor } nodes { id name status
  images(first: 10) { totalCount pageInfo { hasNextPage endCursor }
    nodes { id filename status width height %s } } } } } } } }"""
QUERIES = {
    "tree": TREE % "",
    "tree, downloadUrl on each image": TREE % "downloadUrl",
    "one job": '{ crawlJob(id: "CrawlJob:1") { id name status progress totalImages createdAt } }',
    "100 images": '{ crawlJob(id: "CrawlJob:1") { images(first: 100, orderBy: [{field: CREATED_AT}]) { nodes { '
    "id filename status width height format fileSize createdAt } } } }",
}
FILL = (
    "insert into profiles (id, email) select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, "
    "n || '@x.org' from generate_series(1, 2) n",
    "insert into projects (name, user_id) select 'project ' || n, ('00000000-0000-0000-0000-' || "
    "lpad((1 + n % 2)::text, 12, '0'))::uuid from generate_series(0, 39) n",
    "insert into crawl_jobs (project_id, name, keywords) select 1 + n % 40, 'job ' || n, '[]' "
    "from generate_series(0, 239) n",
    "insert into images (crawl_job_id, original_url, filename, storage_url, width, height, chunk) select 1 + n % 240, "
    "'https://x.org/' || n, n || '.jpg', 'blobs/' || n, 640, 480, 0 from generate_series(1, 120000) n",
    "vacuum analyze",
)


async def serve() -> None:
    """The server process: one worker, on the socket that it was given."""
    import uvicorn

    from schema.http import GraphQLApp

    async def anyone(_: str) -> Viewer:
        return OWNER

    listening = socket.socket(fileno=int(os.environ["BENCH_SOCKET"]))
    async with connected(role="bench"):
        config = uvicorn.Config(
            GraphQLApp(anyone), lifespan="off", log_level="critical", loop="uvloop", http="httptools"
        )
        await uvicorn.Server(config).serve(sockets=[listening])


def cpu_s(pids: list[int]) -> float:
    """CPU seconds that processes have used."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def load(url: str, query: str, seconds: float) -> tuple[int, int]:
    """Requests answered within some seconds, and the size of an answer."""
    body = orjson.dumps({"query": query})
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    done = size = 0
    until = time.monotonic() + seconds

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal done, size
        while time.monotonic() < until:
            async with session.post(url, data=body, headers=headers) as response:
                text = await response.read()
            if response.status != 200 or b'"errors"' in text:
                raise RuntimeError(text[:500])
            done, size = done + 1, len(text)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return done, size


async def statements(query: str) -> int:
    """Statements that one request runs."""
    from schema.context import Context
    from schema.root import schema

    before = schema.reads.statements
    result = await schema.execute(query, None, Context(OWNER))
    if result.errors:
        raise RuntimeError(result.errors)
    return schema.reads.statements - before


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def measure(url: str, server: int, seconds: float) -> None:
    """Print a line for each query."""
    admin = await asyncpg.connect(**credentials(os.environ["DATABASE_URL"]))
    async with connected(role="count"):
        counts = {name: await statements(query) for name, query in QUERIES.items()}
    say(f"{'query':34} {'req/s':>8} {'CPU ms':>8} {'PG ms':>8} {'KB':>8} {'statements':>10}")
    for name, query in QUERIES.items():
        await load(url, query, 1)
        rows = await admin.fetch("select pid from pg_stat_activity where application_name = 'pixcrawler-bench'")
        backends = [row[0] for row in rows]
        own, database = cpu_s([server]), cpu_s(backends)
        begun = time.monotonic()
        done, size = await load(url, query, seconds)
        spent = time.monotonic() - begun
        own, database = cpu_s([server]) - own, cpu_s(backends) - database
        line = f"{done / spent:8.0f} {1000 * own / done:8.2f} {1000 * database / done:8.2f} {size / 1024:8.0f}"
        say(f"{name:34} {line} {counts[name]:10}")
    await admin.close()


async def fill(server: str, name: str, statements: Sequence[str] = FILL) -> str:
    """Make and fill the database; its URL."""
    admin = await asyncpg.connect(**(credentials(server) | {"database": "postgres"}))
    await admin.execute(f'create database "{name}"')
    await admin.close()
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await migrate(url)
    connection = await asyncpg.connect(**credentials(url))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()
    return url


async def drop(server: str, name: str) -> None:
    """Remove the database."""
    admin = await asyncpg.connect(**(credentials(server) | {"database": "postgres"}))
    await admin.execute(f'drop database "{name}" with (force)')
    await admin.close()


def main() -> None:
    """Fill, serve, measure, clean up."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(PIXCRAWLER_HOME=str(home), PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more")
    os.environ["STORAGE_URL"] = f"file://{home}/storage"
    embedded = not os.environ.get("DATABASE_URL")
    server = start(home).database_url if embedded else os.environ["DATABASE_URL"]
    name = f"bench_reads_{os.getpid()}"
    os.environ["DATABASE_URL"] = asyncio.run(fill(server, name))
    listening = socket.create_server(("127.0.0.1", 0))
    listening.set_inheritable(True)
    os.environ["BENCH_SOCKET"] = str(listening.fileno())
    process = subprocess.Popen(
        [sys.executable, "-c", "import asyncio, tests.bench.reads as b; asyncio.run(b.serve())"],
        pass_fds=[listening.fileno()],
    )
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/graphql"
        asyncio.run(measure(url, process.pid, seconds))
    finally:
        process.terminate()
        process.wait()
        asyncio.run(drop(server, name))
        if embedded:
            stop(home)
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
