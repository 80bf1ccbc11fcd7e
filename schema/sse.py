"""GraphQL over server-sent events, each operation on a request of its own ("distinct connections mode").

Asked like any other operation, with POST and `Accept: text/event-stream`; what the operation gives comes as `next`
events and the end as `complete`. The end of the token is the end of the stream, after an error that says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Send
from strawberry.types import ExecutionResult

from app.errors import Unauthenticated
from app.values import Viewer
from schema.answers import text_of
from schema.context import seconds_left
from schema.masking import told_of

MEDIA_TYPE = "text/event-stream"
JSON_KINDS = ("application/json", "application/graphql-response+json")
KEEP_ALIVE_S = 15.0
"""How often a comment is sent while nothing happens, seconds: proxies close what is silent for a minute."""
COMMENT = b":\n\n"
# An empty `data:` too, without which a browser's EventSource does not tell of the event.
COMPLETE = b"event: complete\ndata:\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Results = AsyncGenerator[ExecutionResult, None]


class EventStream(StreamingResponse):
    """A response that frees what its operation holds, however it ends."""

    def __init__(self, results: Results, viewer: Viewer) -> None:
        self._messages = _messages(results, viewer)
        super().__init__(self._messages, headers=HEADERS, media_type=MEDIA_TYPE)

    async def stream_response(self, send: Send) -> None:
        """Send until the operation, the token or the connection ends."""
        async with contextlib.aclosing(self._messages):
            await super().stream_response(send)


@functools.lru_cache(maxsize=256)
def accepts_events(accept: str) -> bool:
    """Whether an Accept header asks for events: they come before JSON there.

    urql names events after JSON on every query, and means "whichever you give"; it must get JSON.
    """
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return next((kind == MEDIA_TYPE for kind in kinds if kind == MEDIA_TYPE or kind in JSON_KINDS), False)


async def _messages(results: Results, viewer: Viewer) -> AsyncGenerator[bytes, None]:
    async with contextlib.aclosing(results):
        while True:
            # Asked for only once the last was sent: a slow client gets what is newest then.
            coming = asyncio.ensure_future(anext(results, None))
            try:
                while not await _is_over(coming, viewer):
                    yield COMMENT
                result = coming.result() if coming.done() else _ended()
            finally:
                coming.cancel()
                await asyncio.wait((coming,))
            if result is not None:
                yield (b"event: next\ndata: " + text_of(result).encode() + b"\n\n")
            if result is None or seconds_left(viewer) <= 0:
                yield COMPLETE
                return


async def _is_over(coming: asyncio.Future[Any], viewer: Viewer) -> bool:
    """Wait for as long as a stream may be silent: whether the result or the token's end came."""
    left = seconds_left(viewer)
    if left > 0:
        await asyncio.wait((coming,), timeout=min(left, KEEP_ALIVE_S))
    return coming.done() or left <= KEEP_ALIVE_S


def _ended() -> ExecutionResult:
    return ExecutionResult(None, [told_of(Unauthenticated("The token has ended."))])
