"""Values of arguments as hypothesis draws them: of the type that the schema says, and mostly such as the rows hold.

They are written out or stand in variables, with and without defaults. One value in `ODD` is none that the API takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
)
from hypothesis import strategies as st

from tests.reading.holdings import Holdings

ODD = 60
"""One value in so many is none that the API takes."""
ODDITIES: dict[str, list[Any]] = {
    "Boolean": [True],
    "Int": [0, -1, 101, 2**31 - 1, -(2**31)],
    "BigInt": [0, -1, 2**53 - 1],
    "Float": [-1.0, 1e300, 0],
    "ID": ["", ":", "no", "Image:01", "Image:9223372036854775808", "Nothing:1", "Project:1000000000", 7],
    "DateTime": ["2026-01-01", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
    "String": ["", "%", "\\", "'", '"', "\u0000", "\U0001f600", "$1", "{t}", "a" * 300],
}

Draw = Callable[[st.SearchStrategy[Any]], Any]
Taken = GraphQLArgument | GraphQLInputField


class Word(str):
    """What is written without quotes: the name of an enum's value, or a variable."""

    __slots__ = ()


def written(value: Any) -> str:
    """A value as a document has it."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(written(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {written(one)}" for name, one in value.items()) + "}"
    return orjson.dumps(value).decode()


@dataclass
class Drawn:
    """What is drawn for one operation, and the variables that it has."""

    draw: Draw
    holdings: Holdings
    names: int = 0
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)

    def one_in(self, number: int) -> bool:
        return bool(self.draw(st.integers(1, number)) == number)

    def choose(self, among: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(among))

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def taken(self, taken: Taken, name: str, about: str = "") -> Any:
        """A value, written out or as a variable with or without a default."""
        type_ = taken.type
        if not self.one_in(3):
            return self.value(type_, name, about)
        value = self.value(type_, name, about, constant=True)
        if taken.default_value is not Undefined and isinstance(type_, GraphQLNonNull) and self.one_in(2):
            type_ = type_.of_type  # a place with a default takes a variable that may be absent
            return self.variable(str(type_), value, absent=self.draw(st.booleans()))
        return self.variable(str(type_), value, absent=not isinstance(type_, GraphQLNonNull) and self.one_in(4))

    def variable(self, type_name: str, value: Any, *, absent: bool = False) -> Word:
        name = self.name("v")
        default = f" = {written(value)}" if value is not None and self.one_in(4) else ""
        self.declared.append(f"${name}: {type_name}{default}")
        if not absent and not (default and self.draw(st.booleans())):
            self.variables[name] = _plain(value)
        return Word(f"${name}")

    def value(self, type_: Any, name: str, about: str = "", *, constant: bool = False) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self.present(type_.of_type, name, about, constant)
        return None if self.one_in(8) else self.present(type_, name, about, constant)

    def present(self, type_: Any, name: str, about: str, constant: bool) -> Any:
        if isinstance(type_, GraphQLList):
            if self.one_in(6):
                return self.value(type_.of_type, name, about, constant=True)  # one value stands for a list of it
            return [self.item(type_.of_type, name, about, constant) for _ in range(self.draw(st.integers(0, 3)))]
        if isinstance(type_, GraphQLInputObjectType):
            return self.object(type_, about, constant)
        if isinstance(type_, GraphQLEnumType):
            return Word(self.choose(list(type_.values)))
        return self.choose(ODDITIES[type_.name]) if self.one_in(ODD) else self.scalar(type_.name, name, about)

    def item(self, type_: Any, name: str, about: str, constant: bool) -> Any:
        value = self.value(type_, name, about, constant=True)
        return value if constant or not self.one_in(6) else self.variable(str(type_), value)

    def object(self, type_: GraphQLInputObjectType, about: str, constant: bool) -> dict[str, Any]:
        names = [name for name, one in type_.fields.items() if required(one)]
        others = [name for name in type_.fields if name not in names]
        if others:
            names += self.draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
        take = (lambda one, name: self.value(one.type, name, about, constant=True)) if constant else self.taken
        return {name: take(type_.fields[name], name) for name in names}

    def scalar(self, type_name: str, name: str, about: str) -> Any:
        holdings = self.holdings
        match type_name:
            case "Boolean":
                return self.draw(st.booleans())
            case "Int" | "BigInt":
                held = holdings.values.get(name) and holdings.like(name, int)
                return self.choose(held) if held and self.draw(st.booleans()) else self.draw(st.integers(1, 5))
            case "Float":
                return self.choose(holdings.like(name, (int, float)))
            case "ID":
                return self.choose(holdings.ids.get(about) or [one for some in holdings.ids.values() for one in some])
            case "DateTime":
                return self.choose(holdings.moments())
        return self.choose(holdings.like(name, str))


def required(taken: Taken) -> bool:
    return isinstance(taken.type, GraphQLNonNull) and taken.default_value is Undefined


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return str(value) if isinstance(value, Word) else value
