"""Migrating up, down and up again, and by many at once."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest

from app.commands.alignment_checks.migrations import files
from app.database import MIGRATION_LOCK, credentials, migrate, migrate_down, migration_lock
from app.settings import CHECKOUT
from tests.rules.snapshot import snapshot
from tests.schema_check.conftest import MakeDatabase

PROCESSES = 10
MIGRATE = "import asyncio, sys; from app.database import migrate; print(len(asyncio.run(migrate(sys.argv[1]))))"


async def test_every_migration_goes_back_to_where_it_came_from(make_database: MakeDatabase) -> None:
    url = await make_database("steps")
    await migrate(url)
    above = await snapshot(url)

    for path in reversed(files()):
        assert await migrate_down(path.name.split("_")[0], url) == [path.name]
    assert await snapshot(url) == []

    assert await migrate(url) == [path.name for path in files()]
    assert await snapshot(url) == above


async def test_migrating_twice_does_nothing_the_second_time(migrated_url: str) -> None:
    assert await migrate(migrated_url) == []


async def test_going_back_by_a_migration_s_whole_name(make_database: MakeDatabase) -> None:
    url = await make_database("named")
    await migrate(url)

    undone = await migrate_down(files()[0].stem, url)

    assert undone == [path.name for path in reversed(files())]


async def test_ten_processes_that_migrate_at_once_apply_each_migration_once(make_database: MakeDatabase) -> None:
    url = await make_database("crowd")

    said = await asyncio.gather(*(migrated_by_a_process(url) for _ in range(PROCESSES)))

    assert [code for code, _, _ in said] == [0] * PROCESSES, "\n".join(errors for _, _, errors in said)
    assert sorted(int(applied) for _, applied, _ in said) == [0] * (PROCESSES - 1) + [len(files())]
    connection = await asyncpg.connect(**credentials(url))
    try:
        versions = [row["version"] for row in await connection.fetch("select version from aerich order by id")]
    finally:
        await connection.close()
    assert versions == [path.name for path in files()]


async def migrated_by_a_process(url: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MIGRATE, url),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode, out.decode(), errors.decode()


async def test_a_process_that_dies_while_migrating_leaves_no_lock(migrated_url: str) -> None:
    connection = await asyncpg.connect(**credentials(migrated_url))
    try:
        assert await connection.fetchval("select pg_try_advisory_lock($1)", MIGRATION_LOCK)
    finally:
        connection.terminate()

    async with asyncio.timeout(10), migration_lock(migrated_url):
        pass


async def test_a_migration_that_fails_leaves_nothing_behind(
    make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await make_database("failing")
    await migrate(url)
    before = await snapshot(url)
    folder = tmp_path / "models"
    folder.mkdir()
    for path in files():
        (folder / path.name).write_text(path.read_text())
    broken = "async def upgrade(db):\n    return 'CREATE TABLE half (x int); SELECT 1 / 0;'\n"
    name = f"{len(files())}_20990101000000_broken.py"
    (folder / name).write_text(broken)
    monkeypatch.setattr("app.database.MIGRATIONS", tmp_path)

    with pytest.raises(Exception, match="division by zero"):
        await migrate(url)

    assert await snapshot(url) == before
