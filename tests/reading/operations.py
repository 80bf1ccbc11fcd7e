"""Operations as a hypothesis strategy, made of the schema: a new field, argument, filter or type is asked for unasked.

Selections, aliases, arguments, fragments and directives are drawn from the schema's types; values are those that the
rows hold (`drawn.py`), written out or as variables. Most operations are valid.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
)
from hypothesis import strategies as st

from schema.root import schema
from tests.reading.drawn import ODD, Draw, Drawn, Word, required, written
from tests.reading.holdings import Holdings

CORE = schema._schema
QUERY: Any = CORE.query_type
NODE: Any = CORE.type_map["Node"]
OUTSIDE = ("sourcePreview",)
"""Fields that ask other services, and read no row."""
ROWS = ("nodes", "edges", "node")
ROOTS = [name for name in QUERY.fields if name not in OUTSIDE]
LEVELS = 5
"""Objects below each other, where a connection with its edges and nodes is one."""
MAX_ALIASES = 24
STEMS = ("x", "r", "t", "k", "place", "doc", "q", "select", "A")
"""How aliases begin: as the statement's own names do, too."""
PAGES = {"first", "last", "after", "before"}


@dataclass(frozen=True)
class Operation:
    """An operation with what its variables hold."""

    text: str
    variables: dict[str, Any]
    cursors: dict[str, tuple[str, int]]
    """For a variable that takes a cursor: the response key of the list's edges, and which of those cursors."""

    def following(self, data: Any) -> dict[str, Any]:
        """The variables, with cursors that an answer without any gave."""
        found = dict(self.variables)
        for name, (key, number) in self.cursors.items():
            given = [edge["cursor"] for edges in _under(data, key) for edge in edges]
            if given:
                found[name] = given[number % len(given)]
        return found


def _under(data: Any, key: str) -> list[Any]:
    if isinstance(data, list):
        return [found for one in data for found in _under(one, key)]
    if not isinstance(data, dict):
        return []
    return [data[key]] if key in data else [found for one in data.values() for found in _under(one, key)]


def _ambiguous() -> frozenset[str]:
    """Names of fields that two rows of `Node` have of different types: in one selection they need aliases."""
    found: dict[str, set[str]] = defaultdict(set)
    for type_ in CORE.get_possible_types(NODE):
        for name, made in type_.fields.items():
            found[name].add(str(made.type))
    return frozenset(name for name, types in found.items() if len(types) > 1)


AMBIGUOUS = _ambiguous()


@st.composite
def operations(draw: Draw, holdings: Holdings, root: str) -> Operation:
    """Queries that have the field `root`, and often others."""
    return _Maker(draw, holdings).operation(root)


