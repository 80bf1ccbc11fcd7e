"""Single-page apps of other origins: those that the setting names, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from app.settings import settings
from tests.support.service import Person, person, running_api

HOME = "https://app.example.org"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest_asyncio.fixture
async def visitor(db: object, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    """Somebody of a service that lets one other origin in."""
    monkeypatch.setenv("PIXCRAWLER_CORS_ORIGINS", f"{HOME}, https://other.example.org")
    settings.cache_clear()
    async with running_api() as url, person(url) as somebody:
        yield somebody
    monkeypatch.undo()
    settings.cache_clear()


async def _preflight(visitor: Person, origin: str) -> aiohttp.ClientResponse:
    headers = {"Origin": origin, **PREFLIGHT}
    async with visitor.session.options(f"{visitor.url}/graphql", headers=headers) as response:
        return response


async def test_a_named_origin_may_send_operations_with_a_token(visitor: Person) -> None:
    response = await _preflight(visitor, HOME)
    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == HOME
    assert "authorization" in response.headers["Access-Control-Allow-Headers"].lower()


async def test_another_origin_is_let_in_nowhere(visitor: Person) -> None:
    response = await _preflight(visitor, "https://evil.example.org")
    assert "Access-Control-Allow-Origin" not in response.headers
    headers = {"Origin": "https://evil.example.org", "Authorization": f"Bearer {visitor.token}"}
    body = {"query": "{ viewer { id } }"}
    async with visitor.session.post(f"{visitor.url}/graphql", json=body, headers=headers) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_without_the_setting_no_origin_is_let_in(owner: Person) -> None:
    response = await _preflight(owner, HOME)
    assert "Access-Control-Allow-Origin" not in response.headers
