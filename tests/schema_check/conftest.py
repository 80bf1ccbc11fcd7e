"""Databases for the tests of the schema: a migrated one per test process, and empty ones on demand."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from app.database import credentials
from tests.support import databases

TABLES = ("profiles", "projects", "crawl_jobs", "images", "activity_logs", "validation_jobs", "export_jobs")
MakeDatabase = Callable[[str], Awaitable[str]]
"""Name → URL of a new, empty database, which goes with the run."""


@pytest.fixture(scope="session")
async def make_database(worker_id: str) -> AsyncIterator[MakeDatabase]:
    admin = await databases.admin()

    async def make(name: str) -> str:
        full = f"{os.environ[databases.RUN]}_{worker_id}_{name}"
        await admin.execute(f'create database "{full}"')
        return databases.url_of(full)

    yield make
    await admin.close()


@pytest.fixture(scope="session")
async def migrated_url() -> AsyncIterator[str]:
    """A migrated database that no test changes for good."""
    async with databases.clone("schema") as url:
        opened = await asyncpg.connect(**credentials(url))
        # What tests undo leaves dead rows; a vacuum in their midst would tell the planner that the tables are empty.
        for table in TABLES:
            await opened.execute(f"alter table {table} set (autovacuum_enabled = off)")
        await opened.close()
        yield url


@pytest.fixture
async def connection(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a transaction that is undone: each test sees a freshly migrated database."""
    opened = await asyncpg.connect(**credentials(migrated_url))
    undone = opened.transaction()
    await undone.start()
    try:
        yield opened
    finally:
        with contextlib.suppress(asyncpg.InterfaceError):
            await undone.rollback()
        await opened.close()
