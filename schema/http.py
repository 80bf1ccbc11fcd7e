"""GraphQL over HTTP: POST with a JSON body, or GET for a query; one operation a request.

What a request asks for is `schema/requests.py`'s, how its result is said `schema/responses.py`'s, streams of events
`schema/sse.py`'s, the websocket `schema/websocket.py`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

from graphql import GraphQLError, OperationType, get_operation_ast
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.errors import AppError, Invalid, RateLimited, Unauthenticated
from app.rates import Rates
from app.settings import settings
from app.values import Viewer
from schema.admission import Admission
from schema.context import Context
from schema.requests import Operation, WrongType, bearer, read
from schema.responses import answered, refused
from schema.root import PixSchema, schema
from schema.sse import EventStream, accepts_events
from schema.trusted import Trusted
from schema.websocket import Sockets

Authenticate = Callable[[str], Awaitable[Viewer]]
"""Token → viewer; `Unauthenticated` for one that does not hold."""

METHODS = {"Allow": "GET, POST"}
MAX_ACCEPT = 1_000
"""Characters of an Accept header that are read: what was made of the last ones is kept."""


class GraphQLApp:
    """The endpoint: `handle` for HTTP, `handle_websocket` for subscriptions, or the whole as an ASGI application."""

    def __init__(self, authenticate: Authenticate, on: PixSchema = schema) -> None:
        self._authenticate = authenticate
        self._schema = on
        self._trusted = Trusted.of(settings())
        self._rates = Rates.of(settings())
        self._admission = Admission(on.documents, self._rates)
        self._sockets = Sockets(on, authenticate, self._trusted, self._rates, self._admission)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as ASGI."""
        if scope["type"] == "websocket":
            await self.handle_websocket(WebSocket(scope, receive, send))
        else:
            response = await self.handle(Request(scope, receive))
            await response(scope, receive, send)

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        accept = request.headers.get("accept", "")[:MAX_ACCEPT]
        if request.method not in ("GET", "POST"):
            return refused(Invalid("GraphQL is asked with POST, or a query with GET."), accept, 405, METHODS)
        try:
            await self._rates.address(request.client.host if request.client else None)
            viewer = await self._authenticate(bearer(request.headers.get("authorization", "")))
            await self._rates.user(viewer.id)
            operation = await read(request, self._trusted, functools.partial(self._admission.turn, viewer.id))
            await self._admission.admit(operation.query, viewer.id)
        except Unauthenticated as error:
            return refused(error, accept, 401, {"WWW-Authenticate": "Bearer"})
        except WrongType as error:
            return refused(error, accept, 415)
        except AppError as error:
            return refused(error, accept)
        if request.method == "GET" and self._changes(operation):
            return refused(Invalid("A mutation is sent with POST."), accept, 405, {"Allow": "POST"})
        return await self._run(operation, viewer, accept)

    async def _run(self, operation: Operation, viewer: Viewer, accept: str) -> Response:
        text, variables, context = operation.query, operation.variables, Context(viewer)
        if accepts_events(accept):
            results = await self._schema.stream(text, variables, context, operation_name=operation.name)
            return EventStream(results, viewer)
        result = await self._schema.execute(text, variables, context, operation_name=operation.name)
        return answered(result, accept)

    def _changes(self, operation: Operation) -> bool:
        """Whether it is a mutation; one that does not parse is told so where it is run."""
        try:
            found = get_operation_ast(self._schema.documents.get(operation.query).node, operation.name)
        except GraphQLError:
            return False
        return found is not None and found.operation is OperationType.MUTATION

    async def handle_websocket(self, websocket: WebSocket) -> None:
        """Serve one websocket until it closes; an address that connects too often is refused like one that asks so."""
        try:
            await self._rates.address(websocket.client.host if websocket.client else None)
        except RateLimited as error:
            await websocket.send_denial_response(refused(error))
        else:
            await self._sockets.run(websocket)
