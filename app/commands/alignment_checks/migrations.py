"""The migrations: their files, whether the database stands at the head, drift from the models, the way back."""

from __future__ import annotations

import ast
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
from aerich import Command
from aerich.migrate import Migrate
from tortoise.context import TortoiseContext

from app.commands.alignment_checks.contract import BOOKKEEPING
from app.commands.alignment_checks.report import Check, compared
from app.database import APP, MIGRATIONS, config

_NAME = re.compile(r"(\d+)_\d{14}_\w+\.py")


def files(location: Path = MIGRATIONS) -> list[Path]:
    """The migration files, oldest first."""
    found = [path for path in (location / APP).glob("*.py") if _NAME.fullmatch(path.name)]
    return sorted(found, key=_number)


def _number(path: Path) -> int:
    return int(path.name.split("_")[0])


def check_files(location: Path = MIGRATIONS) -> Iterator[Check]:
    """The files are numbered without gaps, say the models' state, and each knows the way back."""
    found = files(location)
    numbers = [_number(path) for path in found]
    differs = [] if numbers == list(range(len(numbers))) else [f"numbered {numbers}: a gap or a number twice"]
    if not found:
        differs = [f"none in {location / APP}"]
    yield compared("migration files", differs, f"{len(found)}, newest {found[-1].name}" if found else "")
    for path in found:
        yield _check_way_back(path)


def _check_way_back(path: Path) -> Check:
    """`downgrade` returns SQL, and undoes each table, index and column that `upgrade` made; a test really runs it."""
    name = f"downgrade of {path.stem}"
    tree = ast.parse(path.read_text())
    texts = {node.name: _text(node) for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    if not texts.get("downgrade", "").strip():
        return Check(name, False, "no statements")
    tables = re.findall(r'CREATE TABLE "(\w+)"', texts.get("upgrade", ""))
    kept = [f"leaves table {table}" for table in tables if f'DROP TABLE "{table}"' not in texts["downgrade"]]
    statements = texts["downgrade"].count(";")
    return compared(name, kept, f"{statements} statements")


def _text(function: ast.AsyncFunctionDef) -> str:
    constants = [node.value for node in ast.walk(function) if isinstance(node, ast.Constant)]
    return " ".join(value for value in constants if isinstance(value, str))


async def check_head(connection: asyncpg.Connection, location: Path = MIGRATIONS) -> Check:
    """Exactly the files of this checkout are recorded as applied."""
    there = await connection.fetchval("select to_regclass($1) is not null", BOOKKEEPING)
    rows = await connection.fetch(f"select version from {BOOKKEEPING} where app = $1", APP) if there else []  # noqa: S608
    applied = [row["version"] for row in rows]
    known = [path.name for path in files(location)]
    differs = [f"{name} is not applied: run `pixcrawler migrate`" for name in known if name not in applied]
    differs += [
        f"{name} is applied and has no file here: the checkout is older" for name in applied if name not in known
    ]
    differs += [f"{name} is recorded twice" for name in {name for name in applied if applied.count(name) > 1}]
    return compared("migration head", differs, applied[-1] if applied else "")


async def check_drift(location: Path = MIGRATIONS) -> Check:
    """aerich, asked offline for a migration, finds nothing to do: the models say what the newest file says.

    It does not see CHECK and named UNIQUE constraints; those are compared with the live database elsewhere.
    """
    statements = await drift(location)
    return compared("migration drift", [statements] if statements else [], "the models say what the newest file says")


async def drift(location: Path = MIGRATIONS) -> str:
    """The statements that the models ask for beyond the newest migration; empty where there are none."""
    with tempfile.TemporaryDirectory(prefix="pixcrawler-drift-") as folder:
        copy = Path(folder) / "migrations"
        shutil.copytree(location, copy, ignore=shutil.ignore_patterns("__pycache__"))
        # aerich gathers statements in lists of the class, which outlive a run.
        for name in ("upgrade_operators", "downgrade_operators"):
            setattr(Migrate, name, [])
        with TortoiseContext():
            # No connection is opened: the address only names the dialect.
            offline = config("postgres://127.0.0.1/offline", migrates=True)
            command = Command(tortoise_config=offline, app=APP, location=str(copy))
            await command.init(offline=True)
            try:
                written = await command.migrate(name="drift", no_input=True, offline=True)
                return " ".join("; ".join(Migrate.upgrade_operators).split()) if written else ""
            finally:
                await command.aclose()
