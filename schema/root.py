"""The assembled schema: its types, its limits, its reads. The only assembly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLObjectType,
    get_named_type,
    get_operation_ast,
)
from strawberry.exceptions import MissingQueryError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.utils.aio import aclosing

from app.database import init_models
from app.models.crawl_job import CrawlJob as CrawlJobRow
from app.settings import settings
from schema.documents import Document, Documents
from schema.events import Asked, Events, Executor
from schema.execution import Execution, straight
from schema.masking import told
from schema.mutations import Mutation
from schema.queries import Query
from schema.reading.assemble import assemble
from schema.reading.serve import Reads, connect
from schema.subscriptions import Subscription
from schema.types.activity_log import ActivityLog
from schema.types.scalars import SCALARS

ID_ARGUMENT = "The global id of the row that is meant."
SUGGESTION = " Did you mean"
REFUSED = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


class PixSchema(strawberry.Schema):
    """Strawberry's schema with our reads, our documents, and errors that a client may see."""

    reads: Reads
    documents: Documents
    events: Events
    introspection: bool
    """Whether the schema may be asked for its types; if not, errors suggest no names either."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Log nothing here: what is worth a line is logged where it is masked."""

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        *args: Any,
        **more: Any,
    ) -> ExecutionResult:
        """Run a query or a mutation."""
        document = self.documents.known(query or "")
        if document is not None and document.unread is None:
            found = await straight(self.reads, document, variable_values, context_value, more.get("operation_name"))
            if found is not None:
                found.errors = self._spoken(found.errors)
                return found
        more.setdefault("allowed_operation_types", (OperationType.QUERY, OperationType.MUTATION))
        try:
            result = await super().execute(query, variable_values, context_value, *args, **more)
        except REFUSED as error:
            result = PreExecutionError(data=None, errors=[GraphQLError(_reason(error))])
        result.errors = self._spoken(result.errors)
        return result

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        *args: Any,
        **more: Any,
    ) -> Any:
        """Run any operation; a subscription yields many results."""
        name: str | None = more.get("operation_name")
        document = self._subscription(query, name)
        if query is not None and document is not None:
            return self.events.follow(Asked(query, document, variable_values, name, context_value))
        return self._told(await super().stream(query, variable_values, context_value, *args, **more))

    def _subscription(self, query: str | None, name: str | None) -> Document | None:
        """The document of a subscription that may begin; None for all else, which Strawberry answers or refuses."""
        try:
            document = self.documents.get(query or "")
        except GraphQLError:
            return None
        operation = get_operation_ast(document.node, name)
        is_one = operation is not None and operation.operation.value == "subscription"
        return document if is_one and not document.errors else None

    async def _told(self, source: Any) -> AsyncIterator[Any]:
        try:
            async with aclosing(source):
                async for result in source:
                    result.errors = self._spoken(result.errors)
                    yield PreExecutionError(None, result.errors) if result.data is None else result
        except GraphQLError as error:
            yield PreExecutionError(data=None, errors=self._spoken([error]))

    def _spoken(self, errors: list[GraphQLError] | None) -> list[GraphQLError] | None:
        found = told(errors)
        if found and not self.introspection:
            for error in found:
                error.message = error.message.partition(SUGGESTION)[0]
        return found


def _reason(error: Exception) -> str:
    if isinstance(error, CannotGetOperationTypeError):
        return error.as_http_error_reason()
    if isinstance(error, InvalidOperationTypeError):
        return "Subscriptions run over a websocket, or as server-sent events: `Accept: text/event-stream`."
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
        extensions=[Execution],
        execution_context_class=Executor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    core = schema._schema
    schema.reads = Reads(core, assemble(core), elide=elide)
    connect(schema.reads)
    for type_ in core.type_map.values():
        if isinstance(type_, GraphQLEnumType) and not type_.name.startswith("__"):
            _let_names_pass(type_)
    for root in (core.mutation_type, core.subscription_type):
        if root is not None:
            _describe_arguments(root)
    allowed = settings().introspection if introspection is None else introspection
    schema.introspection = allowed
    schema.documents = Documents(core, schema.reads, introspection=allowed)
    schema.events = Events(core, schema.reads, schema._spoken)
    return schema


def _let_names_pass(type_: Any) -> None:
    """Enum values that were read are names already."""
    names, serialize = frozenset(type_.values), type_.coerce_output_value

    def output(value: Any) -> str:
        return value if type(value) is str and value in names else str(serialize(value))

    type_.serialize = type_.coerce_output_value = output


def _describe_arguments(root: GraphQLObjectType) -> None:
    """What a mutation takes is described once, by the type of its input."""
    for made in root.fields.values():
        for argument in made.args.values():
            named = get_named_type(argument.type)
            described = ID_ARGUMENT if named.name == "ID" else named.description
            argument.description = argument.description or described


def sdl() -> str:
    """The schema in GraphQL's own language."""
    return str(schema.as_str()) + "\n"


schema = build_schema(mutation=Mutation, subscription=Subscription)
