"""What every type and every list shares: the Node interface, connections, order directions, common conditions."""

from __future__ import annotations

from enum import Enum
from typing import Any, Generic, TypeVar

import strawberry

from schema.reading.declare import plain, where

N = TypeVar("N")


@strawberry.interface(description="Anything with a global id.")
class Node:
    """Whatever `node(id:)` finds."""

    id: strawberry.ID = plain("The global id: the same for the same row wherever it is met.")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """The edges of a page."""

    has_next_page: bool = plain("Whether the list goes on after this page.")
    has_previous_page: bool = plain("Whether the list has more before this page.")
    start_cursor: str | None = plain("The cursor of the page's first row; null on an empty page.")
    end_cursor: str | None = plain("The cursor of the page's last row; null on an empty page.")


@strawberry.type(description="A row in its list.")
class Edge(Generic[N]):
    """A row with its cursor."""

    cursor: str = plain("The row's place under the list's order: what `after` and `before` take.")
    node: N = plain("The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[N]):
    """A page, its rows with and without cursors."""

    edges: list[Edge[N]] = plain("The page's rows with their cursors.")
    nodes: list[N] = plain("The page's rows.")
    page_info: PageInfo = plain("Where the page lies in its list.")
    total_count: int = plain("Rows of the whole list under its filter, on this page or not.")


@strawberry.enum(description="Which way an order goes; missing values count as the greatest.")
class OrderDirection(Enum):
    """Up or down."""

    ASC = strawberry.enum_value("asc", description="Smallest, oldest, first in the alphabet first.")
    DESC = strawberry.enum_value("desc", description="Greatest, newest, last in the alphabet first.")


def direction() -> Any:
    """The direction of an order input."""
    return strawberry.field(default=OrderDirection.ASC, description="Which way.")


def containing(text: str) -> str:
    """An ILIKE pattern for texts that hold `text`, whose own wildcards are nothing special."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def in_list(column: str, description: str) -> Any:
    """The column is one of the values."""
    return where(f"{{t}}.{column} = any({{v}}::text[])", description)


def name_contains() -> Any:
    """The name holds a text, whatever its case."""
    return where("{t}.name ilike {v}::text", "The name holds this text, whatever its case.", containing)


def after(column: str = "created_at", description: str = "Later than this moment.") -> Any:
    """Later than a moment."""
    return where(f"{{t}}.{column} > {{v}}::timestamptz", description)


def before(column: str = "created_at", description: str = "Earlier than this moment.") -> Any:
    """Earlier than a moment."""
    return where(f"{{t}}.{column} < {{v}}::timestamptz", description)


def changed_after() -> Any:
    """Changed later than a moment."""
    return after("updated_at", "Changed later than this moment.")


def changed_before() -> Any:
    """Changed earlier than a moment."""
    return before("updated_at", "Changed earlier than this moment.")
