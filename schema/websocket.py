"""GraphQL over a websocket: graphql-transport-ws, and nothing older.

Who asks is said once, in `connection_init`: `{"Authorization": "Bearer …"}`. Without a token that holds, and when it
ends, the connection is closed with 4403.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    SubscribeMessage,
)
from strawberry.types.execution import PreExecutionError
from strawberry.types.unset import UNSET

from app.errors import AppError, LimitExceeded
from app.rates import Rates
from app.settings import settings
from app.values import Viewer
from schema.admission import Admission
from schema.answers import text_of
from schema.context import Context, seconds_left
from schema.limits import MAX_BODY
from schema.masking import extensions_of
from schema.requests import operation_of
from schema.trusted import Trusted

PING_S = 15.0
"""How often the server pings, seconds: proxies close what is silent for a minute."""
INIT_S = 10.0
"""How long a connection may take to say who asks, seconds."""
MAX_OPERATIONS = 250
"""Operations under way on one connection."""
FORBIDDEN = 4403


class Wire(ASGIWebSocketAdapter):
    """A websocket that takes text as it is, too, and keeps none of what came."""

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """What the client sends, until it goes; raises where that is no text or no JSON."""
        try:
            while self.ws.application_state is not WebSocketState.DISCONNECTED:
                yield self.view.decode_json(await self.ws.receive_text())
        except orjson.JSONDecodeError as error:
            raise NonJsonMessageReceived from error
        except KeyError as error:
            raise NonTextMessageReceived from error
        except WebSocketDisconnect:
            pass

    async def send_text(self, text: str) -> None:
        """Send a message that is encoded already; `WebSocketDisconnected` where nobody listens any more."""
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error


class Handler(BaseGraphQLTransportWSHandler[Context, None]):
    """One connection."""

    websocket: Wire
    _due: asyncio.TimerHandle | None = None
    """Runs out when the next ping or the end is due: most of the time that is all there is of it."""
    _keeping: asyncio.Task[None] | None = None

    async def handle_message(self, message: Message) -> None:
        """Take a message, unless it has another form than the protocol's."""
        if _is_formed(message):
            await super().handle_message(message)
            cast("dict[str, Any]", message).clear()  # Strawberry keeps it until the next one comes
        else:
            await self.handle_invalid_message("Failed to parse message")

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Learn who asks, then ping them until their token ends."""
        await super().handle_connection_init(message)
        if self.connection_acknowledged and self._due is None:
            self.connection_init_timeout_task = None  # it has ended, and would be kept with its last error
            self._wait()

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Start an operation, unless it may not be run or too many are under way."""
        try:
            if self.connection_acknowledged:
                await self._admit(message)
        except AppError as error:
            told: Any = {"message": error.message, "extensions": extensions_of(error)}
            await self.send_message({"id": message["id"], "type": "error", "payload": [told]})
        else:
            await super().handle_subscribe(message)

    async def _admit(self, message: SubscribeMessage) -> None:
        if len(self.operations) >= MAX_OPERATIONS and message["id"] not in self.operations:
            raise LimitExceeded(
                f"A connection has at most {MAX_OPERATIONS} operations under way.", limit=str(MAX_OPERATIONS)
            )
        payload: Any = message["payload"]
        sockets: Any = self.view
        await sockets.rates.user(self.context.viewer.id)
        # One text for all who ask the same: each of thousands of connections would else keep its own.
        payload["query"] = sys.intern(operation_of(payload, sockets.trusted).query)
        await sockets.admission.admit(payload["query"], self.context.viewer.id)

    async def _send_result_stream(self, operation: Any, result_source: Any) -> None:
        operation.query, operation.variables = "", None  # it has begun, and needs them no more
        head = '{"id":' + orjson.dumps(operation.id).decode() + ',"type":"next","payload":'
        async for result in result_source:
            if isinstance(result, PreExecutionError):
                await self._handle_pre_execution_error(operation, result)
                return
            await self.websocket.send_text(f"{head}{text_of(result)}}}")

    async def shutdown(self) -> None:
        """Free what the connection held."""
        if self._due is not None:
            self._due.cancel()
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        await super().shutdown()

    def _wait(self) -> None:
        left_s = max(0.0, seconds_left(self.context.viewer))
        self._due = asyncio.get_running_loop().call_later(min(left_s, PING_S), self._act)

    def _act(self) -> None:
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        # The client may leave at any moment: then there is nobody to tell.
        with contextlib.suppress(WebSocketDisconnected, RuntimeError):
            if seconds_left(self.context.viewer) > 0:
                await self.send_message({"type": "ping"})
                self._wait()
            else:
                await self.websocket.close(FORBIDDEN, "The token has ended.")
        self._keeping = None


def _is_formed(message: Any) -> bool:
    """Whether a message is an object whose members have the types that the protocol gives them."""
    if not isinstance(message, dict):
        return False
    is_subscribe = message.get("type") == "subscribe"
    if is_subscribe and not isinstance(message.get("payload"), dict):
        return False
    return isinstance(message.get("id"), str) or not (is_subscribe or message.get("type") == "complete")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Sockets(GraphQL[Context, None]):
    """Strawberry's websocket side with our encoding and our sign-in."""

    websocket_adapter_class = Wire
    graphql_transport_ws_handler_class = Handler

    def __init__(
        self,
        schema: Any,
        authenticate: Callable[[str], Awaitable[Viewer]],
        trusted: Trusted,
        rates: Rates,
        admission: Admission,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            max_subscriptions_per_connection=None,
            connection_init_wait_timeout=timedelta(seconds=INIT_S),
            allowed_origins=(*settings().origins, _origin(settings().base_url)),
        )
        self._authenticate = authenticate
        self.trusted = trusted
        self.rates = rates
        self.admission = admission

    async def get_context(self, request: Request | WebSocket, response: Any) -> Context:
        """The connection's context; who asks is not known yet."""
        return Context()

    async def on_ws_connect(self, context: Context) -> Any:
        """Learn who asks from `connection_init`."""
        header = context.connection_params.get("Authorization")
        context.connection_params = {}
        scheme, _, token = header.partition(" ") if isinstance(header, str) else ("", "", "")
        if scheme.lower() != "bearer":
            raise ConnectionRejectionError
        try:
            context.known = await self._authenticate(token.strip())
        except AppError as error:
            raise ConnectionRejectionError from error
        return UNSET

    def decode_json(self, data: str | bytes) -> object:
        """A client's message; one that is too large counts as none."""
        if len(data) > MAX_BODY:
            raise orjson.JSONDecodeError("too large", "", 0)
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        """A message as text: what was read passes as the database wrote it."""
        return orjson.dumps(data).decode()
