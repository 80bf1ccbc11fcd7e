"""How a subscription runs: one execution and one text for all who ask the same of the same event.

Each subscriber has a source of its own, which says what it may see before anything is shared. Who asks the same with
the same sight of the same event (see `Event`) then gets one answer, made by whoever came first.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import orjson
import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, GraphQLSchema, create_source_event_stream, execute_subscription_event
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.utils.aio import aclosing
from strawberry.utils.await_maybe import await_maybe

from app.errors import LimitExceeded
from app.settings import settings
from schema.context import Context
from schema.documents import Document
from schema.limits import check_cost, deadline
from schema.reading.serve import Reads
from schema.reading.shared import Shared

KEPT = 1_024
"""Answers kept: those of the latest events, for as long as a subscriber who is a little late may ask."""

Spoken = Callable[[list[GraphQLError] | None], list[GraphQLError] | None]


@strawberry.type
class Event:
    """What a subscription yields."""

    same: strawberry.Private[Hashable] = None
    """Names what happened: events of one name have one answer for all who see the same. None is shared with nobody."""


class Executor(StrawberryGraphQLCoreExecutionContext):
    """The executor of one operation."""

    def build_per_event_executor(self, payload: Any) -> Executor:
        """The executor of one event, with a memory of its own for selected fields.

        graphql-core hands the operation's to every event, which adds to it under keys that no other event has: each
        frame of a subscription then costs some kilobytes until the subscription ends.
        """
        executor = cast("Executor", super().build_per_event_executor(payload))
        executor._relevant_sub_fields = {}
        return executor


@dataclass(frozen=True, slots=True)
class Asked:
    """One subscription as a client asks for it."""

    text: str
    document: Document
    variables: dict[str, Any] | None
    name: str | None
    context: Context

    def key(self) -> tuple[Hashable, ...]:
        """The same for all who ask the same and see the same: administrators everything, others what is theirs."""
        viewer = self.context.viewer
        variables = orjson.dumps(self.variables, option=orjson.OPT_SORT_KEYS)
        return self.text, self.name, variables, None if viewer.everything else viewer.id.int


class Events:
    """The subscriptions of one schema."""

    def __init__(self, schema: GraphQLSchema, reads: Reads, spoken: Spoken) -> None:
        self._schema = schema
        self._reads = reads
        self._spoken = spoken
        self._shared = Shared(KEPT)
        self.executions = 0
        """Executions so far."""
        self.taken: Counter[UUID] = Counter()
        """Subscriptions under way, by who follows them."""

    async def follow(self, asked: Asked) -> AsyncIterator[ExecutionResult]:
        """The answers to a subscription's events. One that cannot begin is refused rather than begun and ended."""
        begun = False
        try:
            async with self._source(asked) as (executor, source):
                key = asked.key()
                async for event in source:
                    result = await self._answer(executor, key, event)
                    if result.data is None and not begun:
                        yield PreExecutionError(None, result.errors)
                        return
                    if _is_gone(result):
                        return
                    begun = True
                    yield result
        except Exception as error:  # noqa: BLE001 - whatever a source raises is masked, and ends this one only
            known = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
            errors = self._spoken([known])
            yield ExecutionResult(None, errors) if begun else PreExecutionError(None, errors)

    @contextlib.asynccontextmanager
    async def _source(self, asked: Asked) -> AsyncIterator[tuple[Executor, Any]]:
        with self._place(asked.context.viewer.id):
            executor, source = await self._begin(asked)
            async with aclosing(source):
                yield executor, source

    @contextlib.contextmanager
    def _place(self, who: UUID) -> Iterator[None]:
        most = settings().subscriptions_per_user
        if self.taken[who] >= most:
            raise LimitExceeded(f"You have at most {most} subscriptions under way.", limit=str(most))
        self.taken[who] += 1
        try:
            yield
        finally:
            self.taken[who] -= 1
            if not self.taken[who]:
                del self.taken[who]

    async def _begin(self, asked: Asked) -> tuple[Executor, Any]:
        executor = Executor.build(self._schema, asked.document.node, None, asked.context, asked.variables, asked.name)
        if isinstance(executor, list):
            raise executor[0]
        check_cost(self._reads.cost(executor.operation, asked.document.fragments, asked.variables or {}))
        async with deadline():
            source = await await_maybe(create_source_event_stream(executor))
        if isinstance(source, CoreResult):
            raise (source.errors or [GraphQLError("The subscription did not begin.")])[0]
        return cast("Executor", executor), source

    async def _answer(self, executor: Executor, key: tuple[Hashable, ...], event: Event) -> ExecutionResult:
        async def make() -> ExecutionResult:
            return await self._execute(executor, event)

        same = getattr(event, "same", None)
        if same is None:
            return await make()
        return cast("ExecutionResult", await self._shared.get(((*key, same),), make))

    async def _execute(self, executor: Executor, event: Event) -> ExecutionResult:
        """Execute for one event; `data` is JSON text from here on."""
        self.executions += 1
        async with deadline():
            made = await await_maybe(execute_subscription_event(executor.build_per_event_executor(event)))
        data: Any = None if made.data is None else orjson.Fragment(orjson.dumps(made.data))
        return ExecutionResult(data, self._spoken(made.errors))


def _is_gone(result: ExecutionResult) -> bool:
    """Whether a frame could not be made since its row was deleted: that ends a subscription as its last state does."""
    codes = [(error.extensions or {}).get("code") for error in result.errors or ()]
    return result.data is None and codes == ["NOT_FOUND"]
