"""Models, migrations and database say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.fields import CharField
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

from app.commands.alignment_checks.migrations import drift
from app.database import APP, MIGRATIONS, config, credentials
from app.models.tables import Project
from tests.rules.snapshot import DECLARED, snapshot
from tests.support import databases


async def test_a_migration_asked_for_offline_has_nothing_to_do() -> None:
    assert await drift() == ""


async def test_asking_for_a_migration_leaves_no_file_behind() -> None:
    before = sorted(MIGRATIONS.rglob("*.py"))

    await drift()

    assert sorted(MIGRATIONS.rglob("*.py")) == before


@pytest.fixture
def a_longer_name() -> Iterator[None]:
    field = Project._meta.fields_map["name"]
    assert isinstance(field, CharField)
    said, field.max_length = field.max_length, 200
    yield
    field.max_length = said


@pytest.mark.usefixtures("a_longer_name")
async def test_a_changed_model_without_its_migration_is_noticed() -> None:
    assert "VARCHAR(200)" in await drift()


async def test_a_migrated_database_is_what_the_models_declare() -> None:
    async with databases.clone("drift") as url:
        migrated = await snapshot(url, DECLARED)
        await empty(url)

        await build_from_models(url)

        assert await snapshot(url, DECLARED) == migrated


async def empty(url: str) -> None:
    connection = await asyncpg.connect(**credentials(url))
    await connection.execute("drop schema public cascade; create schema public")
    await connection.close()


async def build_from_models(url: str) -> None:
    """The schema that the models ask for; the ORM builds none of their constraints, so those follow by hand."""
    with TortoiseContext() as context:
        await context.init(config=config(url))
        try:
            await context.generate_schemas(safe=False)
            assert context.apps is not None
            for model in context.apps[APP].values():
                for constraint in model._meta.constraints:
                    await context.db().execute_script(add_constraint(model, constraint))
        finally:
            await context.close_connections()


def add_constraint(model: type[Model], constraint: CheckConstraint | UniqueConstraint) -> str:
    body = (
        f"CHECK ({constraint.check})"
        if isinstance(constraint, CheckConstraint)
        else f"UNIQUE ({', '.join(constraint.fields)})"
    )
    return f'ALTER TABLE "{model._meta.db_table}" ADD CONSTRAINT "{constraint.name}" {body}'


def test_migrations_are_numbered_without_gaps(tmp_path: Path) -> None:
    from app.commands.alignment_checks.migrations import check_files

    assert all(check.ok for check in check_files())
    folder = tmp_path / APP
    folder.mkdir()
    for number in (0, 2):
        (folder / f"{number}_20260101000000_x.py").write_text("async def downgrade(db):\n    return ''\n")
    failed = {check.name: check.message for check in check_files(tmp_path) if not check.ok}
    assert "a gap" in failed["migration files"]
    assert failed["downgrade of 2_20260101000000_x"] == "no statements"


def test_a_downgrade_that_leaves_a_table_is_noticed(tmp_path: Path) -> None:
    from app.commands.alignment_checks.migrations import check_files

    (tmp_path / APP).mkdir()
    (tmp_path / APP / "0_20260101000000_x.py").write_text(
        'async def upgrade(db):\n    return \'CREATE TABLE "a" (x int); CREATE TABLE "b" (x int);\'\n'
        "async def downgrade(db):\n    return 'DROP TABLE \"a\";'\n"
    )

    assert [check.message for check in check_files(tmp_path) if not check.ok] == ["leaves table b"]
