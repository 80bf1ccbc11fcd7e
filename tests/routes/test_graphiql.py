"""A browser at /graphql gets a page made of our own files; programs get what they always got."""

from __future__ import annotations

import re

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from app.routes.graphiql import FILES, SERVED, routes
from app.settings import settings

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_a_browser_gets_the_page_and_all_that_it_names(api: aiohttp.ClientSession) -> None:
    async with api.get("/graphql", headers=HTML) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    named = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', text)
    assert len(named) == 7
    for path in named:
        async with api.get(path) as answer:
            assert answer.status == 200, path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_programs_are_not_given_the_page(api: aiohttp.ClientSession) -> None:
    async with api.get("/graphql", headers={"Accept": "application/json"}) as answer:
        assert answer.status == 401
    async with api.post("/graphql", json={"query": "{ __typename }"}, headers=HTML) as answer:
        assert answer.status == 401


async def test_no_other_file_is_given(api: aiohttp.ClientSession) -> None:
    for name in ("index.html", "README.md", "..%2f..%2fgraphiql.py", "%2e%2e", "nothing.js"):
        async with api.get(f"/graphiql/{name}") as answer:
            assert answer.status == 404, name


def test_nothing_is_asked_of_another_host() -> None:
    for path in FILES.iterdir():
        if path.suffix in (".html", ".css") or path.name == "page.js":
            assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\(['\"]?(?:https?:)?//|import\(", path.read_text())
    assert set(SERVED) <= {path.name for path in FILES.iterdir()}


def test_the_licenses_of_all_that_is_bundled_are_beside_it() -> None:
    text = (FILES / "LICENSES.txt").read_text()
    for name in ("graphiql 3.9.0", "react 18.3.1", "react-dom 18.3.1", "graphql-ws 5.16.2", "codemirror 5"):
        assert f"\n{name}" in text


async def _status(app: Starlette, path: str) -> int:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"accept", b"text/html")]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b"", "root_path": ""}
    await app(scope, receive, send)
    return int(sent[0]["status"])


async def test_where_it_is_switched_off_there_is_no_page() -> None:
    async def plain(_: Request) -> PlainTextResponse:
        return PlainTextResponse("not a page", 405)

    off = settings().model_copy(update={"graphiql": False})
    app = Starlette(routes=[*routes(off), Route("/graphql", plain)])
    assert await _status(app, "/graphql") == 405
    assert await _status(app, "/graphiql/page.js") == 404
