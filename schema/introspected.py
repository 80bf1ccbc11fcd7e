"""How much of the schema's own description an operation asks for: it is told by walking, so its lists multiply."""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_introspection_query,
    parse,
)

from app.errors import LimitExceeded

ROOTS = ("__schema", "__type")
SHARE = 1.25
"""How much more an operation may be told of than the whole description, for which GraphiQL and code generators ask."""
OBJECTS_OF_A_REQUEST = 1_000
"""Types, fields, arguments, values: so many take about as long to tell as a small request takes to answer."""


class Introspected:
    """Reckons for one schema, from the mean length of each list in its description."""

    def __init__(self, schema: GraphQLSchema) -> None:
        types = schema.type_map.values()
        objects = [len(one.fields) for one in types if isinstance(one, GraphQLObjectType)]
        arguments = [len(f.args) for one in types if isinstance(one, GraphQLObjectType) for f in one.fields.values()]
        inputs = [len(one.fields) for one in types if isinstance(one, GraphQLInputObjectType)]
        values = [len(one.values) for one in types if isinstance(one, GraphQLEnumType)]
        self._sizes = {
            "types": len(types),
            "directives": len(schema.directives),
            "fields": _mean(objects),
            "args": _mean(arguments),
            "inputFields": _mean(inputs),
            "enumValues": _mean(values),
        }
        whole = parse(get_introspection_query(input_value_deprecation=True))
        operation = next(one for one in whole.definitions if isinstance(one, OperationDefinitionNode))
        fragments = {one.name.value: one for one in whole.definitions if isinstance(one, FragmentDefinitionNode)}
        self._most = int(SHARE * self._told(operation, fragments))

    def objects(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
        """How many objects of the schema's description a valid operation is told of; `LimitExceeded` for too many."""
        found = self._told(operation, fragments)
        if found > self._most:
            raise LimitExceeded(
                f"An operation is told of about {self._most} parts of the schema at most, not {found}.",
                limit=str(self._most),
                actual=str(found),
            )
        return found

    def _told(self, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
        fields = _fields(operation.selection_set, fragments)
        return sum(self._below(node, fragments) for node in fields if node.name.value in ROOTS)

    def _below(self, node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
        size = self._sizes.get(node.name.value, 1)
        inner = [one for one in _fields(node.selection_set, fragments) if one.selection_set]
        return size * (1 + sum(self._below(one, fragments) for one in inner))


def _mean(sizes: list[int]) -> int:
    return -(-sum(sizes) // len(sizes)) if sizes else 1


def _fields(selections: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]) -> list[FieldNode]:
    found: list[FieldNode] = []
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            found.append(node)
        elif isinstance(node, FragmentSpreadNode):
            found += _fields(fragments[node.name.value].selection_set, fragments)
        else:
            found += _fields(node.selection_set, fragments)  # type: ignore[attr-defined] # an inline fragment is left
    return found
