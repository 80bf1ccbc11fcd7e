"""What tests stand on: real PostgreSQL and Redis, one database a test process, the API over real HTTP.

Unless `DATABASE_URL` and `REDIS_URL` name servers, the embedded default is started for the run and stopped after it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import Phase
from hypothesis import settings as drawing

from app.log import configure
from tests.support import databases
from tests.support.service import Person, person

HOME_PREFIX = "pixcrawler-test-"
ENVIRONMENT = {
    "PIXCRAWLER_ALLOW_ADDRESSES": "127.0.0.0/8",
    "PIXCRAWLER_SIGNING_KEY": "a key for tests only, of 32 bytes or more",
    "PIXCRAWLER_LEASE_S": "3",
    "PIXCRAWLER_RECONCILE_S": "0.3",
    "PIXCRAWLER_HOST_CONNECTIONS": "16",
    "PIXCRAWLER_FETCH_TIMEOUT_S": "10",
    "PIXCRAWLER_LOG_LEVEL": "ERROR",
}

# What hypothesis draws: the same in each run of the suite, which shows a fault as it met it. The profile `long` draws
# more, others each time, and looks for the least that shows a fault, which can take minutes.
drawing.register_profile(
    "suite", derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate]
)
drawing.register_profile("long", max_examples=2_000, deadline=None, print_blob=True)
drawing.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once for the run (in the controller), and give each test process its own database."""
    os.environ.update(ENVIRONMENT)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None and not config.option.collectonly:
        databases.start()
    if worker is not None or config.option.numprocesses in (None, 0):
        home = Path(tempfile.mkdtemp(prefix=HOME_PREFIX))
        os.environ["PIXCRAWLER_HOME"] = str(home)
        os.environ["STORAGE_URL"] = f"file://{home}/storage"

    configure(ENVIRONMENT["PIXCRAWLER_LOG_LEVEL"])


def pytest_unconfigure() -> None:
    """Stop what was started, and remove this process's home."""
    home = Path(os.environ.get("PIXCRAWLER_HOME", ""))
    if home.name.startswith(HOME_PREFIX):
        shutil.rmtree(home, ignore_errors=True)
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        databases.stop()


@pytest_asyncio.fixture(scope="session")
async def database() -> AsyncIterator[str]:
    """The URL of this test process's own migrated database, with the process's pool open on it."""
    from app import queue
    from app.database import connected

    async with databases.clone() as url:
        os.environ["DATABASE_URL"] = url
        os.environ["REDIS_URL"] = databases.redis_of_this_process()
        from app.settings import settings

        settings.cache_clear()
        async with connected(role="test"):
            yield url
        await queue.close()


@pytest_asyncio.fixture
async def api(db: asyncpg.Connection) -> AsyncIterator[str]:
    """The address of the whole API."""
    from tests.support.service import running_api

    async with running_api() as url:
        yield url


@pytest_asyncio.fixture
async def owner(api: str) -> AsyncIterator[Person]:
    """Somebody with a token."""
    async with person(api) as somebody:
        yield somebody


@pytest_asyncio.fixture
async def stranger(api: str) -> AsyncIterator[Person]:
    """Somebody else."""
    async with person(api) as somebody:
        yield somebody


TABLES = ("activity_logs", "export_jobs", "validation_jobs", "images", "crawl_jobs", "projects", "profiles")


@pytest_asyncio.fixture
async def db(database: str) -> AsyncIterator[asyncpg.Connection]:
    """An empty database; what the test leaves in it, and in Redis, is removed."""
    from app import auth, queue
    from app.database import acquire

    await queue.redis().flushdb()
    async with acquire() as connection:
        yield connection
        for table in TABLES:
            await connection.execute(f"delete from {table}")
    auth._viewers.clear()


@pytest_asyncio.fixture(autouse=True)
async def nothing_left_running() -> AsyncIterator[None]:
    """No test may leave a task behind; what the session's pool does for itself is not the test's."""
    before = asyncio.all_tasks()
    yield
    ours = {asyncio.current_task(), *before}
    left = [task for task in asyncio.all_tasks() - ours if not task.done() and "Pool." not in str(task.get_coro())]
    assert not left, f"tasks left running: {left}"
