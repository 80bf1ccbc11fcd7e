"""What every worker asks every few seconds costs what is under way, however many jobs have ended."""

from __future__ import annotations

import re

import asyncpg
import pytest

from app.jobs import chunk, closing, export, reviving, turns

ASKED = {
    "lost leases": chunk.EXPIRED,
    "jobs that are over": closing.OVER,
    "retries that go on": reviving.DUE,
    "exports whose time is over": export.EXPIRE,
    "the next chunk": turns.CHUNK,
    "the next discovery": turns.DISCOVERY,
    "the next validation or export": turns.DATASET,
}


@pytest.mark.parametrize("sql", ASKED.values(), ids=ASKED.keys())
async def test_jobs_are_found_by_their_state(db: asyncpg.Connection, sql: str) -> None:
    """The tables are small: the plan without sequential scans says what a large one is asked by (decision 51)."""
    async with db.transaction():
        await db.execute("set local enable_seqscan = off")
        plan = [row[0] for row in await db.fetch("explain " + re.sub(r"\$\d", "null", sql))]
    assert not [line for line in plan if "Seq Scan on" in line], plan
