"""The database: its configuration, the one pool, transactions with what follows the commit, and the migration lock.

Raw connections are asyncpg's; statements that matter are written as SQL beside the function that runs them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import BaseDBAsyncClient, PoolConnectionWrapper
from tortoise.connection import connections
from tortoise.context import TortoiseContext
from tortoise.exceptions import DBConnectionError

from app.settings import CHECKOUT, settings

if TYPE_CHECKING:
    from aerich import Command

APP = "models"
MODULE = "app.models.tables"
MIGRATIONS = CHECKOUT / "migrations"
MIGRATION_LOCK = 0x70697863
"""The advisory lock that one migration at a time holds."""
MIGRATION_POLL_S = 0.1
POOL_MAX = 12
SERVES = "api"
"""The role whose statements are short and many."""
POOL_SERVES = 6
"""Connections of such a process. More of them answer no sooner: the server's processes then take turns at its cores,
and each finds what it last read pushed out of their caches, which costs a fifth of a short statement."""
PLANS_ANEW = "worker"
"""The role whose statements are planned each time: a plan that was kept from when a job had no rows yet passes over all
of its rows for each chunk, until the database looks at the table again a minute later."""
CONNECT_TIMEOUT_S = 10.0
DATABASE_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DBConnectionError,
    OSError,
    TimeoutError,
)
"""What a database that is away, restarts or is full raises. A statement that is wrong is not among them."""


def credentials(url: str) -> dict[str, Any]:
    """asyncpg's arguments from a `postgres://` URL; `?host=/folder` names a Unix socket's folder."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("DATABASE_URL must begin with postgres:// or postgresql://.")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found: dict[str, Any] = {
        "host": query.get("host") or parts.hostname or "127.0.0.1",
        "port": int(query.get("port") or parts.port or 5432),
        "user": unquote(parts.username or query.get("user", "postgres")),
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.lstrip("/")) or "pixcrawler",
    }
    if "sslmode" in query:
        found["ssl"] = query["sslmode"]
    return found


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """What a connection goes through on its way back to the pool, after a rollback of what was left open.

    asyncpg's own way asks the server to reset the session, a round trip for each acquisition. We leave nothing in a
    session: settings and locks are those of transactions, and nobody listens.
    """


def config(url: str, *, role: str = "", statement_timeout_s: float = 0, migrates: bool = False) -> dict[str, Any]:
    """Tortoise's configuration. `role` names the process in pg_stat_activity; a timeout of 0 is none.

    Only who `migrates` loads aerich, which is needed for nothing else.
    """
    server_settings = {
        "application_name": f"pixcrawler-{role}" if role else "pixcrawler",
        "jit": "off",
        "timezone": "UTC",
        "statement_timeout": str(int(statement_timeout_s * 1000)),
    }
    if role == PLANS_ANEW:
        server_settings["plan_cache_mode"] = "force_custom_plan"
    wire = {
        "minsize": 1,
        "maxsize": POOL_SERVES if role == SERVES else POOL_MAX,
        "timeout": CONNECT_TIMEOUT_S,
        # Compiled reads pass asyncpg's default of 15 KiB, and would then be prepared anew each time.
        "max_cacheable_statement_size": 0,
        "statement_cache_size": 200,
        "server_settings": server_settings,
        "reset": _leave_as_it_is,
    }
    return {
        "connections": {
            "default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials(url) | wire},
        },
        "apps": {APP: {"models": [MODULE, *(["aerich.models"] if migrates else [])], "default_connection": "default"}},
        "use_tz": True,
        "timezone": "UTC",
    }


def __getattr__(name: str) -> Any:
    # aerich's own command line reads `app.database.TORTOISE_ORM`; nothing is read from the environment before that.
    if name == "TORTOISE_ORM":
        return config(settings().database_url or "postgres://127.0.0.1/pixcrawler", migrates=True)
    raise AttributeError(name)


def init_models() -> None:
    """Resolve the models' foreign keys without a connection: reads are declared over them."""
    Tortoise.init_models([MODULE], APP)


@contextlib.asynccontextmanager
async def connected(url: str = "", *, role: str = "", statement_timeout_s: float = 0) -> AsyncIterator[None]:
    """Hold the process's pool open. The context is process-wide: tasks of other requests find it too."""
    target = config(url or settings().database_url, role=role, statement_timeout_s=statement_timeout_s)
    await Tortoise.init(config=target, _enable_global_fallback=True)
    try:
        yield
    finally:
        await Tortoise.close_connections()


