"""The map from a schema's fields to where they read from: what walking and writing look things up in.

It is made by `assemble.py` from the marks of `declare.py` and from the models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schema.reading.declare import Bound, Derived, Ranked, Where
from schema.reading.tally import Buckets, Groups, Total


class BadDeclaration(TypeError):
    """A type promises what its table does not keep; found when the schema is assembled."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `target` is the table that it points at."""

    name: str
    sql_type: str
    nullable: bool
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A GraphQL type's table."""

    type_name: str
    name: str
    columns: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Value:
    """An expression over the row `{t}`, or over the document `{d}`."""

    text: str


@dataclass(frozen=True, slots=True)
class Single:
    """One row of `table`: over our column `via`, the viewer's, or named by an id. `implied`: visible with our row.

    `key` is SQL over our row for a link that is no column.
    """

    table: Table
    via: str | None
    viewer: bool
    implied: bool
    key: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of `table`'s rows, those whose `via` points at us, with the filters and orders that it takes."""

    table: Table
    via: str | None
    implied: bool
    rules: Mapping[str, Where]
    orders: Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Whichever:
    """Rows of any table by global id."""

    tables: tuple[Table, ...]
    several: bool


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects inside a JSONB expression, which holds what `values` bind; `once`: it is computed once only.

    `nullable`: where the expression is NULL, the object is null instead of one whose fields are.
    """

    text: str
    several: bool
    values: Bound = field(default_factory=dict)
    once: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """A page of rows of `page.table` in a computed order."""

    page: Page
    mark: Ranked


@dataclass(frozen=True, slots=True)
class Tallied:
    """Statistics of `table`'s rows; `links` are tables and columns from the counted rows up to ours."""

    table: Table
    links: tuple[tuple[str, str], ...]
    implied: bool
    rules: Mapping[str, Where]
    totals: Mapping[str, Total]
    """By the name that they have in a group's document."""


Source = Value | Derived | Single | Page | Whichever | Objects | Ranking | Tallied | Total | Groups | Buckets


@dataclass(slots=True)
class Catalogue:
    """Where every compiled field of a schema reads from."""

    tables: dict[str, Table] = field(default_factory=dict)
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)
    """Connection and edge types and PageInfo: their fields are the page's own."""
    objects: set[str] = field(default_factory=set)
    """Types that stand on no row: made of JSONB documents, and statistics."""

    def reads_type(self, name: str) -> bool:
        """Whether all fields of the type are compiled."""
        return name in self.tables or name in self.pages or name in self.objects

    def table(self, type_name: str) -> Table:
        """The table of a GraphQL type; `BadDeclaration` when it is none."""
        if type_name not in self.tables:
            raise BadDeclaration(f"{type_name} reads no table; mark it with @reads.")
        return self.tables[type_name]
