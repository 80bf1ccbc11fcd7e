"""Servers and databases for tests: a migrated template, and a clone of it for each test process."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from app.database import credentials, migrate
from app.embedded import start as start_embedded
from app.embedded import stop as stop_embedded

ROOT = Path(__file__).resolve().parent.parent.parent
HOME = ROOT / ".pixcrawler" / "test"
STARTED = "PIXCRAWLER_TEST_EMBEDDED"
SERVER = "PIXCRAWLER_TEST_SERVER"
RUN = "PIXCRAWLER_TEST_RUN"
REDIS = "PIXCRAWLER_TEST_REDIS"


def start() -> None:
    """Start the embedded default unless servers are named, and make the run's template."""
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        _users.append(_lock(fcntl.LOCK_SH))
        services = start_embedded(HOME)
        os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = services.database_url, services.redis_url
        os.environ[STARTED] = "1"
    os.environ[SERVER] = os.environ["DATABASE_URL"]
    os.environ[REDIS] = os.environ["REDIS_URL"]
    os.environ[RUN] = f"pixtest_{os.getpid()}"
    asyncio.run(_make_template())


def stop() -> None:
    """Drop the run's databases and stop what `start` started."""
    if RUN not in os.environ:
        return
    with contextlib.suppress(OSError, asyncpg.PostgresError):
        asyncio.run(_drop_all())
    if os.environ.pop(STARTED, None):
        os.close(_users.pop())
        with contextlib.suppress(BlockingIOError):  # another run in this checkout still uses them
            alone = _lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop_embedded(HOME)
            os.close(alone)


_users: list[int] = []


def _lock(kind: int) -> int:
    """Lock the embedded servers: shared by those who use them, alone to stop them. The descriptor that holds it."""
    HOME.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(HOME / "users.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def url_of(name: str) -> str:
    """The URL of the database `name` on the run's server."""
    parts = urlsplit(os.environ[SERVER])
    return urlunsplit(parts._replace(path=f"/{name}"))


def redis_of_this_process() -> str:
    """The run's Redis, with a database number of this process's own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    number = 1 + int(worker) % 15
    parts = urlsplit(os.environ[REDIS])
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={number}"
    return urlunsplit(parts._replace(path=f"/{number}", query=""))


async def admin() -> asyncpg.Connection:
    """A connection that may create databases."""
    return await asyncpg.connect(**(credentials(os.environ[SERVER]) | {"database": "postgres"}))


async def _make_template() -> None:
    connection = await admin()
    await connection.execute(f'create database "{os.environ[RUN]}"')
    await connection.close()
    await migrate(url_of(os.environ[RUN]))


async def _drop_all() -> None:
    connection = await admin()
    rows = await connection.fetch("select datname from pg_database where datname like $1", os.environ[RUN] + "%")
    for row in rows:
        await connection.execute(f'drop database if exists "{row[0]}" with (force)')
    await connection.close()


@contextlib.asynccontextmanager
async def clone(name: str = "") -> AsyncIterator[str]:
    """A fresh copy of the template, dropped at the end; its URL."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"{os.environ[RUN]}_{worker}{'_' + name if name else ''}"
    connection = await admin()
    try:
        # Two clones at once wait for each other on the template: one after another.
        await connection.execute("select pg_advisory_lock(727001)")
        await connection.execute(f'create database "{name}" template "{os.environ[RUN]}"')
        await connection.execute("select pg_advisory_unlock(727001)")
        yield url_of(name)
    finally:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.close()
