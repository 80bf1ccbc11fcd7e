"""What a client is told of an error: the one place where exceptions become `extensions.code`.

An `AppError` speaks for itself. What GraphQL itself refuses keeps its message. Everything else, the database's words
first, is INTERNAL with an id under which the log has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import asyncpg
from graphql import GraphQLError, GraphQLSyntaxError

from app.database import DATABASE_ERRORS
from app.errors import AppError, OperationTimeout, RateLimited
from app.log import log, new_id

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
INTERNAL = "INTERNAL"
MAX_MESSAGE = 1_000
"""Characters of a message: what it quotes of a request may be as long as the request."""
TIMEOUTS = (TimeoutError, asyncpg.QueryCanceledError)


def told(errors: Iterable[GraphQLError] | None) -> list[GraphQLError] | None:
    """The errors of an operation as the client sees them."""
    if not errors:
        return None
    found = [_told(error) for error in errors]
    for error in errors:
        _let_go(error)
    return found


def _let_go(error: BaseException) -> None:
    """Forget where an error was raised: that holds all that was read, in circles, until garbage is looked for."""
    open_: list[BaseException | None] = [error]
    seen: set[int] = set()
    while open_:
        one = open_.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            open_ += (one.__cause__, one.__context__, getattr(one, "original_error", None))


def told_of(error: BaseException) -> GraphQLError:
    """An exception as the client sees it."""
    return _told(
        error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=_exception(error))
    )


def _exception(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(str(error))


def _cause(error: GraphQLError) -> BaseException | None:
    found: BaseException | None = error.original_error
    while isinstance(found, GraphQLError) and found.original_error is not None:
        found = found.original_error
    return found


def _told(error: GraphQLError) -> GraphQLError:
    cause = _cause(error)
    if isinstance(cause, TIMEOUTS):
        cause = OperationTimeout("The operation took too long.")
    if isinstance(cause, AppError):
        return _changed(error, cause.message, extensions_of(cause))
    if isinstance(error, GraphQLSyntaxError):
        return _changed(error, error.message, {"code": PARSE_FAILED})
    # graphql-core names no path and no cause where it refuses the operation itself.
    if error.path is None and (cause is None or isinstance(cause, GraphQLError)):
        return _changed(error, error.message, {"code": VALIDATION_FAILED, **(error.extensions or {})})
    return _masked(error, cause)


def _masked(error: GraphQLError, cause: BaseException | None) -> GraphQLError:
    known_as = new_id()
    if isinstance(cause, DATABASE_ERRORS):  # where it came up says nothing, and there are as many as requests
        log.error("operation_failed", id=known_as, path=error.path, error=f"{type(cause).__name__}: {cause}")
    else:
        log.error("operation_failed", id=known_as, path=error.path, exc_info=cause or error)
    return _changed(error, "Something went wrong on our side.", {"code": INTERNAL, "id": known_as})


def _changed(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + "…",
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )


def extensions_of(error: AppError) -> dict[str, Any]:
    """An error's code and what else it names, as `extensions`."""
    named = {
        "code": error.code,
        "path": list(error.path) or None,
        "limit": error.limit,
        "actual": error.actual,
        "allowed": None if error.allowed is None else list(error.allowed),
        "retryAfter": error.retry_after_s if isinstance(error, RateLimited) else None,
    }
    return {name: value for name, value in named.items() if value is not None}
