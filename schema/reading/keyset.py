"""Keyset pages: order, cursor, "beyond this cursor" and page size, as pure functions.

NULL counts as the greatest value, which is PostgreSQL's own rule in both directions: `last` is then exactly `first` of
the reversed order, and plain indexes serve both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.errors import Invalid
from schema.reading.ids import INT_MAX

MAX_PAGE = 100
DEFAULT_PAGE = 25
MAX_KEYS = 4
"""Keys of an order: each combination is another statement."""


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order, or a number in a JSON document: `quality.sharpness`."""

    column: str
    sql_type: str
    nullable: bool
    descending: bool

    @property
    def label(self) -> str:
        """The key as a cursor names it."""
        return self.column + ("-" if self.descending else "+")

    def of(self, t: str) -> str:
        """SQL: the row `t`'s value."""
        document, _, name = self.column.partition(".")
        return f"({t}.{document}->>'{name}')::{self.sql_type}" if name else f"{t}.{document}"


def page_size(asked: int | None, path: Sequence[str]) -> int:
    """Rows of a page; `Invalid` outside 1..100."""
    if asked is None:
        return DEFAULT_PAGE
    if not 1 <= asked <= MAX_PAGE:
        raise Invalid(
            f"A page holds 1 to {MAX_PAGE} rows, not {asked}.", path=path, limit=str(MAX_PAGE), actual=str(asked)
        )
    return asked


def order_sql(keys: Sequence[Key], t: str, *, backward: bool) -> str:
    """The ORDER BY list of a page's rows as they are read: reversed for a page from the end."""
    return ", ".join(f"{key.of(t)}{' desc' if key.descending != backward else ''}" for key in keys)


def cursor_sql(keys: Sequence[Key], t: str) -> str:
    """The cursor of a row: the order's label and the row's values, as JSON text."""
    return f"json_build_array('{_label(keys)}', {', '.join(key.of(t) for key in keys)})::text"


def _label(keys: Sequence[Key]) -> str:
    return ",".join(key.label for key in keys)


def _number(sql_type: str) -> Callable[[Any], int]:
    limit = INT_MAX[sql_type]

    def read(value: Any) -> int:
        if type(value) is not int or not -limit <= value <= limit:
            raise ValueError(value)
        return value

    return read


def _measure(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(value)
    return float(value)


def _text(value: Any) -> str:
    if type(value) is not str or "\0" in value:
        raise ValueError(value)
    return value


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found


READERS: Mapping[str, Callable[[Any], Any]] = {
    "int": _number("int"),
    "bigint": _number("bigint"),
    "float8": _measure,
    "text": _text,
    "uuid": UUID,
    "timestamptz": _moment,
}


def read_cursor(text: str, keys: Sequence[Key], path: Sequence[str]) -> list[Any]:
    """The order's values in a cursor; `Invalid` unless it was made by this list under this order."""
    try:
        label, *values = orjson.loads(text)
        if label != _label(keys) or len(values) != len(keys):
            raise ValueError(label)
        return [
            None if value is None and key.nullable else READERS[key.sql_type](value)
            for key, value in zip(keys, values, strict=True)
        ]
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Invalid("This cursor does not belong to this list and order.", path=path) from error


def beyond_sql(keys: Sequence[Key], t: str, values: Sequence[str], *, backward: bool) -> str:
    """The rows strictly beyond the cursor whose values stand in the placeholders `values`."""
    down = [key.descending != backward for key in keys]
    if len(set(down)) == 1 and not any(key.nullable for key in keys):
        left = ", ".join(key.of(t) for key in keys)
        return f"({left}) {'<' if down[0] else '>'} ({', '.join(values)})"
    cases: list[str] = []
    equal: list[str] = []
    for key, value, descending in zip(keys, values, down, strict=True):
        cases.append("(" + " and ".join([*equal, f"({_beyond_one(key, t, value, descending=descending)})"]) + ")")
        equal.append(f"{key.of(t)} {'is not distinct from' if key.nullable else '='} {value}")
    return "(" + " or ".join(cases) + ")"


def _beyond_one(key: Key, t: str, value: str, *, descending: bool) -> str:
    column = key.of(t)
    if not descending:
        above = f" or ({column} is null and {value} is not null)" if key.nullable else ""
        return f"{column} > {value}{above}"
    below = f" or ({column} is not null and {value} is null)" if key.nullable else ""
    return f"{column} < {value}{below}"
