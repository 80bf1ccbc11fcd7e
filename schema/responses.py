"""How an operation's result is said over HTTP: in which media type, with which status.

To a client that asks for `application/graphql-response+json` the status says whether the operation was run. To one that
asks for `application/json`, or says nothing, whatever GraphQL has to say comes with 200.
"""

from __future__ import annotations

import functools
from typing import Any

import orjson
from starlette.responses import Response
from strawberry.types import ExecutionResult

from app.errors import AppError, OperationTimeout, RateLimited
from schema.masking import INTERNAL, extensions_of
from schema.requests import JSON_TYPE

RESPONSE_TYPE = "application/graphql-response+json"
REFUSED = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "CONFLICT": 409,
    "LIMIT_EXCEEDED": 413,
    "INVALID": 400,
    "RATE_LIMITED": 429,
    "TIMEOUT": 408,
}
"""Statuses of requests that are not run."""
FAILED = {INTERNAL: 500, "TIMEOUT": 503}
"""Statuses of operations that gave nothing though the client did nothing wrong."""
NO_STORE = {"Cache-Control": "no-store"}
HEADERS = {
    one: ((b"content-type", one.encode()), (b"cache-control", b"no-store")) for one in (JSON_TYPE, RESPONSE_TYPE)
}
"""What the answers of operations have in common, by media type."""


class Answer(Response):
    """An operation's answer: what Starlette would make of its headers each time is made already."""

    def __init__(self, body: bytes, status: int, media_type: str) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [*HEADERS[media_type], (b"content-length", b"%d" % len(body))]


def answered(result: ExecutionResult, accept: str) -> Response:
    """The answer of an operation."""
    media_type, status = media_type_of(accept), 200
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
        if result.data is None and media_type == RESPONSE_TYPE:
            status = FAILED.get((result.errors[0].extensions or {}).get("code", ""), 400)
            if all(error.path is None for error in result.errors):  # refused before any field was read
                del answer["data"]
    if result.extensions:
        answer["extensions"] = result.extensions
    return Answer(orjson.dumps(answer), status, media_type)


def refused(error: AppError, accept: str = "", status: int = 0, headers: dict[str, str] | None = None) -> Response:
    """The answer to a request that GraphQL never sees."""
    body = {"errors": [{"message": error.message, "extensions": extensions_of(error)}]}
    status = status or REFUSED.get(error.code, 403)
    headers = NO_STORE | (headers or {})
    if isinstance(error, OperationTimeout):  # what is left of the request may never come
        headers["Connection"] = "close"
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after_s)
    return Response(orjson.dumps(body), status, headers, media_type_of(accept))


@functools.lru_cache(maxsize=256)
def media_type_of(accept: str) -> str:
    """The type that an Accept header wants most of the two that there are; JSON unless the newer one is named."""
    wanted = {JSON_TYPE: 0.0, RESPONSE_TYPE: 0.0}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name in wanted:
            wanted[name] = _quality(parameters)
    return RESPONSE_TYPE if wanted[RESPONSE_TYPE] > 0 and wanted[RESPONSE_TYPE] >= wanted[JSON_TYPE] else JSON_TYPE


def _quality(parameters: list[str]) -> float:
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
