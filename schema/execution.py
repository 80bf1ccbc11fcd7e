"""One operation on its way: its document from the cache, compiled reads from the database, the rest by graphql-core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from graphql import get_operation_ast
from graphql.execution.values import get_variable_values
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from schema.documents import Document
from schema.limits import deadline
from schema.reading.write import VIEWER


class Execution(SchemaExtension):
    """Takes Strawberry's steps where we know a shorter way; made anew for each operation."""

    document: Document

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
        self.execution_context.pre_execution_errors = self.document.errors
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Run a query's statement; all of the execution has one deadline."""
        # Held here and by no hook of its own: where one hook fails on entering, Strawberry does not leave the others.
        async with deadline():
            if self.execution_context.operation_type is OperationType.QUERY:
                await self._read()
            yield

    async def _read(self) -> None:
        execution: Any = self.execution_context
        context, reads = execution.context, execution.schema.reads
        operation: Any = get_operation_ast(self.document.node, execution.operation_name)
        coerced = get_variable_values(reads.schema, operation.variable_definitions or (), execution.variables or {})
        if isinstance(coerced, list):
            execution.result = ExecutionResult(data=None, errors=coerced)
            return
        values = {**coerced.coerced, VIEWER: context.viewer.id}
        plan = reads.plan(operation, self.document.fragments, values, context.viewer, walked=context.walked)
        if plan.whole and not context.walked:
            data: Any = await reads.passed(plan, values, context)
            execution.result = ExecutionResult(data=data, errors=None)
        else:
            execution.root_value = await reads.parsed(plan, values, context)
