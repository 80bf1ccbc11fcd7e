"""A database of a bench's own on a server that it is given, and whose rows lie in it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from app.database import credentials, migrate
from app.values import Viewer
from tests.bench.meters import cpu_s

OWNER = Viewer(uuid.UUID(int=1))
BACKENDS = "select pid from pg_stat_activity where application_name = 'pixcrawler-bench'"


async def fill(server: str, name: str, statements: Sequence[str]) -> str:
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


def spent_s(pids: Sequence[int]) -> float:
    """CPU seconds that PostgreSQL's processes have used so far."""
    return cpu_s({"postgres": pids})["postgres"]