@dataclass
class _Maker(Drawn):
    aliases: int = 0
    cursors: dict[str, tuple[str, int]] = field(default_factory=dict)
    fragments: list[tuple[str, str, bool, int]] = field(default_factory=list)
    """Those made so far: name, type, whether it fits a selection of several types, aliases."""
    definitions: list[str] = field(default_factory=list)

    def operation(self, root: str) -> Operation:
        first = self.field(root, QUERY.fields[root], LEVELS, merged=False)
        others = [self.part(QUERY, LEVELS, merged=False) for _ in range(self.draw(st.integers(0, 2)))]
        body = "{ " + " ".join([first, *others]) + " }"
        head = f"query({', '.join(self.declared)}) " if self.declared else ""
        return Operation(f"{head}{body} {' '.join(self.definitions)}".strip(), self.variables, self.cursors)

    # Selections

    def selection(self, on: Any, levels: int, *, merged: bool = False) -> str:
        """A selection set; `merged`: its fields stand beside those of other types."""
        parts = [self.part(on, levels, merged=merged) for _ in range(self.draw(st.integers(1, 4)))]
        if "id" in on.fields and self.one_in(2):
            parts.append("id")  # tells whose row it is
        return "{ " + " ".join(parts) + " }"

    def part(self, on: Any, levels: int, *, merged: bool) -> str:
        kind = self.draw(st.integers(0, 11))
        if isinstance(on, GraphQLInterfaceType):
            return self.inline(on, levels) if kind > 2 else self.any_field(on, levels, merged=True)
        if kind == 11:
            return f"__typename {self.directives()}"
        if kind == 10:
            return self.spread(on, levels, merged)
        if kind == 9:
            return self.inline(on, levels, merged=merged)
        return self.any_field(on, levels, merged=merged)

    def inline(self, on: Any, levels: int, *, merged: bool = True) -> str:
        if isinstance(on, GraphQLInterfaceType):
            inside = self.choose([*CORE.get_possible_types(on), on])
            levels -= inside is on
        else:
            inside = self.choose([on, NODE]) if NODE in on.interfaces and levels else on
        if inside is on and self.one_in(2):
            return (
                f"... {self.directives()} {self.selection(on, levels - 1, merged=merged)}"
                if levels > 0
                else "__typename"
            )
        return f"... on {inside.name} {self.directives()} {self.selection(inside, levels - 1, merged=merged)}"

    def spread(self, on: Any, levels: int, merged: bool) -> str:
        """A fragment that there is, or a new one; those who spread it again have its aliases again."""
        fitting = [one for one in self.fragments if one[1] == on.name and (one[2] or not merged)]
        fitting = [one for one in fitting if self.aliases + one[3] <= MAX_ALIASES]
        if fitting and self.one_in(2):
            name, _, _, more = self.choose(fitting)
            self.aliases += more
        else:
            before, name = self.aliases, self.name("F")
            self.definitions.append(f"fragment {name} on {on.name} {self.selection(on, levels - 1, merged=merged)}")
            self.fragments.append((name, on.name, merged, self.aliases - before))
        return f"...{name} {self.directives()}"

    def any_field(self, on: Any, levels: int, *, merged: bool) -> str:
        """A field: an object in every other case, while there are levels left; of a list mostly its rows."""
        objects = [name for name, made in on.fields.items() if _is_object(made) and name not in OUTSIDE]
        leaves = [name for name, made in on.fields.items() if not _is_object(made)]
        if levels <= 0:
            objects = []
        often = 4 if {*ROWS} & {*objects} else 2
        # What is simplest comes first: hypothesis looks for the least operation that shows a fault.
        chosen = objects if objects and (not leaves or self.draw(st.integers(1, often)) > 1) else leaves
        if not chosen:
            return "__typename"
        name = self.choose(chosen)
        return self.field(name, on.fields[name], levels, merged=merged)

    def field(self, name: str, made: GraphQLField, levels: int, *, merged: bool) -> str:
        needed = bool(made.args) or (merged and name in AMBIGUOUS)
        alias = ""
        if needed or self.one_in(5):
            # One more for the edges of a list that goes on after a cursor.
            if self.aliases + 2 > MAX_ALIASES:
                return "__typename" if needed else self.bare(name, made, levels)
            self.aliases += 1
            alias = self.name(self.choose(STEMS)) + ": "
        return alias + self.bare(name, made, levels)

    def bare(self, name: str, made: GraphQLField, levels: int) -> str:
        named: Any = get_named_type(made.type)
        arguments, inside = self.arguments(made)
        text = f"{name}{arguments} {self.directives()}"
        if not _is_object(made):
            return text
        levels -= named.name not in schema.reads.catalogue.pages
        body = self.selection(named, levels, merged=named is NODE)
        return f"{text} {{ {inside} {body[1:]}" if inside else f"{text} {body}"

    def directives(self) -> str:
        found = []
        for name, usual in (("include", True), ("skip", False)):
            if self.one_in(8):
                given = self.choose([usual, usual, not usual])
                value = self.variable("Boolean!", given) if self.draw(st.booleans()) else given
                found.append(f"@{name}(if: {written(value)})")
        return " ".join(found)

    # Arguments

    def arguments(self, made: GraphQLField) -> tuple[str, str]:
        """A field's arguments in parentheses, and what is selected besides for their sake."""
        given: dict[str, Any] = {}
        inside, pages = "", made.args.keys() & PAGES
        if pages >= PAGES:
            given, inside = self.window(made)
        for name, argument in made.args.items():
            if (pages < PAGES or name not in PAGES) and (required(argument) or self.draw(st.booleans())):
                given[name] = self.taken(argument, name, get_named_type(made.type).name)
        parts = [f"{name}: {written(value)}" for name, value in given.items()]
        return (f"({', '.join(parts)})" if parts else ""), inside

    def window(self, made: GraphQLField) -> tuple[dict[str, Any], str]:
        """Which part of a list: its size, and in every other case the cursor where it begins."""
        if self.one_in(ODD):
            return {name: self.taken(made.args[name], name) for name in sorted(PAGES)}, ""
        size, cursor = self.choose([("first", "after"), ("last", "before")])
        given: dict[str, Any] = {}
        if self.draw(st.booleans()):
            given[size] = self.taken(made.args[size], size)
        if not self.one_in(3):
            return given, ""
        variable, key = self.name("v"), self.name("cursors")
        self.declared.append(f"${variable}: String")
        self.cursors[variable] = (key, self.draw(st.integers(0, 9)))
        self.aliases += 1
        return given | {cursor: Word(f"${variable}")}, f"{key}: edges {{ cursor }}"


def _is_object(made: GraphQLField) -> bool:
    return isinstance(get_named_type(made.type), GraphQLObjectType | GraphQLInterfaceType)
