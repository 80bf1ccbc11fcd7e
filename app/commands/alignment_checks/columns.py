"""Tables and their columns: name, type, length, nullability, default and key, one line a column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.commands.alignment_checks.catalogue import Catalogue
from app.commands.alignment_checks.contract import BOOKKEEPING, TABLES, Column, Table
from app.commands.alignment_checks.report import Check, compared


def check_tables(catalogue: Catalogue) -> Iterator[Check]:
    """The seven tables are there, and nothing else that holds rows."""
    for table in TABLES:
        there = table.name in catalogue.tables
        yield Check(f"table {table.name}", there, "there" if there else "missing: run `pixcrawler migrate`")
    known = {BOOKKEEPING, *(table.name for table in TABLES)}
    others = [name for name in catalogue.tables if name not in known]
    yield compared("no eighth table", [f"{name} is not in the contract" for name in others], "seven and no other")


def check_columns(catalogue: Catalogue) -> Iterator[Check]:
    """Every column as the contract has it, and no others."""
    for table in TABLES:
        found = catalogue.columns.get(table.name, {})
        for column in table.columns:
            yield _check_column(catalogue, table, column)
        known = {column.name for column in table.columns}
        others = [f"{name} is not in the contract" for name in found if name not in known]
        yield compared(f"no other column of {table.name}", others, f"{len(known)} and no other")
        primary = catalogue.primary_keys.get(table.name, ())
        differs = [] if primary == ("id",) else [f"it is ({', '.join(primary) or 'none'}), the contract says (id)"]
        yield compared(f"primary key of {table.name}", differs, "id")


def _check_column(catalogue: Catalogue, table: Table, expected: Column) -> Check:
    name = f"column {table.name}.{expected.name}"
    bare = catalogue.columns.get(table.name, {}).get(expected.name)
    if bare is None:
        return Check(name, False, f"missing; the contract says {expected}")
    found = replace(bare, key=key_of(catalogue, table.name, expected.name))
    differences = [
        f"{aspect} is {_shown(there)}, the contract says {_shown(wanted)}"
        for aspect, there, wanted in (
            ("type", found.type, expected.type),
            ("null", "allowed" if found.nullable else "refused", "allowed" if expected.nullable else "refused"),
            ("default", found.default, expected.default),
            ("key", found.key, expected.key),
        )
        if there != wanted
    ]
    return compared(name, differences, str(found))


def _shown(value: str | None) -> str:
    return value or "none"


def key_of(catalogue: Catalogue, table: str, column: str) -> str:
    """What the column is by itself, in the contract's words; several keys are joined by `and`."""
    alone = (column,)
    keys = ["primary key"] if catalogue.primary_keys.get(table) == alone else []
    unique = (
        index.unique and index.table == table and index.columns == alone and not index.condition
        for index in catalogue.indexes.values()
    )
    if any(unique):
        keys.append("unique")
    keys += [str(key) for key in catalogue.foreign_keys[table] if key.columns == alone]
    return " and ".join(keys)
