"""What the rows hold, read from the tables: values to ask for, and what only those who see a row may be told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from app.access import seen_by
from app.values import Viewer, snake
from schema.reading.declare import MODELS
from tests.reading.world import VIEWERS

SHORT = 24
"""Characters of a text that may be a name of something."""
BOUNDS = ("min_", "max_")
ENDS = ("_contains", "_after", "_before")


class Holdings:
    """The values of all rows. No dataclass: hypothesis would show them all where a test fails."""

    def __init__(
        self,
        ids: Mapping[str, Sequence[str]],
        values: Mapping[str, Sequence[Any]],
        hidden: Mapping[Viewer, frozenset[str]],
    ) -> None:
        self.ids = ids
        """Global ids by type."""
        self.values = values
        """Values by the column, or the key of a document, under which they lie."""
        self.hidden = hidden
        """Texts, global ids too, of rows that a viewer does not see, and of none that they see."""

    def like(self, name: str, kind: type | tuple[type, ...]) -> list[Any]:
        """Values of some type, under the column that an argument's name speaks of; all of the type if there is none."""
        column = snake(name)
        for start in BOUNDS:
            column = column.removeprefix(start)
        for end in ENDS:
            column = column.removesuffix(end)
        found = [one for one in self.values.get(column, ()) if _is(one, kind)]
        return found or sorted({one for some in self.values.values() for one in some if _is(one, kind)}, key=repr)

    def moments(self) -> list[str]:
        """Points in time."""
        return [one for name, some in self.values.items() if name.endswith("_at") for one in some if type(one) is str]


def _is(value: Any, kind: type | tuple[type, ...]) -> bool:
    return type(value) in (kind if isinstance(kind, tuple) else (kind,)) and not (
        isinstance(value, str) and len(value) > SHORT
    )


def _leaves(value: Any, under: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, under)
    elif value is not None:
        yield under, value


async def _rows(
    connection: asyncpg.Connection, type_name: str, viewer: Viewer | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a type with their global ids, or those of them that a viewer sees."""
    table = MODELS[type_name]._meta.db_table
    seen = "$1::uuid is null" if viewer is None else seen_by(table, "t", viewer, "$1::uuid")
    found = await connection.fetch(
        f"select t.id, to_jsonb(t)::text from {table} t where {seen} order by t.id", viewer.id if viewer else None
    )
    return [(f"{type_name}:{row[0]}", orjson.loads(row[1])) for row in found]


async def _texts(connection: asyncpg.Connection, viewer: Viewer | None = None) -> set[str]:
    found = set()
    for type_name in MODELS:
        for id, row in await _rows(connection, type_name, viewer):
            found |= {id} | {one for _, one in _leaves(row, "") if isinstance(one, str)}
    return found


async def look(connection: asyncpg.Connection) -> Holdings:
    """Read all that there is."""
    ids, values = {}, defaultdict(set)
    for type_name in MODELS:
        rows = await _rows(connection, type_name)
        ids[type_name] = [id for id, _ in rows]
        for _, row in rows:
            for name, one in _leaves(row, ""):
                values[name].add(one)
    everything = await _texts(connection)
    return Holdings(
        ids,
        {name: sorted(some, key=repr) for name, some in sorted(values.items())},
        {viewer: frozenset(everything - await _texts(connection, viewer)) for viewer in VIEWERS},
    )