def acquire() -> AbstractAsyncContextManager[asyncpg.Connection]:
    """A raw connection; inside `transaction()` it is that transaction's."""
    held: Any = connections.get("default").acquire_connection()
    return _Lent(held) if isinstance(held, PoolConnectionWrapper) else held


class _Lent(AbstractAsyncContextManager[asyncpg.Connection]):
    """A connection of the pool.

    `Pool.release()` makes a task of each release, lest one who is cancelled again does not wait for the end of what was
    cancelled: two turns of the loop, and an eighth of the work of a small read. After what ended well there is nothing
    to wait for (docs/decisions/0207-a-connection-goes-back-without-a-task.md).
    """

    __slots__ = ("_held",)

    def __init__(self, held: PoolConnectionWrapper[Any]) -> None:
        self._held = held

    async def __aenter__(self) -> asyncpg.Connection:
        return await self._held.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        connection: Any = self._held.connection
        if kind is None:
            await connection._holder.release(None)
        else:
            await self._held.__aexit__(kind, *error)


class Transaction:
    """A transaction under way: its connection, and what follows its commit."""

    def __init__(self, client: BaseDBAsyncClient, connection: asyncpg.Connection) -> None:
        self.client = client
        """For the ORM's `using_db`."""
        self.connection = connection
        self.following: list[Callable[[], Awaitable[object]]] = []

    def after_commit(self, call: Callable[..., Awaitable[object]], *args: object) -> None:
        """Call `call(*args)` once the transaction is committed; a rolled-back one sends nothing."""
        self.following.append(lambda: call(*args))


@contextlib.asynccontextmanager
async def transaction() -> AsyncIterator[Transaction]:
    """Commit at the end, then send what was put off with `after_commit`.

    What is sent logs and swallows its own failure (`app.queue.hint`, `app.progress.publish`): the thing happened, and
    the caller must not be told that it failed.
    """
    outer = connections.get("default")
    began = _savepoint(outer) if isinstance(outer, TransactionWrapper) else _begun(outer)
    async with began as tx:
        yield tx
    for call in tx.following:
        await call()


@contextlib.asynccontextmanager
async def _begun(pool: BaseDBAsyncClient) -> AsyncIterator[Transaction]:
    """A transaction on a connection of its own, which is the task's connection meanwhile.

    Not the ORM's `in_transaction()`: where BEGIN or the end fail, or are cancelled, that leaves the dead connection to
    the task for good, and the pool without it.
    """
    async with pool.acquire_connection() as connection:
        client = TransactionWrapper(cast(AsyncpgDBClient, pool))
        client._connection = connection
        token = connections.set("default", client)
        try:
            async with connection.transaction():
                yield Transaction(client, connection)
        finally:
            connections.reset(token)


@contextlib.asynccontextmanager
async def _savepoint(outer: TransactionWrapper) -> AsyncIterator[Transaction]:
    # Not `acquire_connection()`: that holds the ORM's own lock, and the first ORM call within would wait for ever.
    async with outer._connection.transaction():
        yield Transaction(outer, outer._connection)


@contextlib.asynccontextmanager
async def migration_lock(url: str) -> AsyncIterator[None]:
    """Hold the lock of migrations. Polled: a waiting lock would deadlock with CREATE INDEX CONCURRENTLY."""
    connection = await asyncpg.connect(**credentials(url), timeout=CONNECT_TIMEOUT_S)
    try:
        while not await connection.fetchval("select pg_try_advisory_lock($1)", MIGRATION_LOCK):
            await asyncio.sleep(MIGRATION_POLL_S)
        yield
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def migrating(url: str) -> AsyncIterator[Command]:
    """aerich under the lock, in a context of its own: the process's pool, if there is one, is not touched."""
    from aerich import Command  # late: who does not migrate needs none of it

    async with migration_lock(url):
        with TortoiseContext():
            found = config(url, role="migrate", migrates=True)
            command = Command(tortoise_config=found, app=APP, location=str(MIGRATIONS))
            await command.init()
            try:
                yield command
            finally:
                await command.aclose()


async def migrate(url: str = "") -> list[str]:
    """Bring the database to the newest version; safe when many processes call it at once. Returns what was applied."""
    async with migrating(url or settings().database_url) as command:
        return list(await command.upgrade(run_in_transaction=True))


async def migrate_down(version: str, url: str = "") -> list[str]:
    """Undo the migration `version` (its number or whole name) and every later one, so that 0 undoes all.

    Returns what was undone, newest first.
    """
    async with migrating(url or settings().database_url) as command:
        return list(await command.downgrade(version=int(version.split("_")[0]), delete=False))
