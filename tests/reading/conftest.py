"""A small world of rows for the reads, and ways to ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from tests.reading import world
from tests.reading.world import World


@pytest_asyncio.fixture(scope="module")
async def rows(database: str) -> AsyncIterator[World]:
    """The world, made once for a file of tests that only read."""
    from app.database import acquire

    async with acquire() as connection:
        yield await world.make(connection)
        for table in world.TABLES:
            await connection.execute(f"delete from {table}")


@pytest_asyncio.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for plain SQL."""
    from app.database import acquire

    async with acquire() as found:
        yield found
