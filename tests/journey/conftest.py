"""What several journeys begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.failing import Crawled, crawled_with_failures
from tests.support.service import Person


@pytest_asyncio.fixture
async def crawled(owner: Person) -> AsyncIterator[Crawled]:
    """A crawl of which most addresses failed."""
    async with crawled_with_failures(owner) as found:
        yield found
