"""The assembled schema: its types, its limits, its reads. The only assembly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import strawberry
from graphql import GraphQLEnumType, GraphQLError, get_operation_ast
from graphql.execution.values import get_variable_values
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.utils.aio import aclosing

from app.database import init_models
from app.models.crawl_job import CrawlJob as CrawlJobRow
from app.settings import settings
from schema.documents import Documents, KnownDocuments
from schema.limits import deadline
from schema.masking import told
from schema.mutations import Mutation
from schema.queries import Query
from schema.reading.assemble import assemble
from schema.reading.serve import Reads, connect
from schema.reading.write import VIEWER
from schema.subscriptions import Subscription
from schema.types.activity_log import ActivityLog
from schema.types.scalars import SCALARS

REFUSED = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


class CompiledReads(SchemaExtension):
    """Answers what is compiled before graphql-core runs, all of it where it can."""

    async def on_execute(self) -> AsyncIterator[None]:
        """Run a query's statement; all of the execution has one deadline."""
        execution = self.execution_context
        # Held here and by no hook of its own: where one hook fails on entering, Strawberry does not leave the others.
        async with deadline():
            if execution.operation_type is OperationType.QUERY:
                await self._read(execution)
            yield

    async def _read(self, execution: Any) -> None:
        schema: PixSchema = execution.schema
        context, reads = execution.context, schema.reads
        document = schema.documents.get(execution.query)
        operation: Any = get_operation_ast(document.node, execution.operation_name)
        coerced = get_variable_values(reads.schema, operation.variable_definitions or (), execution.variables or {})
        if isinstance(coerced, list):
            execution.result = ExecutionResult(data=None, errors=coerced)
            return
        values = {**coerced.coerced, VIEWER: context.viewer.id}
        plan = reads.plan(operation, document.fragments, values, context.viewer, walked=context.walked)
        if plan.whole and not context.walked:
            data: Any = await reads.passed(plan, values, context)
            execution.result = ExecutionResult(data=data, errors=None)
        else:
            execution.root_value = await reads.parsed(plan, values, context)


class PixSchema(strawberry.Schema):
    """Strawberry's schema with our reads, our documents, and errors that a client may see."""

    reads: Reads
    documents: Documents

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Log nothing here: what is worth a line is logged where it is masked."""

    async def execute(self, query: str | None, *args: Any, **more: Any) -> ExecutionResult:
        """Run a query or a mutation."""
        more.setdefault("allowed_operation_types", (OperationType.QUERY, OperationType.MUTATION))
        try:
            result = await super().execute(query, *args, **more)
        except REFUSED as error:
            result = PreExecutionError(data=None, errors=[GraphQLError(_reason(error))])
        result.errors = told(result.errors)
        return result

    async def stream(self, query: str | None, *args: Any, **more: Any) -> Any:
        """Run any operation; a subscription yields many results."""
        return self._told(await super().stream(query, *args, **more))

    async def _told(self, source: Any) -> AsyncIterator[Any]:
        first = True
        try:
            async with aclosing(source):
                async for result in source:
                    result.errors = told(result.errors)
                    # A subscription that cannot begin, of what is missing say, is refused rather than begun and ended.
                    yield PreExecutionError(None, result.errors) if first and result.data is None else result
                    first = False
        except GraphQLError as error:
            yield PreExecutionError(data=None, errors=told([error]))


def _reason(error: Exception) -> str:
    if isinstance(error, CannotGetOperationTypeError):
        return error.as_http_error_reason()
    if isinstance(error, InvalidOperationTypeError):
        return "Subscriptions run over a websocket."
    return "The request holds no operation."


def build_schema(
    *,
    mutation: type | None = None,
    subscription: type | None = None,
    introspection: bool | None = None,
    elide: bool = True,
) -> PixSchema:
    """Assemble the schema; `BadDeclaration` where a type promises what its table does not keep.

    `introspection` is the setting's unless told. Tests give other roots, and `elide` for `schema/reading/write.py`.
    """
    if "project_id" not in CrawlJobRow._meta.fields_map:
        init_models()
    schema = PixSchema(
        query=Query,
        mutation=mutation,
        subscription=subscription,
        types=[ActivityLog],
        extensions=[KnownDocuments, CompiledReads],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    core = schema._schema
    schema.reads = Reads(core, assemble(core), elide=elide)
    connect(schema.reads)
    for type_ in core.type_map.values():
        if isinstance(type_, GraphQLEnumType) and not type_.name.startswith("__"):
            _let_names_pass(type_)
    allowed = settings().introspection if introspection is None else introspection
    schema.documents = Documents(core, introspection=allowed)
    return schema


def _let_names_pass(type_: Any) -> None:
    """Enum values that were read are names already."""
    names, serialize = frozenset(type_.values), type_.coerce_output_value

    def output(value: Any) -> str:
        return value if type(value) is str and value in names else str(serialize(value))

    type_.serialize = type_.coerce_output_value = output


def sdl() -> str:
    """The schema in GraphQL's own language."""
    return str(schema.as_str()) + "\n"


schema = build_schema(mutation=Mutation, subscription=Subscription)
