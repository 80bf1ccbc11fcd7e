"""Requests that are meant to hurt are answered clearly, and whoever comes next is served as before."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest

from tests.reading.served import serving
from tests.reading.world import World
from tests.support.abuse import ABUSE, HARMLESS

HEADERS = {"Authorization": "Bearer owner", "Content-Type": "application/json"}
CODES = ("INVALID", "LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")


def refusals(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """What was wrong, of the operation or as a mutation's data."""
    if "errors" in answer:
        return [error["extensions"] for error in answer["errors"]]
    return [error for payload in answer["data"].values() for error in (payload or {}).get("errors", ())]


@pytest.mark.parametrize("what", ABUSE)
async def test_what_is_meant_to_hurt_is_refused_clearly(rows: World, what: str) -> None:
    from schema.root import schema

    async with serving(schema) as client:
        async with client.post("/graphql", data=io.BytesIO(ABUSE[what]), headers=HEADERS) as response:
            assert response.status in (200, 400, 413)
            text = await response.text()
            answer = await response.json()
        if what in HARMLESS:
            assert set(answer["data"].values()) == {None}
        else:
            found = refusals(answer)
            assert found
            assert {one["code"] for one in found} <= set(CODES)
        assert len(text) < 20_000
        await _is_served(client)


async def _is_served(client: aiohttp.ClientSession) -> None:
    async with client.post("/graphql", json={"query": "{ viewer { id } }"}, headers=HEADERS) as response:
        assert (await response.json())["data"]["viewer"]["id"]


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "3",
        "null",
        '"subscribe"',
        "{}",
        '{"type": 3}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": ["1"], "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1", "payload": "{ __typename }"}',
        '{"type": "complete", "id": {}}',
        '{"type": "nothing"}',
        "{" * 10_000,
        '{"type": "ping", "payload": "' + "x" * 2**20 + '"}',
    ],
)
async def test_a_message_of_another_form_closes_its_websocket_and_no_other(rows: World, message: str) -> None:
    from schema.root import schema
    from tests.reading.served import socket, subscribe

    async with serving(schema) as client, socket(client) as other, socket(client) as ws:
        await ws.send_str(message)
        while not ws.closed:
            await ws.receive(timeout=5)
        assert ws.close_code in (4400, 1009)
        assert (await subscribe(other, "{ __typename }"))[-1]["type"] == "complete"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"query": None},
        {"query": 3},
        {"query": "{ __typename }", "variables": []},
        {"query": "{ __typename }", "operationName": {}},
        {"query": "{ __typename }", "extensions": 3},
        {"query": "{ viewer { " + "id " * 9_000 + "} }"},
    ],
)
async def test_an_operation_of_another_form_is_an_error_on_its_websocket(rows: World, payload: Any) -> None:
    from schema.root import schema
    from tests.reading.served import socket, subscribe

    async with serving(schema) as client, socket(client) as ws:
        await ws.send_json({"type": "subscribe", "id": "1", "payload": payload})
        message = await ws.receive_json(timeout=5)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] in CODES
        assert (await subscribe(ws, "{ __typename }"))[-1]["type"] == "complete"
