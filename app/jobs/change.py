"""A state change: one guarded statement, and the explanation of an empty answer.

Every arrow of `app/models/states.py` that a person walks goes through `change()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.access import seen_by
from app.database import Transaction
from app.errors import IllegalTransition, NotFound
from app.models.states import Arrows
from app.values import Viewer


@dataclass(frozen=True, slots=True)
class Kind:
    """A table whose rows change state: its name, its GraphQL type, the word for a person, and its arrows."""

    table: str
    type_name: str
    word: str
    arrows: Arrows

    def missing(self, path: Sequence[str] = ("id",)) -> NotFound:
        """The one answer for a malformed id, a row that is not there and one that the viewer does not see."""
        return NotFound(f"No such {self.word}.", path=path)


async def change(
    tx: Transaction,
    kind: Kind,
    verb: str,
    key: int,
    viewer: Viewer,
    *,
    also: str = "",
    returning: str = "id",
) -> asyncpg.Record:
    """Walk the arrow `verb` of the row `key`; NotFound or IllegalTransition where it cannot be walked.

    `also` is further SQL of the SET list, ours and never a user's.
    """
    sources, target = kind.arrows[verb]
    more = f", {also}" if also else ""
    # Names of ours and placeholders only.
    sql = (
        f"update {kind.table} t set status = $2{more} where t.id = $1 and t.status = any($3::text[])"  # noqa: S608
        f" and {seen_by(kind.table, 't', viewer, '$4::uuid')} returning {returning}"
    )
    row = await tx.connection.fetchrow(sql, key, target, list(sources), viewer.id)
    if row is None:
        await explain(tx, kind, verb, key, viewer, sources)
    return row


async def explain(tx: Transaction, kind: Kind, verb: str, key: int, viewer: Viewer, allowed: Sequence[str]) -> None:
    """Raise why `verb` changed no row."""
    row = await visible_row(tx, kind, key, viewer, "status")
    raise IllegalTransition(
        f"This {kind.word} is {row['status']}: one can {verb} it when it is {' or '.join(allowed)}.",
        path=["id"],
        actual=row["status"].upper(),
        allowed=[state.upper() for state in allowed],
    )


async def visible_row(
    tx: Transaction,
    kind: Kind,
    key: int,
    viewer: Viewer,
    columns: str,
    *,
    lock: str = "",
    path: Sequence[str] = ("id",),
) -> Any:
    """The row's `columns`, seen by the viewer; NotFound otherwise, of the input's field `path`.

    `lock` is `for update`, `for share` or nothing.
    """
    sql = (
        f"select {columns} from {kind.table} t where t.id = $1"  # noqa: S608 - names of ours
        f" and {seen_by(kind.table, 't', viewer, '$2::uuid')} {lock}"
    )
    row = await tx.connection.fetchrow(sql, key, viewer.id)
    if row is None:
        raise kind.missing(path)
    return row


async def remove(tx: Transaction, kind: Kind, key: int, viewer: Viewer) -> None:
    """Delete the row and, by the database's own rules, all below it; NotFound where it is not seen."""
    sql = (
        f"delete from {kind.table} t where t.id = $1"  # noqa: S608 - names of ours
        f" and {seen_by(kind.table, 't', viewer, '$2::uuid')} returning t.id"
    )
    if await tx.connection.fetchval(sql, key, viewer.id) is None:
        raise kind.missing()
