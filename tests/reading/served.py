"""The endpoint on a real server, over a schema whose mutations and subscriptions name rows and do little else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import strawberry
import uvicorn

from app.database import acquire
from app.errors import NotFound, Unauthenticated
from app.values import Viewer
from schema.context import Context
from schema.http import GraphQLApp
from schema.reading.declare import one, ref
from schema.reading.ids import int_key
from schema.root import PixSchema, build_schema
from schema.types.crawl_job import CrawlJob
from schema.types.project import Project
from tests.reading.world import ADMIN, OWNER, STRANGER

Info = strawberry.Info[Context, None]
OWN = "owner"
TOKENS = {OWN: OWNER, "stranger": STRANGER, "admin": ADMIN}


@strawberry.type
class RenamePayload:
    """A project and what was wrong."""

    project: Project | None = one(description="")
    errors: list[str] = strawberry.field(default_factory=list)


@strawberry.type
class Mutation:
    """A mutation that names a row."""

    @strawberry.mutation
    async def rename(self, id: strawberry.ID, name: str) -> RenamePayload:
        """Rename a project and name it."""
        key = int_key(str(id), "Project")
        if key is None:
            return RenamePayload(errors=["missing"])
        async with acquire() as connection:
            await connection.execute("update projects set name = $1 where id = $2", name, key)
        return RenamePayload(project=ref("Project", key))


@strawberry.type
class Progress:
    """A frame."""

    version: int
    crawl_job: CrawlJob = one(description="")


followed: list[int] = []
"""The jobs that somebody follows just now."""


@strawberry.type
class Subscription:
    """Subscriptions that count."""

    @strawberry.subscription
    async def progress(
        self, info: Info, id: strawberry.ID, frames: int = 3, wait: bool = False
    ) -> AsyncGenerator[Progress, None]:
        """Some frames of a crawl job; `wait` holds the last back for ever."""
        key = int_key(str(id), "CrawlJob")
        if key is None:
            raise NotFound("No such crawl job.")
        followed.append(key)
        try:
            for version in range(frames):
                yield Progress(version=version, crawl_job=ref("CrawlJob", key, version))
            if wait:
                await asyncio.Event().wait()
        finally:
            followed.remove(key)


async def authenticate(token: str) -> Viewer:
    """A viewer by their name; `brief` is the owner for half a second."""
    if token == "brief":
        return Viewer(OWNER.id, expires_at=datetime.now(UTC) + timedelta(seconds=0.5))
    if token not in TOKENS:
        raise Unauthenticated("This token does not hold.")
    return TOKENS[token]


def made() -> PixSchema:
    """The schema with the roots above."""
    return build_schema(mutation=Mutation, subscription=Subscription)


@contextlib.asynccontextmanager
async def serving(on: PixSchema) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the endpoint on a server of its own."""
    config = uvicorn.Config(
        GraphQLApp(authenticate, on), port=0, lifespan="off", log_level="critical", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        await server.shutdown()


async def post(client: aiohttp.ClientSession, query: str, token: str = OWN, **more: Any) -> Any:
    """The body of an operation's answer."""
    headers = {"Authorization": f"Bearer {token}"}
    async with client.post("/graphql", json={"query": query, **more}, headers=headers) as response:
        assert response.status == 200
        return await response.json()


@contextlib.asynccontextmanager
async def socket(client: aiohttp.ClientSession, token: str = OWN) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A websocket that has been acknowledged."""
    async with client.ws_connect("/graphql", protocols=("graphql-transport-ws",)) as ws:
        await ws.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        assert (await ws.receive_json(timeout=5))["type"] == "connection_ack"
        yield ws


async def subscribe(ws: aiohttp.ClientWebSocketResponse, query: str, id: str = "1", **more: Any) -> list[Any]:
    """The messages of an operation until it is over."""
    await ws.send_json({"type": "subscribe", "id": id, "payload": {"query": query, **more}})
    found: list[Any] = []
    while not found or found[-1]["type"] not in ("complete", "error"):
        found.append(await ws.receive_json(timeout=5))
    return found
