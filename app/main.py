"""The roof of the API process: routes, middleware, lifespan. No logic."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute

from app import queue
from app.auth import check_configuration, viewer_of
from app.database import connected
from app.log import configure
from app.progress import hub
from app.routes.files import routes as file_routes
from app.routes.graphiql import routes as graphiql_routes
from app.routes.health import routes as health_routes
from app.routes.latency import LatencyMiddleware
from app.routes.ledgers import routes as ledger_routes
from app.routes.metrics import routes as metrics_routes
from app.routes.security import SecurityMiddleware
from app.settings import Settings, settings
from schema.http import GraphQLApp
from schema.requests import PREFLIGHTED

CORS_MAX_AGE_S = 600
COLLECTING = (5_000, 10, 10)
"""Objects more, and rounds over younger ones, before garbage is looked for: the rare round over all that documents are
kept as stops all clients for some hundredths of a second."""
TURN_S = 0.0005
"""How long a thread that reads a document keeps everyone else waiting, seconds."""

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Hold the pool, the hub and Redis open while the process serves."""
    found = settings()
    configure(found.log_level, as_json=found.log_json, process="api")
    check_configuration(found)
    async with connected(role="api", statement_timeout_s=found.operation_timeout_s):
        gc.collect()
        gc.freeze()  # what the process is made of stays: collecting it again and again stops all clients for 0.1 s
        gc.set_threshold(*COLLECTING)
        sys.setswitchinterval(TURN_S)
        news = asyncio.create_task(hub().run())
        try:
            yield
        finally:
            news.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await news
            await queue.close()


def create_app(lifespan: Lifespan | None = lifespan) -> Starlette:
    """The ASGI application; tests that hold the database themselves give no lifespan."""
    graphql = GraphQLApp(authenticate=viewer_of)
    return Starlette(
        routes=[
            *graphiql_routes(settings()),
            Route("/graphql", graphql, methods=["POST", "GET"]),
            WebSocketRoute("/graphql", graphql.handle_websocket),
            *ledger_routes(),
            *file_routes(),
            *health_routes(),
            *metrics_routes(),
        ],
        middleware=_middleware(settings()),
        lifespan=lifespan,
    )


def _middleware(found: Settings) -> list[Middleware]:
    inside: list[Middleware] = [Middleware(LatencyMiddleware), Middleware(SecurityMiddleware, found=found)]
    if found.origins:
        options: dict[str, Any] = {
            "allow_origins": list(found.origins),
            "allow_methods": ["GET", "POST", "PUT", "OPTIONS"],
            "allow_headers": ["authorization", "content-type", "range", *PREFLIGHTED],
            "expose_headers": ["content-range", "content-disposition", "etag", "retry-after"],
            "max_age": CORS_MAX_AGE_S,
        }
        inside.insert(0, Middleware(CORSMiddleware, **options))
    return inside


def __getattr__(name: str) -> Starlette:
    # `uvicorn app.main:app`; made on first use, so that importing this module reads no environment.
    if name == "app":
        return create_app()
    raise AttributeError(name)
