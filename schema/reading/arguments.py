"""A field's arguments, apart from one request's values: what of them a statement's text depends on, and how each
request binds the rest.

Variables arrive coerced. The *shape* of a variable is what its value decides about the text: whether it is there,
which keys an input object has, and the values of booleans and of order enums. Two requests of equal shape share a plan.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeNode,
    Undefined,
    VariableNode,
    get_named_type,
    type_from_ast,
    value_from_ast,
)
from graphql.execution.values import get_variable_values
from graphql.language import Node as AstNode
from graphql.language import ValueNode

Values = Mapping[str, Any]
"""One request's variables, and what the reads add under names that no variable has."""
Bind = Callable[[Values], Any]

ORDER_ENUMS = ("OrderField", "OrderDirection")
ABSENT = 0
"""The shape of a variable that was not given."""
PLAIN: Mapping[str, type] = {"ID": str, "String": str, "Int": int, "Boolean": bool}
"""Scalars of GraphQL's own, and what of their values is taken as it comes; an Int has 32 bits."""
INT_LIMIT = 2**31


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument: `sample` decides the statement's text, `bind` gives each request's value."""

    sample: Any
    bind: Bind
    fixed: bool = False
    """Whether it is the operation's own, the same in each request."""

    def item(self, name: str) -> Arg:
        """The entry `name` of an input object."""
        outer = self.bind
        return Arg(self.sample[name], lambda values: outer(values)[name])


NOTHING = Arg(None, lambda _: None, fixed=True)


def constant(value: Any) -> Arg:
    """An argument that is written in the operation."""
    return Arg(value, lambda _: value, fixed=True)


def arguments_of(definition: GraphQLField, node: FieldNode, values: Values) -> dict[str, Arg]:
    """Every argument of a field, given or not."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    return {name: _argument(declared, given.get(name), values) for name, declared in definition.args.items()}


def _argument(declared: GraphQLArgument, written: ValueNode | None, values: Values) -> Arg:
    if isinstance(written, VariableNode):
        variable = written.name.value
        if variable in values:
            return Arg(values[variable], itemgetter(variable))
        written = None
    if written is None:
        return NOTHING if declared.default_value is Undefined else constant(declared.default_value)
    if _holds_variable(written):
        read = functools.partial(_literal, written, declared.type)
        return Arg(read(values), read)
    return constant(value_from_ast(written, declared.type))


def _literal(written: ValueNode, type_: Any, values: Values) -> Any:
    return value_from_ast(written, type_, dict(values))


def _holds_variable(node: AstNode) -> bool:
    if isinstance(node, VariableNode):
        return True
    fields = [field.value for field in getattr(node, "fields", None) or ()]
    return any(_holds_variable(inner) for inner in [*fields, *(getattr(node, "values", None) or ())])


def coerced(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any], max_errors: int
) -> dict[str, Any] | list[GraphQLError]:
    """One request's variables, coerced, or what is wrong with them."""
    values = _as_they_came(operation, given)
    if values is not None:
        return values
    found = get_variable_values(schema, operation.variable_definitions or (), dict(given), max_errors)
    return found if isinstance(found, list) else found.coerced


def _as_they_came(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The variables where each is given and plain, as most are: coercing takes longer than finding the plan."""
    found = {}
    for defined in operation.variable_definitions or ():
        name = defined.variable.name.value
        value: Any = given.get(name)
        kind = type(value)
        if kind is not PLAIN.get(_scalar(defined.type)) or (kind is int and not -INT_LIMIT <= value < INT_LIMIT):
            return None
        found[name] = value
    return found


def _scalar(type_: TypeNode) -> str:
    """The name of a variable's type; empty for a list."""
    if isinstance(type_, NonNullTypeNode):
        type_ = type_.type
    return str(type_.name.value) if isinstance(type_, NamedTypeNode) else ""


def as_plain(value: Any) -> Any:
    """A coerced input as the driver takes it: enums by value."""
    if isinstance(value, enum.Enum):
        return value.value
    return [as_plain(item) for item in value] if isinstance(value, list) else value


def shape_of(schema: GraphQLSchema, operation: OperationDefinitionNode, values: Values) -> tuple[Any, ...]:
    """What of an operation's variables its statement's text depends on."""
    found = []
    for defined in operation.variable_definitions or ():
        name = defined.variable.name.value
        if name not in values:
            found.append(ABSENT)
        elif _scalar(defined.type) in PLAIN:
            found.append(_plain_shape(values[name]))
        else:
            found.append(_shape(values[name], type_from_ast(schema, defined.type)))
    return tuple(found)


def _plain_shape(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else 1


def _shape(value: Any, type_: Any) -> Any:
    if value is None:
        return None
    if isinstance(type_, GraphQLNonNull):
        return _shape(value, type_.of_type)
    if isinstance(type_, GraphQLInputObjectType):
        return tuple((name, _shape(value[name], type_.fields[name].type)) for name in sorted(value))
    if isinstance(type_, GraphQLList):
        return _list_shape(value, type_)
    if isinstance(value, bool) or _is_order(type_):
        return as_plain(value)
    return 1


def _list_shape(value: list[Any], type_: GraphQLList[Any]) -> Any:
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType) or _is_order(named):
        return tuple(_shape(item, type_.of_type) for item in value)
    return 1


def _is_order(type_: Any) -> bool:
    return isinstance(type_, GraphQLEnumType) and type_.name.endswith(ORDER_ENUMS)
