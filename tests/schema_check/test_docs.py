"""docs/schema.md says what a migrated database is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import asyncpg

from app.commands.alignment_checks import catalogue
from app.commands.alignment_checks.columns import key_of
from app.commands.alignment_checks.contract import BOOKKEEPING
from app.settings import CHECKOUT

PAGE = (CHECKOUT / "docs" / "schema.md").read_text()


def rows(section: str) -> Iterator[list[str]]:
    """The cells of the table of a section, without its head."""
    text = re.split(r"^## ", PAGE.split(f"\n## {section}\n")[1], flags=re.MULTILINE)[0]
    for line in [line for line in text.splitlines() if line.startswith("| ")][1:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


async def test_each_column_stands_there_as_it_is_and_is_explained(connection: asyncpg.Connection) -> None:
    live = await catalogue.read(connection)

    for table in set(live.tables) - {BOOKKEEPING}:
        written = {}
        for name, kind, null, default, key, meaning in rows(table):
            assert meaning.endswith((".", "`")), f"{table}.{name} is not explained"
            written[name.split("`")[1]] = (kind, null == "yes", default.strip("`"), key)
        assert written == {
            name: (column.type, column.nullable, column.default or "", key_of(live, table, name))
            for name, column in live.columns[table].items()
        }


async def test_each_index_stands_there(connection: asyncpg.Connection) -> None:
    live = await catalogue.read(connection)

    written = {name.strip("`"): (table, columns) for name, table, columns, _ in rows("Indexes")}

    assert written.keys() == live.indexes.keys() - {f"{BOOKKEEPING}_pkey"}
    for name, (table, columns) in written.items():
        index = live.indexes[name]
        assert table == index.table
        assert columns.startswith(", ".join(index.columns)), name
        assert columns.split(";")[0].endswith(", unique") == index.unique, name
        assert (";" in columns) == bool(index.condition), name
