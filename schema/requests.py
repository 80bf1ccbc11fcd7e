"""What an HTTP request asks for: one operation, in a JSON body or in a query string. Answers nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request

from app.errors import Invalid, LimitExceeded, OperationTimeout, Unauthenticated
from schema.limits import MAX_BODY, MAX_ITEMS, MAX_MEMBERS, MAX_QUERY_STRING, MAX_TEXT
from schema.trusted import Trusted

JSON_TYPE = "application/json"
MAX_DRAINED = 16 * MAX_BODY
"""Bytes that are thrown away of a request that is too large: a client that is cut off while it sends hears nothing."""
LARGE_BODY = 2**16
"""Bytes of a body from which on it is read when it is its turn: the largest take a hundredth of a second."""
BYTES_OF_A_REQUEST = 2**14
"""So much of a large body, with what is then done with it, takes about as long as some small requests."""
BODY_S = 30.0
"""How long a request's body may take to come, seconds."""
PREFLIGHTED = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")
"""Headers that a page of another origin cannot send unless the service has allowed it."""


Turn = Callable[[int], AbstractAsyncContextManager[None]]
"""Counts so many requests, then waits until nothing else that is large is being read."""


class WrongType(Invalid):
    """The body is not said to be JSON."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for."""

    query: str
    variables: dict[str, Any] | None
    name: str | None


async def read(request: Request, trusted: Trusted, turn: Turn) -> Operation:
    """The operation of a GET or a POST; what does not hold one is refused with an `AppError`."""
    if request.method == "GET":
        return operation_of(_query_string(request), trusted)
    body = await _body(request)
    async with turn(len(body) // BYTES_OF_A_REQUEST) if len(body) > LARGE_BODY else contextlib.nullcontext():
        return operation_of(parsed(body), trusted)


def bearer(header: str) -> str:
    """The token of an Authorization header; `Unauthenticated` without one."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send a token: `Authorization: Bearer …`.")
    return token.strip()


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON_TYPE


async def _body(request: Request) -> bytes:
    if not _is_json(request):
        raise WrongType(f"Send the operation as {JSON_TYPE}.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise WrongType("Send the body as it is: one with a `Content-Encoding` is not unpacked here.")
    try:
        async with asyncio.timeout(BODY_S):
            body, size = await _received(request)
    except ClientDisconnect as error:
        raise Invalid("The body ended before its end.") from error
    except TimeoutError as error:
        raise OperationTimeout(
            f"The body of a request comes within {BODY_S:g} seconds.", limit=f"{BODY_S:g} s"
        ) from error
    if size > MAX_BODY:
        raise LimitExceeded(
            f"A request has at most {MAX_BODY} bytes; upload long lists as files.", limit=f"{MAX_BODY} bytes"
        )
    return bytes(body)


async def _received(request: Request) -> tuple[bytearray, int]:
    """The body, and its size; of one that is too large only its beginning."""
    body, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BODY:
            body += part
        elif size > MAX_DRAINED:
            break
    return body, size


def parsed(body: bytes) -> dict[str, Any]:
    """The members of a request's body; `Invalid` unless it is one JSON object."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise Invalid("The body is one JSON object; operations are not batched.")
    return found


def _query_string(request: Request) -> dict[str, Any]:
    if not _is_json(request) and not any(name in request.headers for name in PREFLIGHTED):
        raise Invalid(f"A GET needs a header that no page of another origin can send: `{PREFLIGHTED[0]}: 1`.")
    text: bytes = request.scope["query_string"]
    if len(text) > MAX_QUERY_STRING:
        raise LimitExceeded(
            f"A query string has at most {MAX_QUERY_STRING} bytes; send the operation with POST.",
            limit=f"{MAX_QUERY_STRING} bytes",
        )
    found: dict[str, Any] = dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True))
    for name in ("variables", "extensions"):
        if name in found:
            found[name] = _json(found[name], name)
    return found


def _json(text: str, name: str) -> Any:
    try:
        return orjson.loads(text or "null")
    except orjson.JSONDecodeError as error:
        raise Invalid(f"`{name}` is not JSON.", path=[name]) from error


def operation_of(members: Mapping[str, Any], trusted: Trusted) -> Operation:
    """The operation that these members are; `Invalid` names the first that is not as GraphQL has it."""
    variables, name = members.get("variables"), members.get("operationName")
    text = trusted.text(members.get("query"), members.get("documentId"))
    for one in ("variables", "extensions"):
        if not isinstance(members.get(one), dict | None):
            raise Invalid(f"`{one}` is an object.", path=[one])
    if not isinstance(name, str | None):
        raise Invalid("`operationName` is a text.", path=["operationName"])
    _within("query", "characters", len(text), MAX_TEXT)
    if variables:
        _within_limits(variables)
    return Operation(text, variables, name or None)


def _within(member: str, what: str, actual: int, limit: int) -> None:
    if actual > limit:
        raise LimitExceeded(
            f"`{member}` has at most {limit} {what}, not {actual}.", path=[member], limit=str(limit), actual=str(actual)
        )


def _within_limits(variables: dict[str, Any]) -> None:
    """`LimitExceeded` where lists, objects or texts inside the variables are too large."""
    found = 0
    open_: list[Any] = [variables]
    while open_:
        one = open_.pop()
        if type(one) is list:
            found += len(one)
            _within("variables", "items in lists", found, MAX_ITEMS)
        else:
            _within("variables", "members in one object", len(one), MAX_MEMBERS)
        for value in one if type(one) is list else one.values():
            kind = type(value)
            if kind is dict or kind is list:
                open_.append(value)
            elif kind is str and len(value) > MAX_TEXT:
                _within("variables", "characters in one text", len(value), MAX_TEXT)
