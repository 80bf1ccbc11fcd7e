"""What is told of a subscription's event: a result, and its text, made once for all who hear it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult


class Answer(ExecutionResult):
    """A result that its text is kept with."""

    @cached_property
    def text(self) -> str:
        """The result as JSON."""
        return _encoded(self)

    @property
    def is_gone(self) -> bool:
        """Whether there is none since the row was deleted: that ends a subscription as its last state does."""
        codes = [(error.extensions or {}).get("code") for error in self.errors or ()]
        return self.data is None and codes == ["NOT_FOUND"]


def answer(data: dict[str, Any] | None, errors: list[GraphQLError] | None) -> Answer:
    """An answer whose `data` is JSON text from here on."""
    fragment: Any = None if data is None else orjson.Fragment(orjson.dumps(data))
    return Answer(fragment, errors)


def text_of(result: ExecutionResult) -> str:
    """Any result as JSON on one line."""
    return result.text if isinstance(result, Answer) else _encoded(result)


def _encoded(result: ExecutionResult) -> str:
    payload: dict[str, Any] = {"data": result.data}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        payload["extensions"] = result.extensions
    return orjson.dumps(payload).decode()
