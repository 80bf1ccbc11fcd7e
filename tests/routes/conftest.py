"""The whole API over HTTP, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest_asyncio

from app.storage import Storage, storage
from tests.support.service import running_api


@pytest_asyncio.fixture
async def api(db: asyncpg.Connection) -> AsyncIterator[aiohttp.ClientSession]:
    """A client whose addresses begin at the service."""
    async with running_api() as url, aiohttp.ClientSession(url) as client:
        yield client


@pytest_asyncio.fixture
async def stored() -> AsyncIterator[Storage]:
    """The service's storage, empty again after the test."""
    store = storage()
    yield store
    for prefix in ("images", "exports", "uploads"):
        await store.delete([found.key async for found in store.list(prefix)])
