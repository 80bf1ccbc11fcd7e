"""The limit: a bare Starlette application that hands the text of written `json_agg` statements through.

    python -m tests.bench.graphql_peers.limit FD

It serves the socket `FD`, with what uvicorn our API has. It checks nobody's token and knows four statements.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.database import POOL_SERVES, credentials
from app.settings import settings

PAGE = """
select json_build_object('crawlJob', json_build_object('id', j.id, 'images', json_build_object(
    'nodes', coalesce((select json_agg(r) from (select * from page limit 100) r), '[]')%s)))::text
from crawl_jobs j join projects p on p.id = j.project_id where j.id = $2 and p.user_id = $1"""
STATEMENTS = {
    "Q1": """
select json_build_object('crawlJob', json_build_object('id', j.id, 'name', j.name, 'status', j.status,
    'progress', j.progress, 'maxImages', j.max_images, 'totalImages', j.total_images,
    'downloadedImages', j.downloaded_images, 'validImages', j.valid_images, 'createdAt', j.created_at,
    'updatedAt', j.updated_at))::text
from crawl_jobs j join projects p on p.id = j.project_id where j.id = $2 and p.user_id = $1""",
    "Q2": """
select json_build_object('viewer', json_build_object('id', $1::uuid, 'projects',
    json_build_object('nodes', json_agg(p))))::text
from (select id, name, (select json_build_object('nodes', coalesce(json_agg(j), '[]')) from (
    select id, name, status, (select json_build_object('nodes', coalesce(json_agg(i), '[]')) from (
        select id, filename, original_url "originalUrl", status, width, height from images
        where crawl_job_id = crawl_jobs.id order by id limit 10) i) images
    from crawl_jobs where project_id = projects.id order by id limit 5) j) "crawlJobs"
from projects where user_id = $1 order by id limit 20) p""",
    "Q3": """with page as (select id, original_url "originalUrl", filename, status, width, height, file_size "fileSize",
    created_at "createdAt" from images where crawl_job_id = $2 order by id limit 100)"""
    + PAGE % "",
    "Q4": """with page as materialized (select id, filename, width, height, created_at "createdAt" from images
    where crawl_job_id = $2 and id > $3 order by id limit 101)"""
    + PAGE
    % """, 'pageInfo', json_build_object('hasNextPage', (select count(*) > 100 from page),
    'endCursor', (select max(id) from (select id from page limit 100) e))""",
}

WIRE: dict[str, Any] = {"server_settings": {"plan_cache_mode": "force_generic_plan", "jit": "off"}}
"""Planned once: the best plans of these statements do not depend on their values."""


async def as_it_is(_: asyncpg.Connection) -> None:
    """A connection goes back to the pool without a round trip."""


def application(viewer: uuid.UUID) -> Starlette:
    """Statements by the operation's name."""
    held: list[asyncpg.Pool] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        given = credentials(settings().database_url)
        async with asyncpg.create_pool(**given, **WIRE, reset=as_it_is, min_size=1, max_size=POOL_SERVES) as pool:
            held.append(pool)
            yield

    async def answer(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        values = [viewer, *asked["variables"].values()]
        text = await held[0].fetchval(STATEMENTS[asked["query"]], *values)
        return Response(b'{"data":' + text.encode() + b"}", media_type="application/json")

    return Starlette(routes=[Route("/graphql", answer, methods=["POST"])], lifespan=lifespan)


def main() -> None:
    """Serve until ended."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    served = application(uuid.UUID(os.environ["VIEWER"]))
    config = uvicorn.Config(served, loop="uvloop", http="httptools", lifespan="on", log_level="critical")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
