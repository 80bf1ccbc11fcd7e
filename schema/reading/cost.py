"""What an operation costs before it runs: rows that it may read, each list's size times what is selected below it.

Made once for an operation's text and the shape of its variables; each request then puts in its page sizes. Counts what
is asked for, not what is there: whoever writes an operation can reckon its cost beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
)

from schema.reading.arguments import Arg, Values, arguments_of
from schema.reading.catalogue import Objects, Page, Ranking, Source, Tallied, Whichever
from schema.reading.keyset import DEFAULT_PAGE, MAX_PAGE
from schema.reading.tally import Buckets, Groups
from schema.reading.walk import Walker
from schema.reading.write import MAX_NODES

OBJECT = 1
"""An object, and a row of a list."""
COUNT = 10
"""What looks at all rows of a list, however many it gives: `totalCount`, counts by kind, rankings.

Statistics, and each way in which they group.
"""
MUTATION = 10
"""A mutation, beside the object that it gives."""
LISTS = ("nodes", "edges")
"""The fields of a connection that hold its rows."""

Size = Callable[[Values], int]


@dataclass(frozen=True, slots=True)
class Cost:
    """Points: `fixed`, and for each list its size times what one row of it costs."""

    fixed: int = 0
    lists: tuple[tuple[Size, Cost], ...] = ()

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.fixed + other.fixed, self.lists + other.lists)

    def of(self, values: Values) -> int:
        """The points of one request, with its coerced variables."""
        return self.fixed + sum(size(values) * row.of(values) for size, row in self.lists)


NOTHING = Cost()


def cost_of(walker: Walker, operation: OperationDefinitionNode) -> Cost:
    """The cost of an operation, which is valid and has none of its fragments within itself."""
    root: Any = walker.schema.get_root_type(operation.operation)
    price = MUTATION if operation.operation is OperationType.MUTATION else 0
    return _Meter(walker, price).fields(root, [operation.selection_set])


@dataclass(frozen=True, slots=True)
class _Meter:
    walker: Walker
    root_price: int

    def fields(self, on: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> Cost:
        """All that is selected on a type; a field that several fragments name counts once, as it is read once."""
        return _total(self._field(on, nodes) for nodes in self.walker.grouped(on, sets).values())

    def _field(self, on: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Cost:
        name = nodes[0].name.value
        if name.startswith("__"):
            return NOTHING
        definition: GraphQLField = on.fields[name]
        source = self.walker.catalogue.sources.get((on.name, name))
        price = Cost(self._price(on, name, source, isinstance(get_named_type(definition.type), GraphQLObjectType)))
        sets = [node.selection_set for node in nodes if node.selection_set]
        if isinstance(source, Page | Ranking):
            return price + self._page(definition, nodes[0], sets)
        row = self._below(definition, sets)
        if isinstance(source, Whichever) and source.several:
            ids = self._arguments(definition, nodes[0])["ids"]
            return Cost(0, ((_count_of(ids), row + Cost(OBJECT)),))
        return price + row

    def _price(self, on: GraphQLObjectType, name: str, source: Source | None, is_object: bool) -> int:
        if on.name in self.walker.catalogue.pages:
            return COUNT if name == "totalCount" else 0
        if isinstance(source, Ranking | Tallied | Groups | Buckets) or (isinstance(source, Objects) and source.once):
            return COUNT
        is_root = on in (self.walker.schema.mutation_type, self.walker.schema.subscription_type)
        return (OBJECT if is_object or isinstance(source, Whichever) else 0) + (self.root_price if is_root else 0)

    def _page(self, definition: GraphQLField, node: FieldNode, sets: Sequence[SelectionSetNode]) -> Cost:
        connection: Any = get_named_type(definition.type)
        row, beside = NOTHING, NOTHING
        for nodes in self.walker.grouped(connection, sets).values():
            name = nodes[0].name.value
            if name in LISTS:
                inner = [one.selection_set for one in nodes if one.selection_set]
                row += Cost(OBJECT) + self._below(connection.fields[name], inner)
            else:
                beside += self._field(connection, nodes)
        if row == NOTHING:
            return beside
        given = self._arguments(definition, node)
        return beside + Cost(0, ((_page_size(given["first"], given["last"]), row),))

    def _below(self, definition: GraphQLField, sets: Sequence[SelectionSetNode]) -> Cost:
        named = get_named_type(definition.type)
        if isinstance(named, GraphQLObjectType):
            return self.fields(named, sets)
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            # Which type it is shows only in the answer, and what is selected for each is written for each.
            return _total(self.fields(one, sets) for one in self.walker.schema.get_possible_types(named))
        return NOTHING

    def _arguments(self, definition: GraphQLField, node: FieldNode) -> dict[str, Arg]:
        return arguments_of(definition, node, self.walker.values)


def _total(costs: Iterable[Cost]) -> Cost:
    return sum(costs, start=NOTHING)


def _page_size(first: Arg, last: Arg) -> Size:
    def size(values: Values) -> int:
        asked = first.bind(values)
        if asked is None:
            asked = last.bind(values)
        # A size that no page may have is refused by its own name where it is bound.
        return DEFAULT_PAGE if asked is None else min(max(asked, 1), MAX_PAGE)

    return size


def _count_of(ids: Arg) -> Size:
    return lambda values: min(len(ids.bind(values)), MAX_NODES)
