"""The service as a client meets it: the API over real HTTP and websockets, workers beside it, tokens for people."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import uvicorn

from app import auth
from app.progress import hub

DEADLINE_S = 30.0


@contextlib.asynccontextmanager
async def running_api() -> AsyncIterator[str]:
    """Serve the whole application on a free loopback port; its address."""
    from app.main import create_app

    config = uvicorn.Config(
        create_app(lifespan=None), host="127.0.0.1", port=0, lifespan="off", log_level="error", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    news = asyncio.create_task(hub().run())
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: _value(server.started))
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
        news.cancel()
        await asyncio.gather(news, return_exceptions=True)


@contextlib.asynccontextmanager
async def running_worker(only: str | None = None) -> AsyncIterator[None]:
    """Work in this process, with this process's database and Redis."""
    from workers.engine import open_engine
    from workers.main import work

    async with open_engine(fetches=only != "export") as engine:
        working = asyncio.create_task(work(engine, only))
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def _value(value: bool) -> bool:
    return value


async def until(holds: Callable[[], Awaitable[Any]], deadline_s: float = DEADLINE_S) -> Any:
    """Wait until `holds` gives something true, and give it; TimeoutError after `deadline_s` seconds."""
    ends_s = time.monotonic() + deadline_s
    while True:
        found = await holds()
        if found:
            return found
        if time.monotonic() > ends_s:
            raise TimeoutError(f"not within {deadline_s} s")
        await asyncio.sleep(0.02)


@dataclass
class Person:
    """Somebody with a token, and a client that sends it."""

    url: str
    token: str
    session: aiohttp.ClientSession

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to an operation."""
        body = {"query": query, "variables": variables}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.post(f"{self.url}/graphql", json=body, headers=headers) as response:
            found: dict[str, Any] = await response.json(content_type=None)
        return found

    async def get(self, query: str, **variables: Any) -> Any:
        """The data of an operation that must succeed."""
        answer = await self.ask(query, **variables)
        assert not answer.get("errors"), answer
        return answer["data"]

    async def do(self, mutation: str, /, **variables: Any) -> dict[str, Any]:
        """The payload of a mutation written as `name($x: T!) … {fields}`; its errors are the caller's to look at."""
        data = await self.get(mutation, **variables)
        (payload,) = data.values()
        return dict(payload)

    async def project(self, name: str = "Cats") -> str:
        """A new project's id."""
        made = await self.do(
            "mutation($n: String!) { createProject(input: {name: $n}) { project { id } errors { message } } }", n=name
        )
        return str(made["project"]["id"])

    async def crawl(self, **given: Any) -> str:
        """A new crawl job's id; `given` are fields of CreateCrawlJobInput, a project is made unless told."""
        given.setdefault("projectId", None)
        given["projectId"] = given["projectId"] or await self.project()
        made = await self.do(CREATE, input={"name": "Job", **given})
        assert not made["errors"], made
        return str(made["crawlJob"]["id"])

    async def job(self, key: str) -> dict[str, Any]:
        """A crawl job's numbers."""
        return dict((await self.get(JOB, id=key))["crawlJob"])

    async def ended(self, key: str, deadline_s: float = DEADLINE_S) -> dict[str, Any]:
        """The crawl job's numbers once it is over."""

        async def over() -> dict[str, Any] | None:
            job = await self.job(key)
            return job if job["status"] in ("COMPLETED", "FAILED", "CANCELLED") else None

        return dict(await until(over, deadline_s))


CREATE = """mutation($input: CreateCrawlJobInput!) {
  createCrawlJob(input: $input) { crawlJob { id } errors { code message path limit actual allowed } } }"""
JOB = """query($id: ID!) { crawlJob(id: $id) { id status progress totalImages downloadedImages validImages totalChunks
  activeChunks completedChunks failedChunks chunkProgress taskIds errorMessage maxImages
  sources { name found state message } } }"""


def entries(*urls: str, keyword: str | None = None) -> list[dict[str, Any]]:
    """A URL list source."""
    return [{"urlList": {"entries": [{"url": url, "keyword": keyword} for url in urls]}}]


@contextlib.asynccontextmanager
async def person(url: str, role: str = "user") -> AsyncIterator[Person]:
    """Somebody new."""
    token = await auth.issue_token(f"{uuid.uuid4()}@example.org", role)
    async with aiohttp.ClientSession() as session:
        yield Person(url, token, session)
