"""Symptom: after PostgreSQL was killed a worker recorded nothing any more, and a job paused for an error of the driver.

Cause: the ORM makes a transaction the task's connection before it has begun, and takes that back only where it ends in
order: a task whose BEGIN failed, or was cancelled, kept the dead connection, gave it to the tasks that it made, and the
pool never had it again. Rule: whatever becomes of a transaction, the next statement of the same task goes to the pool.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg
import pytest
from tortoise.connection import connections

from app.database import DATABASE_ERRORS, POOL_MAX, acquire, transaction
from tests.support.service import until

TIMES = 300
SLOW = "select pg_sleep(30)"


async def test_a_transaction_that_is_cancelled_at_any_moment_leaves_the_task_and_the_pool_whole(db: Any) -> None:
    pool = connections.get("default")
    for turn in range(TIMES):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(turn % 30 * 0.0001), transaction() as tx:
                await tx.connection.fetchval("select 1")
        assert connections.get("default") is pool, f"the task kept its transaction ({turn})"
    await _pool_is_whole()


async def _pool_is_whole() -> None:
    async with asyncio.timeout(5), contextlib.AsyncExitStack() as stack:
        # The fixture holds one; all others are there.
        held = [await stack.enter_async_context(acquire()) for _ in range(POOL_MAX - 1)]
        assert [await connection.fetchval("select 1") for connection in held] == [1] * (POOL_MAX - 1)


@pytest.mark.parametrize("again", [0, 1, 3])
async def test_a_statement_that_is_cancelled_more_than_once_leaves_the_pool_whole(db: Any, again: int) -> None:
    all_run = f"select count(*) = {POOL_MAX - 1} from pg_stat_activity where query = '{SLOW}' and state = 'active'"
    for _ in range(3):
        asked = [asyncio.create_task(_slow()) for _ in range(POOL_MAX - 1)]
        await until(lambda: db.fetchval(all_run))
        for _ in range(1 + again):
            for one in asked:
                one.cancel()
            await asyncio.sleep(0)
        await asyncio.wait(asked)
        assert all(one.cancelled() for one in asked)
    await _pool_is_whole()


async def _slow() -> None:
    async with acquire() as connection:
        await connection.execute(SLOW)


async def test_a_transaction_whose_server_goes_away_leaves_the_task_whole(db: asyncpg.Connection) -> None:
    for _ in range(5):
        with contextlib.suppress(*DATABASE_ERRORS):
            async with transaction() as tx:
                own = await tx.connection.fetchval("select pg_backend_pid()")
                await db.execute("select pg_terminate_backend($1, 5000)", own)
                await tx.connection.fetchval("select 1")
        async with transaction() as tx:
            assert await tx.connection.fetchval("select 1") == 1


async def test_within_a_transaction_everything_is_part_of_it(db: asyncpg.Connection) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with transaction() as tx:
            async with acquire() as connection:
                assert await connection.fetchval("select pg_current_xact_id_if_assigned() is null")
                await connection.execute("create table kept (word text)")
            with contextlib.suppress(asyncpg.UndefinedTableError):
                async with transaction() as inner:
                    await inner.connection.execute("select * from nowhere")
            assert await tx.connection.fetchval("select count(*) from kept") == 0
            raise ZeroDivisionError
    assert await db.fetchval("select to_regclass('kept') is null")
