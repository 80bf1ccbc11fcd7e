"""A client of the GraphQL API: operations over POST, subscriptions over graphql-transport-ws.

It knows the protocol and no operation; what is asked stands in `crawling/documents.py`. A subscription survives a lost
connection: it begins again with a snapshot, so nothing is missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import aiohttp
import click
import orjson

PROTOCOL = "graphql-transport-ws"
FORBIDDEN = 4403
"""The websocket's close code for a token that does not hold."""
PATIENCE_S = 60.0
"""How long a service that has answered before may be away."""
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
ANSWER_S = 30.0
HEARTBEAT_S = 20.0

Json = dict[str, Any]


class ServiceRefused(click.ClickException):
    """The service said no, in its own words. `code` is its first error's, `errors` are as it gave them."""

    def __init__(self, message: str, errors: list[Json] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []

    @property
    def code(self) -> str | None:
        """INVALID, NOT_FOUND, …; None where the answer was no GraphQL."""
        first = self.errors[0] if self.errors else {}
        found = first.get("code") or first.get("extensions", {}).get("code")
        return None if found is None else str(found)


class ConnectionLost(Exception):
    """A websocket ended before its subscription did."""


class Client:
    """One service and one token. `http` is for downloads and uploads, whose links need no token."""

    def __init__(self, url: str, token: str | None, http: aiohttp.ClientSession) -> None:
        self.url = url.rstrip("/").removesuffix("/graphql")
        self.http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._answered = False

    async def execute(self, document: str, variables: Mapping[str, Any]) -> Json:
        """The `data` of an operation. Raises ServiceRefused, also where nobody answers."""
        body = orjson.dumps({"query": document, "variables": variables})
        deadline, pause = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
        while True:
            try:
                return await self._post(body)
            except aiohttp.ClientConnectorError as error:
                # Nothing was sent: asking again is safe. One that never answered is not waited for.
                if not self._answered or time.monotonic() > deadline:
                    raise ServiceRefused(f"{self.url} does not answer ({error}): is the service running?") from error
            except (aiohttp.ClientError, TimeoutError) as error:
                raise ServiceRefused(f"{self.url} broke off: {str(error) or type(error).__name__}.") from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _post(self, body: bytes) -> Json:
        headers = self._headers | {"Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with self.http.post(f"{self.url}/graphql", data=body, headers=headers, timeout=timeout) as response:
            text = await response.read()
        self._answered = True
        try:
            answer = orjson.loads(text)
            errors, data = answer.get("errors") or [], answer.get("data")
        except (orjson.JSONDecodeError, AttributeError) as error:
            raise ServiceRefused(f"{self.url}/graphql is no GraphQL service: it answered {response.status}.") from error
        if response.status == 401:
            raise ServiceRefused(_no_token(bool(self._headers)), errors)
        if errors or data is None:
            raise ServiceRefused(_sentences(errors) or f"{self.url} answered {response.status} without data.", errors)
        return dict(data)

    async def mutate(self, document: str, variables: Mapping[str, Any]) -> Json:
        """A mutation's payload. Its errors as data are raised as ServiceRefused."""
        (payload,) = (await self.execute(document, variables)).values()
        if payload["errors"]:
            raise ServiceRefused(_sentences(payload["errors"]), payload["errors"])
        return dict(payload)

    async def follow(self, document: str, variables: Mapping[str, Any]) -> AsyncGenerator[Json, None]:
        """A subscription's frames until it is complete. Raises ServiceRefused."""
        lost_at, pause = None, FIRST_PAUSE_S
        while True:
            try:
                async with contextlib.aclosing(self._frames(document, variables)) as frames:
                    async for frame in frames:
                        lost_at, pause = None, FIRST_PAUSE_S
                        yield frame
                return
            except (aiohttp.ClientError, ConnectionLost, TimeoutError) as error:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > PATIENCE_S:
                    raise ServiceRefused(f"{self.url} is gone since {PATIENCE_S:.0f} s ({error}).") from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _frames(self, document: str, variables: Mapping[str, Any]) -> AsyncGenerator[Json, None]:
        connected = self.http.ws_connect(f"{self.url}/graphql", protocols=[PROTOCOL], heartbeat=HEARTBEAT_S)
        async with connected as socket:
            await socket.send_json({"type": "connection_init", "payload": self._headers})
            while True:
                message = await _received(socket, bool(self._headers))
                kind = message.get("type")
                if kind == "connection_ack":
                    payload = {"query": document, "variables": variables}
                    await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
                elif kind == "ping":
                    await socket.send_json({"type": "pong"})
                elif kind == "next":
                    yield _frame(message["payload"])
                elif kind == "error":
                    raise ServiceRefused(_sentences(message["payload"]), message["payload"])
                elif kind == "complete":
                    return


async def _received(socket: aiohttp.ClientWebSocketResponse, had_token: bool) -> Json:
    message = await socket.receive()
    if message.type is aiohttp.WSMsgType.TEXT:
        return dict(orjson.loads(message.data))
    if socket.close_code == FORBIDDEN:
        raise ServiceRefused(_no_token(had_token))
    raise ConnectionLost(f"the websocket closed with {socket.close_code}")


def _frame(payload: Json) -> Json:
    if payload.get("errors"):
        raise ServiceRefused(_sentences(payload["errors"]), payload["errors"])
    (frame,) = payload["data"].values()
    return dict(frame)


def _no_token(had_token: bool) -> str:
    wanted = "The service does not take this token" if had_token else "The service wants a token"
    return f"{wanted}: `./pixcrawler token` there prints one; give it with --token."


def _sentences(errors: list[Json]) -> str:
    """The errors' messages, each with the field that it is about."""
    told = []
    for error in errors[:5]:
        path = ".".join(str(part) for part in error.get("path") or () if part != "input")
        message = str(error.get("message") or "It failed without a reason.")
        told.append(f"{path}: {message}" if path and "code" in error else message)
    return " ".join(told)


@contextlib.asynccontextmanager
async def connected(url: str, token: str | None) -> AsyncIterator[Client]:
    """A client of the service at `url`, with or without `/graphql` at its end."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
    async with aiohttp.ClientSession(timeout=timeout, json_serialize=_to_json) as http:
        yield Client(url, token, http)


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()
