"""What the database itself holds to: foreign keys with their delete rules, CHECKs, indexes, triggers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from app.commands.alignment_checks.catalogue import Catalogue, Trigger, plain
from app.commands.alignment_checks.contract import TABLES, Table
from app.commands.alignment_checks.indexes import NAMED_INDEXES, OTHER_INDEXES, Index
from app.commands.alignment_checks.report import Check, compared

TOUCHES = {
    ("updated_at",): "begin new.updated_at = now(); return new; end",
    (
        "updated_at",
        "revision",
    ): "begin new.updated_at = now(); new.revision = old.revision + 1; return new; end",
}
"""What the trigger of a table does, by the columns that it moves on."""


def check_foreign_keys(catalogue: Catalogue) -> Iterator[Check]:
    """Each reference with its target and delete rule, and no others: another one could refuse rows or deletions."""
    for table in TABLES:
        keys = list(catalogue.foreign_keys.get(table.name, ()))
        for column in table.columns:
            if not column.key.startswith("references"):
                continue
            found = [key for key in keys if key.columns == (column.name,)]
            keys = [key for key in keys if key not in found]
            there = " and ".join(map(str, found)) or "missing"
            differs = [] if there == column.key else [f"{there}; the contract says {column.key}"]
            yield compared(f"foreign key {table.name}.{column.name}", differs, there)
        others = [f"({', '.join(key.columns)}) {key} is not in the contract" for key in keys]
        yield compared(f"no other foreign key of {table.name}", others, "none")


def check_conditions(catalogue: Catalogue) -> Iterator[Check]:
    """Each CHECK by what it says, whatever its name, and no others."""
    for table in TABLES:
        found = list(catalogue.checks.get(table.name, ()))
        for column, condition in table.checks:
            wanted = plain(condition)
            same = [check for check in found if check.condition == wanted]
            near = [check for check in found if check.columns == (column,) and check not in same]
            found = [check for check in found if check not in same and check not in near]
            differs = [f"it is {check.condition}; the contract says {wanted}" for check in near]
            if not same and not near:
                differs.append(f"missing; the contract says {wanted}")
            differs += [
                f"{check.name} is not validated: rows from before it may break it" for check in same if not check.valid
            ]
            yield compared(f"check {table.name}.{column}", differs, wanted)
        others = [f"{check.name} ({check.condition}) is not in the contract" for check in found]
        yield compared(f"no other check of {table.name}", others, "none")


def check_indexes(catalogue: Catalogue) -> Iterator[Check]:
    """The named indexes and those that uniqueness and pages need. Further plain ones are an operator's own affair."""
    expected = (*NAMED_INDEXES, *OTHER_INDEXES)
    for index in expected:
        yield _check_index(catalogue, index)
    known = {index.name for index in expected}
    tables = {table.name for table in TABLES}
    others = [
        f"{index.name}, {index}, is not in the contract"
        for index in catalogue.indexes.values()
        if index.unique and index.name not in known and index.table in tables
    ]
    yield compared("no other unique index", others, "none")


def _check_index(catalogue: Catalogue, expected: Index) -> Check:
    name = f"index {expected.name}"
    wanted = str(replace(expected, condition=plain(expected.condition)))
    found = catalogue.indexes.get(expected.name)
    if found is None:
        return Check(name, False, f"missing; the contract says {wanted}")
    differs = [] if str(found) == wanted else [f"{found}; the contract says {wanted}"]
    if expected.name in catalogue.invalid_indexes:
        differs.append("it is invalid: building it was interrupted, drop it and build it again")
    return compared(name, differs, wanted)


def check_triggers(catalogue: Catalogue) -> Iterator[Check]:
    """`updated_at`, and a job's `revision`, move on with every UPDATE, whoever writes."""
    for table in TABLES:
        if table.touches:
            yield _check_trigger(table, list(catalogue.triggers.get(table.name, ())))


def _check_trigger(table: Table, triggers: list[Trigger]) -> Check:
    name = f"trigger of {table.name}"
    does = TOUCHES[table.touches]
    moving = [trigger for trigger in triggers if _body(trigger) == does]
    good = [trigger for trigger in moving if trigger.row_update and trigger.enabled]
    if good:
        return Check(name, True, f"{good[0].name} moves {' and '.join(table.touches)} on")
    if moving:
        state = "disabled" if not moving[0].enabled else "not run before every UPDATE of each row"
        return Check(name, False, f"{moving[0].name} is {state}")
    others = ", ".join(trigger.name for trigger in triggers) or "no trigger"
    return Check(
        name, False, f"{others} there; none moves {' and '.join(table.touches)} on: the body differs or is missing"
    )


def _body(trigger: Trigger) -> str:
    """The function's text without comments, case, needless blanks and the choice between `:=` and `=`."""
    text = re.sub(r"--[^\n]*", "", trigger.body).replace(":=", "=").lower()
    return re.sub(r"\s+", " ", text).strip().removesuffix(";")
