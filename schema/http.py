"""GraphQL over HTTP: POST with a JSON body, one operation a request. The websocket is `schema/websocket.py`'s.

Whatever GraphQL itself has to say comes with status 200; other statuses are for requests that it never sees.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.errors import AppError, Invalid, LimitExceeded, Unauthenticated
from app.values import Viewer
from schema.context import Context
from schema.limits import MAX_BODY
from schema.masking import extensions_of
from schema.root import PixSchema, schema
from schema.sse import EventStream, accepts_events
from schema.websocket import Sockets

Authenticate = Callable[[str], Awaitable[Viewer]]
"""Token → viewer; `Unauthenticated` for one that does not hold."""

JSON_TYPE = "application/json"
MAX_DRAINED = 16 * MAX_BODY
"""Bytes that are thrown away of a request that is too large: a client that is cut off while it sends hears nothing."""
STATUS = {"UNAUTHENTICATED": 401, "CONFLICT": 409, "LIMIT_EXCEEDED": 413, "INVALID": 400}


class WrongType(Invalid):
    """The body is not said to be JSON."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for."""

    query: str
    variables: dict[str, Any] | None
    name: str | None


class GraphQLApp:
    """The endpoint: `handle` for HTTP, `handle_websocket` for subscriptions, or the whole as an ASGI application."""

    def __init__(self, authenticate: Authenticate, on: PixSchema = schema) -> None:
        self._authenticate = authenticate
        self._schema = on
        self._sockets = Sockets(on, authenticate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as ASGI."""
        if scope["type"] == "websocket":
            await self.handle_websocket(WebSocket(scope, receive, send))
        else:
            response = await self.handle(Request(scope, receive))
            await response(scope, receive, send)

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.method != "POST":
            return refused(Invalid("GraphQL is asked with POST."), 405, {"Allow": "POST"})
        try:
            viewer = await self._authenticate(bearer(request.headers.get("authorization", "")))
            operation = read_operation(await _body(request))
        except Unauthenticated as error:
            return refused(error, 401, {"WWW-Authenticate": "Bearer"})
        except WrongType as error:
            return refused(error, 415)
        except AppError as error:
            return refused(error, STATUS.get(error.code, 403))
        if accepts_events(request.headers.get("accept", "")):
            return EventStream(
                await self._schema.stream(
                    operation.query, operation.variables, Context(viewer), operation_name=operation.name
                ),
                viewer,
            )
        result = await self._schema.execute(
            operation.query, operation.variables, Context(viewer), operation_name=operation.name
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        if result.extensions:
            answer["extensions"] = result.extensions
        return Response(orjson.dumps(answer), media_type=JSON_TYPE)

    async def handle_websocket(self, websocket: WebSocket) -> None:
        """Serve one websocket until it closes."""
        await self._sockets.run(websocket)


def bearer(header: str) -> str:
    """The token of an Authorization header; `Unauthenticated` without one."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send a token: `Authorization: Bearer …`.")
    return token.strip()


def refused(error: AppError, status: int, headers: dict[str, str] | None = None) -> Response:
    """The answer to a request that GraphQL never sees."""
    body = {"errors": [{"message": error.message, "extensions": extensions_of(error)}]}
    return Response(orjson.dumps(body), status, headers, JSON_TYPE)


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON_TYPE:
        raise WrongType(f"Send the operation as {JSON_TYPE}.")
    body, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BODY:
            body += part
        elif size > MAX_DRAINED:
            break
    if size > MAX_BODY:
        raise LimitExceeded(
            f"A request has at most {MAX_BODY} bytes; upload long lists as files.", limit=f"{MAX_BODY} bytes"
        )
    return bytes(body)


def read_operation(body: bytes) -> Operation:
    """The operation of a request's body; `Invalid` unless it is one JSON object with the members that GraphQL has."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid("The body is not JSON.") from error
    if not isinstance(found, dict):
        raise Invalid("The body is one JSON object; operations are not batched.")
    query, variables, name = found.get("query"), found.get("variables"), found.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise Invalid("`query` is the operation's text.", path=["query"])
    if not isinstance(variables, dict | None):
        raise Invalid("`variables` is an object.", path=["variables"])
    if not isinstance(name, str | None):
        raise Invalid("`operationName` is a text.", path=["operationName"])
    return Operation(query, variables, name or None)
