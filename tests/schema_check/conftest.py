"""Databases for the tests of the schema: one migrated per worker process, and empty ones on demand."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.database import credentials, migrate
from app.embedded import start
from app.settings import settings

MakeDatabase = Callable[[str], Awaitable[str]]
"""Name → URL of a new, empty database; it is dropped at the end of the run."""


class _Undo(Exception):
    """Ends the transaction of a test."""


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A server on which databases may be made."""
    # The folder above is one for all workers of a run, so they share one server.
    return settings().database_url or start(tmp_path_factory.getbasetemp().parent / "schema-home").database_url


@pytest.fixture(scope="session")
async def make_database(server_url: str, worker_id: str) -> AsyncIterator[MakeDatabase]:
    admin = await asyncpg.connect(**credentials(server_url))
    made: list[str] = []

    async def make(name: str) -> str:
        full = f"schema_{worker_id}_{name}"
        await admin.execute(f'drop database if exists "{full}" with (force)')
        await admin.execute(f'create database "{full}"')
        made.append(full)
        return urlsplit(server_url)._replace(path=f"/{full}").geturl()

    yield make
    for name in made:
        await admin.execute(f'drop database if exists "{name}" with (force)')
    await admin.close()


@pytest.fixture(scope="session")
async def migrated_url(make_database: MakeDatabase) -> str:
    url = await make_database("migrated")
    await migrate(url)
    return url


@pytest.fixture
async def connection(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a transaction that is undone: each test sees a freshly migrated database."""
    opened = await asyncpg.connect(**credentials(migrated_url))
    try:
        with contextlib.suppress(_Undo):
            async with opened.transaction():
                yield opened
                raise _Undo
    finally:
        await opened.close()
