"""Bare limits of an operation: what it may cost to look at, and how long it may run.

They are looked at before validation, whose price grows with the square of repeated fields. Links and lists below each
other, the size of the statement and of pages are limited where they are compiled, in `schema/reading/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from app.errors import LimitExceeded
from app.settings import settings

MAX_DEPTH = 25
MAX_ALIASES = 30
MAX_FIELDS = 500
"""Fields of an operation, those of its fragments counted wherever they are spread."""
MAX_FIELDS_IN_ALL = 2_000
"""Fields of all operations and fragments of a document, each counted by itself like an operation."""
MAX_PAIRS = 2_000
"""Pairs of fields with one name in the answer: validation compares each with each."""
MAX_DEFINITIONS = 100
"""Operations and fragments of a document: validation compares fragments in pairs."""
MAX_MUTATIONS = 10
"""Mutations of an operation, those of its fragments and aliases too."""
MAX_DIRECTIVES = 4
"""Directives in one place: there are two that it may hold, and validation has a word on each."""
MAX_NESTING = 100
"""Brackets inside each other: fields, arguments and the values in them."""
MAX_TOKENS = 2_000
"""Words and signs of a document, each of which takes a hundredth of a millisecond to read: lists go into variables."""
MAX_TEXT = 2**16
"""Characters of a document, where a long comment or string is read one by one; and of one text in the variables."""
MAX_ITEMS = 21_000
"""Items of all lists in the variables: the 20,000 URLs that a request may hold, and what is beside them."""
MAX_MEMBERS = 1_000
"""Members of one object in the variables, and variables of one request."""
MAX_BODY = 2**20
"""Bytes of a request."""
MAX_QUERY_STRING = 2**14
"""Bytes of the query string of a GET."""


@dataclass(slots=True)
class Extent:
    """What a selection holds, with its fragments."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    top: int = 0
    """Fields that lie in no other field."""
    directives: int = 0
    """Directives of the field or fragment that has most."""

    def add(self, other: Extent, *, below: int = 0) -> None:
        """Take in what lies inside, `below` levels deeper."""
        self.depth = max(self.depth, other.depth + below)
        self.aliases += other.aliases
        self.fields += other.fields
        self.top += 0 if below else other.top
        self.directives = max(self.directives, other.directives)


@dataclass(slots=True)
class Ruler:
    """Measures the operations of a document; each fragment once."""

    fragments: Mapping[str, FragmentDefinitionNode]
    known: dict[str, Extent] = field(default_factory=dict)
    ends: bool = True
    """No fragment is within itself."""
    _open: set[str] = field(default_factory=set)

    def measure(self, selections: SelectionSetNode | None) -> Extent:
        """The extent of a selection set."""
        found = Extent()
        for node in selections.selections if selections else ():
            found.directives = max(found.directives, len(node.directives or ()))
            if isinstance(node, FieldNode):
                found.add(Extent(1, int(node.alias is not None), 1, 1))
                found.add(self.measure(node.selection_set), below=1)
            elif isinstance(node, FragmentSpreadNode):
                found.add(self._fragment(node.name.value))
            else:
                found.add(self.measure(node.selection_set))  # type: ignore[attr-defined] # an inline fragment is left
        return found

    def _fragment(self, name: str) -> Extent:
        if name in self._open:
            self.ends = False
        if name not in self.known:
            # A fragment within itself counts as empty here; validation refuses it.
            self.known[name] = Extent()
            if name in self.fragments:
                self._open.add(name)
                self.known[name] = self.measure(self.fragments[name].selection_set)
                self._open.remove(name)
        return self.known[name]

    def pairs(self, sets: Sequence[SelectionSetNode]) -> int:
        """Fields that meet under one name in the answer, in pairs, of selection sets that meet; fragments must end."""
        named: dict[str, list[FieldNode]] = {}
        for one in sets:
            self._collect(one, named, set())
        below = [[node.selection_set for node in nodes if node.selection_set] for nodes in named.values()]
        here = sum(len(nodes) * (len(nodes) - 1) // 2 for nodes in named.values())
        return here + sum(self.pairs(inner) for inner in below if inner)

    def _collect(self, selections: SelectionSetNode, into: dict[str, list[FieldNode]], spread: set[str]) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                into.setdefault((node.alias or node.name).value, []).append(node)
            elif not isinstance(node, FragmentSpreadNode):
                self._collect(node.selection_set, into, spread)  # type: ignore[attr-defined] # an inline fragment
            elif node.name.value in self.fragments and node.name.value not in spread:
                spread.add(node.name.value)
                self._collect(self.fragments[node.name.value].selection_set, into, spread)


def check(document: DocumentNode) -> bool:
    """Whether no fragment is within itself; `LimitExceeded` for a document of which any part is too large."""
    _within("operations and fragments", len(document.definitions), MAX_DEFINITIONS)
    ruler = Ruler({one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)})
    held = [one for one in document.definitions if isinstance(one, OperationDefinitionNode | FragmentDefinitionNode)]
    fields = sum(_checked(ruler, definition) for definition in held)
    _within("fields in all its operations and fragments", fields, MAX_FIELDS_IN_ALL)
    if ruler.ends:
        pairs = sum(ruler.pairs([definition.selection_set]) for definition in held)
        _within("pairs of fields with the same name in the answer", pairs, MAX_PAIRS)
    return ruler.ends


def _checked(ruler: Ruler, definition: OperationDefinitionNode | FragmentDefinitionNode) -> int:
    """The fields of an operation or a fragment that is small enough."""
    extent = ruler.measure(definition.selection_set)
    _within("levels of fields", extent.depth, MAX_DEPTH)
    _within("aliases", extent.aliases, MAX_ALIASES)
    _within("fields", extent.fields, MAX_FIELDS)
    _within("directives in one place", max(extent.directives, len(definition.directives or ())), MAX_DIRECTIVES)
    if _is_mutation(definition):
        _within("mutations", extent.top, MAX_MUTATIONS)
    return extent.fields


def _is_mutation(definition: OperationDefinitionNode | FragmentDefinitionNode) -> bool:
    return isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.MUTATION


def check_cost(cost: int) -> None:
    """`LimitExceeded` for an operation that costs more than PIXCRAWLER_MAX_COST."""
    limit = settings().max_cost
    if cost > limit:
        raise LimitExceeded(
            f"This operation costs {cost} points, and one may cost {limit}: ask for smaller pages, or in parts.",
            limit=str(limit),
            actual=str(cost),
        )


def _within(what: str, actual: int, limit: int) -> None:
    if actual > limit:
        raise LimitExceeded(
            f"A request has at most {limit} {what}, not {actual}.", limit=str(limit), actual=str(actual)
        )


def deadline() -> asyncio.Timeout:
    """The time that a query or a mutation may take, and a subscription's start likewise."""
    return asyncio.timeout(settings().operation_timeout_s)
