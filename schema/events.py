"""How graphql-core executes for us: what a subscription's event collected is let go with the event."""

from __future__ import annotations

from typing import Any, cast

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


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
