"""What every answer tells a browser, whatever it answers; and that pages may run nothing but our own files."""

from __future__ import annotations

import aiohttp
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from app.routes.security import SecurityMiddleware
from app.settings import settings

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("path", ["/graphql", "/healthz", "/nowhere", "/graphiql/nothing.js", "/files/x"])
async def test_every_answer_is_of_its_own_type_in_no_frame_and_tells_nobody_where_one_came_from(
    api: aiohttp.ClientSession, path: str
) -> None:
    async with api.get(path) as answer:
        assert answer.headers.getall("X-Content-Type-Options") == ["nosniff"]
        assert answer.headers.getall("Referrer-Policy") == ["no-referrer"]
        (policy,) = answer.headers.getall("Content-Security-Policy")
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "Strict-Transport-Security" not in answer.headers


async def test_the_page_runs_and_styles_itself_by_our_own_files_alone(api: aiohttp.ClientSession) -> None:
    async with api.get("/graphql", headers=HTML) as answer:
        (policy,) = answer.headers.getall("Content-Security-Policy")
        text = await answer.text()
    assert "unsafe" not in policy
    assert "http" not in policy
    for inline in ("<style", "style=", "<script>", "onclick=", "javascript:"):
        assert inline not in text


@pytest.mark.parametrize(
    ("public_url", "asked", "told"),
    [
        ("https://pix.example", "http", True),
        ("", "https", True),
        ("http://pix.example", "http", False),
    ],
)
async def test_browsers_stay_with_https_where_it_is_used(public_url: str, asked: str, told: bool) -> None:
    found = settings().model_copy(update={"public_url": public_url})
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    app = SecurityMiddleware(PlainTextResponse("x"), found)
    await app({"type": "http", "scheme": asked}, receive, send)
    assert (b"strict-transport-security" in dict(sent[0]["headers"])) is told
