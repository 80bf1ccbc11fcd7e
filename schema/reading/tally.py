"""How a type says what is counted of rows: the marks of statistics, beside those of `declare.py`.

A type of statistics belongs to no row. Its fields are totals of the counted rows, and groups of them by a value or by
the range that a number lies in; each group holds the same totals under their names. In a mark's SQL `{t}` is the
counted row. Everything that is selected of such a type is counted in one pass over the rows.

    @strawberry.type(description="…")
    class CarStatistics:
        count: int = total("count(*)", "Cars.")
        by_color: CarGroups = groups("{t}.color", "By color, most frequent first.")
        weights: CarHistogram = buckets("{t}.weight", (1000, 2000), "By weight, kg.")

    car_statistics: CarStatistics = tally("Car", "garage_id", where=CarFilter, description="…")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strawberry import UNSET

from schema.reading.declare import FILTER, marked
from schema.reading.keyset import DEFAULT_PAGE, MAX_PAGE

COUNT = "count"
"""The total that every type of statistics has: groups are ordered by it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Statistics of the rows of the type `of` that hang below ours.

    `via` are the columns that lead up from a counted row to ours: one for our children, two for our grandchildren.
    """

    of: str
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """An aggregate function over the counted rows; of two groups together it is the sum of both."""

    text: str


@dataclass(frozen=True, slots=True)
class Groups:
    """The counted rows by a value.

    `several`: the value is a JSONB array of texts, and a row is counted in the group of each of them. `few`: there are
    so few groups that all are listed.
    """

    key: str
    several: bool = False
    few: bool = False


@dataclass(frozen=True, slots=True)
class Buckets:
    """The counted rows by the range that a whole number lies in: below the first bound, then from bound to bound."""

    key: str
    bounds: tuple[int, ...]


def tally(of: str, *via: str, where: Any, description: str) -> Any:
    """Statistics of the rows of the type `of` that lead to ours over the columns `via`, and that a filter keeps."""
    return marked(Tally(of, via), description, filter=(where | None, FILTER, UNSET))


def total(text: str, description: str) -> Any:
    """A number over all counted rows (see `Total`)."""
    return marked(Total(text), description)


def groups(key: str, description: str, *, several: bool = False) -> Any:
    """The most frequent groups, and what the others come to."""
    first = (int, f"How many groups are listed: 1 to {MAX_PAGE}. The others are counted.", DEFAULT_PAGE)
    return marked(Groups(key, several), description, first=first)


def few_groups(key: str, description: str) -> Any:
    """All groups that hold any row, where there can be few."""
    return marked(Groups(key, few=True), description)


def buckets(key: str, bounds: tuple[int, ...], description: str) -> Any:
    """All ranges, also those that hold no row."""
    return marked(Buckets(key, bounds), description)
