"""What a user can be told: one class per code. A docstring says when; the message is made where it is raised.

An `AppError` raised by a state change becomes an entry of a payload's `errors`; raised elsewhere in an operation it
becomes an error of the operation with `extensions.code`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


class AppError(Exception):
    """Something a user can be told. `path` names the input's field, outermost first."""

    code = "INVALID"

    def __init__(
        self,
        message: str,
        *,
        path: Sequence[str] = (),
        limit: str | None = None,
        actual: str | None = None,
        allowed: Sequence[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = tuple(path)
        self.limit = limit
        self.actual = actual
        self.allowed = None if allowed is None else tuple(allowed)


class Invalid(AppError):
    """An input is wrong: the field and, where one was passed, the limit."""

    code = "INVALID"


class NotFound(AppError):
    """No such row, or none that the viewer sees: one answer for both."""

    code = "NOT_FOUND"


class IllegalTransition(AppError):
    """The row's state forbids it; `actual` is the state, `allowed` the states from which it may be done."""

    code = "ILLEGAL_TRANSITION"


class Conflict(AppError):
    """Another row holds what was asked for."""

    code = "CONFLICT"


class QuotaExceeded(AppError):
    """A quota was passed."""

    code = "QUOTA_EXCEEDED"


class SourceUnavailable(AppError):
    """A source cannot be used: unknown, switched off, or without its key."""

    code = "SOURCE_UNAVAILABLE"


class Unauthenticated(AppError):
    """No token, or one that does not hold."""

    code = "UNAUTHENTICATED"


class Forbidden(AppError):
    """The viewer may not do this."""

    code = "FORBIDDEN"


class RateLimited(AppError):
    """Too many requests; `retry_after_s` until the next is taken."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, limit: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message, limit=limit)
        self.retry_after_s = max(1, math.ceil(retry_after_s))


class LimitExceeded(AppError):
    """The operation itself is too large: depth, aliases, page, cost, body."""

    code = "LIMIT_EXCEEDED"


class OperationTimeout(AppError):
    """The operation took longer than it may."""

    code = "TIMEOUT"


@dataclass
class SourceFailed(Exception):
    """A source could not go on: the message is for the job's owner; `retry_after_s` where the source named a time.

    `of_query`: only this query was refused, and others may do.
    """

    message: str
    retry_after_s: float | None = None
    of_query: bool = False

    def __str__(self) -> str:
        return self.message


class StorageRefused(Exception):
    """Object storage does not take or give bytes (disk full, outage): the job is stopped, not the row."""


class StorageFull(StorageRefused):
    """There is no room for more: waiting does not help, somebody has to make room."""
