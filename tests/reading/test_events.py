"""Symptom: an API process grew by kilobytes with each frame of a subscription, and its clients stood still while Python
looked through all of it. Cause: graphql-core remembers an event's fields as long as the subscription lives. Rule: what
an event collected goes with it."""

from __future__ import annotations

from typing import Any

from graphql import parse

from schema.events import Executor
from schema.root import schema

WATCH = 'subscription { crawlJobProgress(id: "CrawlJob:1") { version crawlJob { id status } } }'


def test_an_event_leaves_nothing_behind() -> None:
    executor: Any = Executor.build(schema._schema, parse(WATCH))
    first, second = executor.build_per_event_executor(1), executor.build_per_event_executor(2)
    first._relevant_sub_fields["what the first selected"] = ()
    assert second._relevant_sub_fields == {}
    assert executor._relevant_sub_fields == {}
    assert (first.root_value, second.root_value) == (1, 2)


def test_subscriptions_run_by_it() -> None:
    assert schema.execution_context_class is Executor
