"""Answering reads: an operation's plan, the statement's run, and the three ways out.

Pass-through hands PostgreSQL's text to the client. Patch parses what holds derived fields, puts their values in and
encodes. Where graphql-core has to take part (payloads of mutations, introspection, plain resolvers) it walks the parsed
values by response key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    ListTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeNode,
)
from graphql.execution.values import get_variable_values

from app.database import acquire
from app.errors import NotFound
from app.values import Viewer
from schema.reading.arguments import Values, shape_of
from schema.reading.catalogue import Catalogue, Single
from schema.reading.cost import cost_of
from schema.reading.declare import Ref
from schema.reading.patch import apply
from schema.reading.plans import Plan, Plans, plan_of
from schema.reading.shared import Shared
from schema.reading.walk import NotCompiled, Walker
from schema.reading.write import REF, VIEWER, Writer

SMALL = ("Int", "Boolean")

Fragments = Mapping[str, FragmentDefinitionNode]


class Reads:
    """The compiled reads of one schema."""

    def __init__(self, schema: GraphQLSchema, catalogue: Catalogue, *, elide: bool = True) -> None:
        self.schema = schema
        self.catalogue = catalogue
        self.elide = elide
        self.plans = Plans()
        self.shared = Shared()
        self.statements = 0
        """Statements run so far."""

    def plan(
        self,
        operation: OperationDefinitionNode,
        fragments: Fragments,
        values: Values,
        viewer: Viewer,
        *,
        walked: bool = False,
    ) -> Plan:
        """The plan of a query; `walked` asks for values that graphql-core can walk."""
        key = (viewer.everything, walked, shape_of(self.schema, operation, values))
        return self.plans.get(
            operation, key, lambda: self._compile(operation, fragments, values, viewer, walked=walked)
        )

    def _compile(
        self, operation: OperationDefinitionNode, fragments: Fragments, values: Values, viewer: Viewer, *, walked: bool
    ) -> Plan:
        walker = Walker(self.schema, self.catalogue, fragments, values)
        query: Any = self.schema.query_type
        found, whole = [], True
        for nodes in walker.grouped(query, [operation.selection_set]).values():
            try:
                found.append(walker.selected(query, nodes, walker.root))
            except NotCompiled:
                whole = False
        writer = self._writer(viewer, named_types=walked or not whole)
        return plan_of(writer, found, whole=whole, cost=cost_of(walker, operation))

    def cost(self, operation: OperationDefinitionNode, fragments: Fragments, variables: Values) -> int:
        """The points of a mutation or a subscription, of which graphql-core coerces the variables later."""
        # Of an operation's variables the cost depends on numbers and booleans; what else there is may be large.
        small = [one for one in operation.variable_definitions or () if _named(one.type) in SMALL]
        coerced = get_variable_values(self.schema, small, dict(variables))
        if isinstance(coerced, list):
            return 0  # the operation is refused for them
        values: Values = coerced.coerced
        return cost_of(Walker(self.schema, self.catalogue, fragments, values), operation).of(values)

    def _writer(self, viewer: Viewer, *, named_types: bool) -> Writer:
        return Writer(viewer.everything, named_types, self.elide)

    async def texts(self, plan: Plan, values: Values) -> list[str | None]:
        """The JSON text of each root field; None for null."""
        if not plan.sql:
            return []
        parameters = plan.parameters(values)
        async with acquire() as connection:
            self.statements += 1
            row = await connection.fetchrow(plan.sql, *parameters)
        return list(row)

    async def passed(self, plan: Plan, values: Values, context: Any) -> orjson.Fragment:
        """The answer's `data` as text; only what holds derived fields is parsed."""
        parts = []
        texts = await self.texts(plan, values)
        for key, text, patch, required in zip(plan.keys, texts, plan.patches, plan.required, strict=True):
            _check(text, required)
            written: str | bytes = text or "null"
            if patch is not None and text is not None:
                value = orjson.loads(text)
                apply(patch, value, context)
                written = orjson.dumps(value)
            parts.append(f'"{key}":'.encode() + (written.encode() if isinstance(written, str) else written))
        return orjson.Fragment(b"{" + b",".join(parts) + b"}")

    async def parsed(self, plan: Plan, values: Values, context: Any) -> dict[str, Any]:
        """The values of the root fields by response key."""
        found = {}
        texts = await self.texts(plan, values)
        for key, text, patch, required in zip(plan.keys, texts, plan.patches, plan.required, strict=True):
            _check(text, required)
            found[key] = value = None if text is None else orjson.loads(text)
            if patch is not None:
                apply(patch, value, context)
        return found

    async def resolve_ref(self, source: Any, info: GraphQLResolveInfo[Any]) -> Any:
        """The row that a resolver named, as selected, if the viewer sees it; the resolver of fields made by `one()`."""
        ref: Ref | None = getattr(source, _python_name(info))
        if ref is None:
            return None
        context = info.context
        viewer: Viewer = context.viewer
        given: Any = info.variable_values
        plan = self._ref_plan(info, viewer, given)
        values = {**given, VIEWER: viewer.id, REF: ref}
        if ref.version is None:
            return (await self.parsed(plan, values, context))[plan.keys[0]]
        key = (plan.sql, ref.version, *plan.parameters(values))
        found = await self.shared.get(key, lambda: self.parsed(plan, values, context))
        return found[plan.keys[0]]

    def _ref_plan(self, info: GraphQLResolveInfo[Any], viewer: Viewer, values: Values) -> Plan:
        nodes = info.field_nodes
        shape = shape_of(self.schema, info.operation, values)
        key = (tuple(id(node) for node in nodes), viewer.everything, True, shape)

        def make() -> Plan:
            walker = Walker(self.schema, self.catalogue, info.fragments, values)
            selected = walker.selected(info.parent_type, nodes, walker.root)
            return plan_of(self._writer(viewer, named_types=True), [selected], whole=False)

        return self.plans.get(info.operation, key, make)


def _named(type_: TypeNode) -> str:
    """The name of the type of a variable."""
    while isinstance(type_, ListTypeNode | NonNullTypeNode):
        type_ = type_.type
    return str(type_.name.value)  # type: ignore[attr-defined] # a named type is left


def _check(text: str | None, required: bool) -> None:
    if required and text is None:
        raise NotFound("This is no longer there.")


def _python_name(info: GraphQLResolveInfo[Any]) -> str:
    made: Any = info.parent_type.fields[info.field_name]
    return str(made.extensions["strawberry-definition"].python_name)


def by_key(source: Any, info: GraphQLResolveInfo[Any], **_: Any) -> Any:
    """A compiled field's value: it lies under its response key."""
    return source[info.path.key]


def _type_by_name(row: Any, *_: Any) -> str:
    return str(row["__typename"])


def connect(reads: Reads) -> None:
    """Have graphql-core take compiled fields from what was read, wherever it takes part."""
    schema, catalogue = reads.schema, reads.catalogue
    query: Any = schema.query_type
    for (type_name, field_name), source in catalogue.sources.items():
        made: Any = schema.type_map[type_name]
        compiled = catalogue.reads_type(type_name) or type_name == query.name
        resolve = by_key if compiled else reads.resolve_ref
        if not compiled and not isinstance(source, Single):
            raise TypeError(f"{type_name}.{field_name}: only rows can be named by a resolver")
        made.fields[field_name].resolve = resolve
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLObjectType) and catalogue.reads_type(name):
            type_.is_type_of = None
            for field in type_.fields.values():
                field.resolve = by_key
        elif name == "Node":
            type_.resolve_type = _type_by_name  # type: ignore[attr-defined] # the Node interface
