"""How a subscription runs: one execution and one text for all who ask the same of the same event.

Each subscriber has a source of its own, which says what it may see before anything is shared. Who asks the same of a
feed with the same sight then sits in one audience. A log, which must leave nothing out, each reads at their own pace:
what they meet of it gets one answer too, made by whoever came first.
"""

from __future__ import annotations

import functools
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import orjson
from graphql import ExecutionResult as CoreResult
from graphql import (
    GraphQLError,
    GraphQLResolveInfoHelpers,
    GraphQLSchema,
    create_source_event_stream,
    execute_subscription_event,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.utils.aio import aclosing
from strawberry.utils.await_maybe import await_maybe

from app.errors import LimitExceeded
from app.settings import settings
from schema.answers import Answer, answer
from schema.audiences import Audiences
from schema.context import Context
from schema.documents import Document
from schema.feeds import Event, Feed
from schema.limits import check_cost, deadline
from schema.reading.serve import Reads
from schema.reading.shared import Shared

KEPT = 1_024
"""Answers kept: those of the latest events, for as long as a subscriber who is a little late may ask."""

Spoken = Callable[[list[GraphQLError] | None], list[GraphQLError] | None]


class Executor(StrawberryGraphQLCoreExecutionContext):
    """The executor of one operation."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        # graphql-core's helpers hold the executor that holds them. Each operation would be left to the collector of
        # garbage, which comes the later the more subscribers there are.
        me = weakref.proxy(self)
        self.async_helpers = GraphQLResolveInfoHelpers(
            gather=functools.partial(Executor.gather_async_work, me),
            track=functools.partial(Executor.track_async_work, me),
        )

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
        variables = orjson.dumps(self.variables, option=orjson.OPT_SORT_KEYS).decode()
        return self.text, self.name, variables, None if viewer.everything else viewer.id.int


class Events:
    """The subscriptions of one schema."""

    def __init__(self, schema: GraphQLSchema, reads: Reads, spoken: Spoken) -> None:
        self._schema = schema
        self._reads = reads
        self._spoken = spoken
        self._audiences = Audiences()
        self._shared = Shared(KEPT)
        self.executions = 0
        """Executions so far."""
        self.taken: Counter[UUID] = Counter()
        """Subscriptions under way, by who follows them."""

    async def follow(self, asked: Asked) -> AsyncIterator[ExecutionResult]:
        """The answers to a subscription's events. One that cannot begin is refused rather than begun and ended."""
        begun = False
        who = asked.context.viewer.id
        try:
            self._take_place(who)
        except LimitExceeded as error:
            yield PreExecutionError(None, self._failed(error).errors)
            return
        try:
            answers = await self._answers(asked)
            del asked  # for hours, perhaps, only answers are needed
            async with aclosing(answers):
                async for found in answers:
                    if found.data is None and not begun:
                        yield PreExecutionError(None, found.errors)
                        return
                    if found.is_gone:
                        return
                    begun = True
                    yield found
        except Exception as error:  # noqa: BLE001 - whatever a source raises is masked, and ends this one only
            failed = self._failed(error)
            yield failed if begun else PreExecutionError(None, failed.errors)
        finally:
            self._leave_place(who)

    def _take_place(self, who: UUID) -> None:
        most = settings().subscriptions_per_user
        if self.taken[who] >= most:
            raise LimitExceeded(f"You have at most {most} subscriptions under way.", limit=str(most))
        self.taken[who] += 1

    def _leave_place(self, who: UUID) -> None:
        self.taken[who] -= 1
        if not self.taken[who]:
            del self.taken[who]

    async def _answers(self, asked: Asked) -> AsyncIterator[Answer]:
        executor, source = await self._begin(asked)
        if isinstance(source, Feed):
            make = functools.partial(self._execute, executor)
            return self._audiences.hear((*asked.key(), source.of), source, make, self._failed)
        return self._read(executor, asked.key(), source)

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

    async def _read(
        self, executor: Executor, key: tuple[Hashable, ...], source: AsyncIterator[Event]
    ) -> AsyncIterator[Answer]:
        async with aclosing(source):
            async for event in source:
                make = functools.partial(self._execute, executor, event)
                of = getattr(event, "of", None)
                yield await (make() if of is None else self._shared.get(((*key, of, event.revision),), make))

    async def _execute(self, executor: Executor, event: Event) -> Answer:
        self.executions += 1
        async with deadline():
            made = await await_maybe(execute_subscription_event(executor.build_per_event_executor(event)))
        return answer(made.data, self._spoken(made.errors))

    def _failed(self, error: Exception) -> Answer:
        known = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
        return Answer(None, self._spoken([known]))
