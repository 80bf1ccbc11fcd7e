"""From an operation's syntax tree to a tree of selected fields: fragments, directives, arguments, levels.

Knows GraphQL and the declared sources of fields; knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from graphql.language import DirectiveNode

from app.errors import Invalid, LimitExceeded
from schema.reading.arguments import Arg, Values, arguments_of
from schema.reading.catalogue import Catalogue, Page, Ranking, Single, Source, Tallied, Whichever

MAX_LEVELS = 12
"""Links and lists below each other: the statement's planning time grows with them."""
MAX_KEY = 63
"""Characters of a response key: PostgreSQL silently cuts longer column names, and two would become one."""


class NotCompiled(Exception):
    """The selection holds a field that only graphql-core can answer."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A field under its response key, with what is selected below it for each type that it may be of."""

    key: str
    name: str
    path: tuple[str, ...]
    """Response keys from the root, this one included: what an error names."""
    type_name: str
    required: bool
    source: Source | None
    args: Mapping[str, Arg]
    on: Mapping[str, tuple[Selected, ...]]

    @property
    def below(self) -> tuple[Selected, ...]:
        """The selection of a field that is of one object type."""
        (fields,) = self.on.values()
        return fields

    @property
    def abstract(self) -> bool:
        """Whether the row's type shows only in the answer."""
        return isinstance(self.source, Whichever)


@dataclass(slots=True)
class Place:
    """Where a walk is: response keys from the root, and links and lists so far."""

    path: tuple[str, ...] = ()
    levels: int = 0


@dataclass(slots=True)
class Walker:
    """Walks one operation."""

    schema: GraphQLSchema
    catalogue: Catalogue
    fragments: Mapping[str, FragmentDefinitionNode]
    values: Values
    root: Place = field(default_factory=Place)

    def grouped(self, on: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of some selection sets that hold on a type, by response key."""
        found: dict[str, list[FieldNode]] = {}
        for selections in sets:
            self._collect(on, selections, found)
        return found

    def fields(self, on: GraphQLObjectType, sets: Iterable[SelectionSetNode], at: Place) -> tuple[Selected, ...]:
        """What is selected on a type."""
        return tuple(self.selected(on, nodes, at) for nodes in self.grouped(on, sets).values())

    def selected(self, on: GraphQLObjectType, nodes: Sequence[FieldNode], at: Place) -> Selected:
        """One field; `nodes` are its occurrences under one response key, whose selections are merged."""
        first = nodes[0]
        name = first.name.value
        key = checked_key((first.alias or first.name).value, name)
        path = (*at.path, key)
        if name == "__typename":
            return Selected(key, name, path, "String", True, None, {}, {})
        source = self.catalogue.sources.get((on.name, name))
        if source is None and (name.startswith("__") or not self.catalogue.reads_type(on.name)):
            raise NotCompiled(name)
        definition = on.fields[name]
        below = self._below(definition.type, nodes, self._next(path, at, source))
        named = get_named_type(definition.type)
        required = str(definition.type).endswith("!")
        args = arguments_of(definition, first, self.values)
        return Selected(key, name, path, named.name, required, source, args, below)

    def _next(self, path: tuple[str, ...], at: Place, source: Source | None) -> Place:
        levels = at.levels + isinstance(source, Single | Page | Ranking | Tallied | Whichever)
        if levels > MAX_LEVELS:
            raise LimitExceeded(
                f"An operation follows at most {MAX_LEVELS} links and lists below each other.",
                path=path,
                limit=str(MAX_LEVELS),
                actual=str(levels),
            )
        return Place(path, levels)

    def _below(self, type_: Any, nodes: Sequence[FieldNode], at: Place) -> dict[str, tuple[Selected, ...]]:
        named = get_named_type(type_)
        sets = [node.selection_set for node in nodes if node.selection_set]
        if isinstance(named, GraphQLObjectType):
            return {named.name: self.fields(named, sets, at)}
        if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
            possible = self.schema.get_possible_types(named)
            return {one.name: self.fields(one, sets, at) for one in possible}
        return {}

    def _collect(self, on: GraphQLObjectType, selections: SelectionSetNode, into: dict[str, list[FieldNode]]) -> None:
        for node in selections.selections:
            if not all(self._holds(directive) for directive in node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                into.setdefault((node.alias or node.name).value, []).append(node)
                continue
            part: Any = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if part.type_condition is None or self._is(on, part.type_condition.name.value):
                self._collect(on, part.selection_set, into)

    def _is(self, on: GraphQLObjectType, name: str) -> bool:
        type_ = self.schema.type_map[name]
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return self.schema.is_sub_type(type_, on)
        return type_ is on

    def _holds(self, directive: DirectiveNode) -> bool:
        name = directive.name.value
        if name not in ("skip", "include"):
            return True
        (condition,) = directive.arguments or ()
        written: Any = condition.value
        value = self.values.get(written.name.value) if isinstance(written, VariableNode) else written.value
        if not isinstance(value, bool):
            raise Invalid(f"@{name} takes true or false.")
        return value == (name == "include")


def checked_key(key: str, name: str) -> str:
    """The response key, unless the answer could not carry it."""
    if len(key) > MAX_KEY:
        raise LimitExceeded(
            f"Names in an answer have at most {MAX_KEY} characters.", limit=str(MAX_KEY), actual=str(len(key))
        )
    if key.startswith("__") and key != name:
        raise Invalid("An alias does not begin with two underscores.")
    return key
