"""Connections that have to say what they want, soon and in few words; and websockets that are told much at once.

uvicorn waits for ever for a request that does not come or comes letter by letter, and keeps headers of any size.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import orjson
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

HEAD_S = 10.0
"""How long the first line and the headers of a request may take, seconds; and a new connection may be silent."""
MAX_HEAD = 2**16
"""Bytes of the first line and the headers of a request, about: what came at once is counted whole."""


class Connection(HttpToolsProtocol):
    """One HTTP connection."""

    _waiting: asyncio.TimerHandle | None = None
    """Runs out unless the headers end."""
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._arrived()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the end of the headers, unless that has begun with the connection."""
        super().on_message_begin()
        if self._waiting is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Wait no more."""
        self._arrived()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand over to a websocket, and leave nothing behind: parser and connection hold each other."""
        super().handle_websocket_upgrade()
        del self.parser

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the headers have become too large."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._waiting is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD:
                told = f"The first line and the headers of a request have at most {MAX_HEAD} bytes."
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "LIMIT_EXCEEDED", told, f"{MAX_HEAD} bytes")

    def _wait(self) -> None:
        self._head_bytes = 0
        self._waiting = self.loop.call_later(HEAD_S, self._late)

    def _arrived(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _late(self) -> None:
        told = f"The first line and the headers of a request come within {HEAD_S:g} seconds."
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, "TIMEOUT", told, f"{HEAD_S:g} s")

    def _refuse(self, status: HTTPStatus, code: str, message: str, limit: str) -> None:
        self._arrived()
        body = orjson.dumps({"errors": [{"message": message, "extensions": {"code": code, "limit": limit}}]})
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class Socket(WebSocketsSansIOProtocol):
    """One websocket: a text goes out in one step, since thousands may be due at the same moment."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the application says."""
        text = message.get("text") if message["type"] == "websocket.send" else None
        if text is None or not self.writable.is_set() or self.close_sent or self.conn.state is not OPEN:
            await super().send(message)
        else:
            self.transport.write(text_frame(text))


def text_frame(text: str) -> bytes:
    """A whole, unmasked text message as of RFC 6455, section 5.2."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return b"\x81%c" % size + data
    return (b"\x81\x7e" + size.to_bytes(2, "big") if size < 2**16 else b"\x81\x7f" + size.to_bytes(8, "big")) + data
