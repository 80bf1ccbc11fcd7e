"""One operation on its way: its document from the cache, compiled reads from the database, the rest by graphql-core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, get_operation_ast
from graphql import OperationType as Kind
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.settings import settings
from schema.context import Context
from schema.documents import Document
from schema.limits import check_cost, deadline
from schema.reading.arguments import coerced
from schema.reading.plans import Plan
from schema.reading.serve import Reads
from schema.reading.write import VIEWER
from schema.rules import MAX_ERRORS


async def straight(
    reads: Reads, document: Document, variables: dict[str, Any] | None, context: Context, name: str | None
) -> ExecutionResult | None:
    """The result of a query whose statement gives the whole answer; None for all else, which goes Strawberry's way.

    That way takes longer than reading a row, for steps of which such a query needs none.
    """
    operation = get_operation_ast(document.node, name)
    if document.errors or context.walked or operation is None or operation.operation is not Kind.QUERY:
        return None
    cost = None
    try:
        async with deadline():
            found = planned(reads, document, operation, variables, context)
            if isinstance(found, list):
                return ExecutionResult(data=None, errors=found)
            plan, values = found
            if not plan.whole:
                return None
            cost = plan.cost.of(values)
            check_cost(cost)
            data: Any = await reads.passed(plan, values, context)
    except Exception as error:  # noqa: BLE001 - as Strawberry does: what is raised is the operation's error
        known = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        return PreExecutionError(data=None, errors=[known], extensions=told_cost(cost))
    return ExecutionResult(data=data, errors=None, extensions=told_cost(cost))


def planned(
    reads: Reads,
    document: Document,
    operation: OperationDefinitionNode,
    variables: dict[str, Any] | None,
    context: Context,
) -> tuple[Plan, dict[str, Any]] | list[GraphQLError]:
    """A query's plan and the values of its variables, or what is wrong with those."""
    given = coerced(reads.schema, operation, variables or {}, MAX_ERRORS)
    if isinstance(given, list):
        return given
    values = {**given, VIEWER: context.viewer.id}
    return reads.plan(operation, document.fragments, values, context.viewer, walked=context.walked), values


def told_cost(cost: int | None) -> dict[str, Any]:
    """What the answer's `extensions` hold, once the cost is known."""
    return {} if cost is None else {"cost": {"requested": cost, "limit": settings().max_cost}}


class Execution(SchemaExtension):
    """Takes Strawberry's steps where we know a shorter way; made anew for each operation."""

    document: Document
    cost: int | None = None
    """Points, once they are known."""

    def on_parse(self) -> Iterator[None]:
        """Put the document where Strawberry looks before it parses."""
        execution = self.execution_context
        schema: Any = execution.schema
        if execution.query:
            self.document = schema.documents.get(execution.query)
            execution.graphql_document = self.document.node
        yield

    def on_validate(self) -> Iterator[None]:
        """Put the errors where Strawberry looks before it validates."""
        execution: Any = self.execution_context
        execution.pre_execution_errors = self.document.errors
        if self.document.several and execution._provided_operation_name is None:
            # Strawberry would run the first.
            execution.pre_execution_errors = [GraphQLError("Say by `operationName` which of the operations is meant.")]
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Run a query's statement; all of the execution has one deadline."""
        # Held here and by no hook of its own: where one hook fails on entering, Strawberry does not leave the others.
        async with deadline():
            if self.execution_context.operation_type is OperationType.QUERY:
                await self._read()
            else:
                self._reckon()  # subscriptions are `schema/events.py`'s
            yield

    def get_results(self) -> dict[str, Any]:
        """What the answer's `extensions` hold."""
        return told_cost(self.cost)

    def _reckon(self) -> None:
        """Refuse a mutation that costs too much before it does anything."""
        execution: Any = self.execution_context
        operation: Any = get_operation_ast(self.document.node, execution.operation_name)
        self.cost = execution.schema.reads.cost(operation, self.document.fragments, execution.variables or {})
        check_cost(self.cost)

    async def _read(self) -> None:
        execution: Any = self.execution_context
        context, reads = execution.context, execution.schema.reads
        operation: Any = get_operation_ast(self.document.node, execution.operation_name)
        found = planned(reads, self.document, operation, execution.variables, context)
        if isinstance(found, list):
            execution.result = ExecutionResult(data=None, errors=found)
            return
        plan, values = found
        self.cost = plan.cost.of(values)
        check_cost(self.cost)
        if plan.whole and not context.walked:
            data: Any = await reads.passed(plan, values, context)
            execution.result = ExecutionResult(data=data, errors=None)
        else:
            execution.root_value = await reads.parsed(plan, values, context)
