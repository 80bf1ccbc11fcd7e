"""The endpoint over real HTTP: who may ask, what a request is, and how much of one is read."""

from __future__ import annotations

import io
from typing import Any

import pytest

from schema.limits import MAX_BODY
from tests.reading.served import made, post, serving
from tests.reading.world import OWNER, World

OWN = {"Authorization": "Bearer owner"}


async def test_an_operation_is_answered_as_json(rows: World) -> None:
    async with serving(made()) as client:
        body = {"query": "query A { viewer { id } } query B($n: Int) { projects(first: $n) { nodes { id } } }"}
        async with client.post("/graphql", json={**body, "operationName": "A"}, headers=OWN) as response:
            assert response.status == 200
            assert response.headers["content-type"] == "application/json"
            assert (await response.json())["data"] == {"viewer": {"id": f"Profile:{OWNER.id}"}}
        found = await post(client, body["query"], operationName="B", variables={"n": 2})
        assert len(found["data"]["projects"]["nodes"]) == 2
        found = await post(client, body["query"], operationName="C")
        assert found["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "owner"},
        {"Authorization": "Basic owner"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nobody"},
    ],
)
async def test_without_a_token_that_holds_nothing_is_answered(rows: World, headers: dict[str, str]) -> None:
    async with (
        serving(made()) as client,
        client.post("/graphql", json={"query": "{ __typename }"}, headers=headers) as response,
    ):
        assert response.status == 401
        assert response.headers["www-authenticate"] == "Bearer"
        (error,) = (await response.json())["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert error["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"3", 400),
        (b"null", 400),
        (b'[{"query": "{ __typename }"}]', 400),
        (b"{}", 400),
        (b'{"query": null}', 400),
        (b'{"query": 3}', 400),
        (b'{"query": " "}', 400),
        (b'{"query": "{ __typename }", "variables": []}', 400),
        (b'{"query": "{ __typename }", "operationName": {}}', 400),
        (b'{"query": "{ __typename }", "variables": null, "operationName": null, "extensions": {}}', 200),
        (b'{"query": "{ __typename }", "extensions": []}', 400),
        (b'{"query": "{ __typename }", "extensions": {"a": 1}, "more": 3}', 200),
        (b"\xff\xfe", 400),
    ],
)
async def test_a_body_is_one_operation(rows: World, body: bytes, status: int) -> None:
    headers = {**OWN, "Content-Type": "application/json; charset=utf-8"}
    async with serving(made()) as client, client.post("/graphql", data=body, headers=headers) as response:
        assert response.status == status
        found = await response.json()
        if status != 200:
            assert found["errors"][0]["extensions"]["code"] == "INVALID"


async def test_other_methods_and_other_types_of_body_are_refused(rows: World) -> None:
    async with serving(made()) as client:
        async with client.put("/graphql", json={"query": "{ __typename }"}, headers=OWN) as response:
            assert response.status == 405
            assert response.headers["allow"] == "GET, POST"
        async with client.post(
            "/graphql", data=b"{ __typename }", headers={**OWN, "Content-Type": "text/plain"}
        ) as response:
            assert response.status == 415


@pytest.mark.parametrize("told", [True, False])
async def test_a_request_that_is_too_large_is_not_read(rows: World, told: bool) -> None:
    size = MAX_BODY + 1

    async def parts() -> Any:
        for _ in range(size // 2**16 + 1):
            yield b"x" * 2**16

    body: Any = io.BytesIO(b"x" * size) if told else parts()
    headers = {**OWN, "Content-Type": "application/json"}
    async with serving(made()) as client, client.post("/graphql", data=body, headers=headers) as response:
        assert response.status == 413
        (error,) = (await response.json())["errors"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert error["extensions"]["limit"] == f"{MAX_BODY} bytes"


async def test_a_subscription_needs_a_websocket(rows: World) -> None:
    async with serving(made()) as client:
        found = await post(client, 'subscription { progress(id: "x") { version } }')
        (error,) = found["errors"]
        assert "over a websocket, or as server-sent events" in error["message"]
