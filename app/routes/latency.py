"""How long each request takes, by route: the histogram of `app/metrics.py`."""

from __future__ import annotations

import functools
import time

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import REQUEST_SECONDS

METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")
ROUTES = ("graphql", "files", "healthz", "readyz", "metrics")
OTHER = "other"
EVENTS = b"text/event-stream; charset=utf-8"


class LatencyMiddleware:
    """Observes every HTTP request until its last byte, and an event stream until its first.

    Labels are from closed lists: a client cannot make new ones.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as ASGI; a websocket passes unobserved."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started_s = time.perf_counter()
        status, ended_s = 500, None

        async def watch(message: Message) -> None:
            nonlocal status, ended_s
            if message["type"] == "http.response.start":
                status = message["status"]
                if (b"content-type", EVENTS) in message["headers"]:
                    ended_s = time.perf_counter()
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            first = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
            route = first if first in ROUTES else OTHER
            method = scope["method"] if scope["method"] in METHODS else OTHER
            _series(route, method, status // 100).observe((ended_s or time.perf_counter()) - started_s)


@functools.cache
def _series(route: str, method: str, hundreds: int) -> Histogram:
    """The histogram of one set of labels; there are few."""
    return REQUEST_SECONDS.labels(route, method, f"{hundreds}xx")
