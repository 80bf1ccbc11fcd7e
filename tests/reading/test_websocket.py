"""graphql-transport-ws over a real websocket: who may connect, for how long, and what one hears."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

import schema.websocket
from tests.reading.served import followed, made, serving, socket, subscribe
from tests.reading.world import OWNER, World

WATCH = "subscription($id: ID!) { progress(id: $id) { version crawlJob { id } } }"


async def test_a_subscriber_hears_frames_and_the_end(rows: World) -> None:
    job = f"CrawlJob:{rows.jobs[0]}"
    async with serving(made()) as client, socket(client) as ws:
        *found, last = await subscribe(ws, WATCH, variables={"id": job})
        assert last == {"type": "complete", "id": "1"}
        frame = {"progress": {"version": 0, "crawlJob": {"id": job}}}
        assert found[0] == {"type": "next", "id": "1", "payload": {"data": frame}}
        assert len(found) == 3


async def test_queries_and_mutations_are_answered_too(rows: World) -> None:
    async with serving(made()) as client, socket(client) as ws:
        found = await subscribe(ws, "{ viewer { id } }")
        assert found[0]["payload"]["data"] == {"viewer": {"id": f"Profile:{OWNER.id}"}}
        rename = 'mutation($id: ID!) { rename(id: $id, name: "x") { project { name } } }'
        found = await subscribe(ws, rename, variables={"id": f"Project:{rows.projects[0]}"})
        assert found[0]["payload"]["data"] == {"rename": {"project": {"name": "x"}}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (WATCH, "NOT_FOUND"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", ""),
        ("{ projects(first: 0) { totalCount } }", "INVALID"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }", "LIMIT_EXCEEDED"),
    ],
)
async def test_what_cannot_be_answered_is_an_error_message_and_the_connection_lives(
    rows: World, query: str, expected: str
) -> None:
    async with serving(made()) as client, socket(client) as ws:
        found = await subscribe(ws, query, variables={"id": "CrawlJob:x"} if query == WATCH else {})
        if expected:
            (message,) = found
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == expected
        assert (await subscribe(ws, "{ __typename }", id="2"))[0]["payload"]["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"Authorization": "Bearer nobody"},
        {"Authorization": "owner"},
        {"Authorization": 3},
        {"authorization": "Bearer owner"},
    ],
)
async def test_without_a_token_that_holds_the_connection_is_closed_with_4403(rows: World, payload: Any) -> None:
    message = {"type": "connection_init"} | ({} if payload is None else {"payload": payload})
    async with serving(made()) as client, client.ws_connect("/graphql", protocols=("graphql-transport-ws",)) as ws:
        await ws.send_json(message)
        assert (await ws.receive(timeout=5)).type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 4403


async def test_subscribing_before_saying_who_one_is_closes_the_connection(rows: World) -> None:
    async with serving(made()) as client, client.ws_connect("/graphql", protocols=("graphql-transport-ws",)) as ws:
        await ws.send_json({"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}})
        await ws.receive(timeout=5)
        assert ws.close_code == 4401


async def test_the_connection_ends_with_the_token(rows: World) -> None:
    query = "subscription($id: ID!) { progress(id: $id, wait: true) { version } }"
    async with serving(made()) as client, socket(client, "brief") as ws:
        variables = {"id": f"CrawlJob:{rows.jobs[0]}"}
        await ws.send_json({"type": "subscribe", "id": "1", "payload": {"query": query, "variables": variables}})
        while (message := await ws.receive(timeout=5)).type == aiohttp.WSMsgType.TEXT:
            pass
        assert message.type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 4403


async def test_the_server_pings(rows: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema.websocket, "PING_S", 0.05)
    async with serving(made()) as client, socket(client) as ws:
        assert await ws.receive_json(timeout=5) == {"type": "ping"}
        await ws.send_json({"type": "pong"})
        assert await ws.receive_json(timeout=5) == {"type": "ping"}


async def test_a_connection_has_a_limit_of_operations(rows: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema.websocket, "MAX_OPERATIONS", 2)
    query = "subscription($id: ID!) { progress(id: $id, frames: 0, wait: true) { version } }"
    async with serving(made()) as client, socket(client) as ws:
        for id in ("1", "2", "3"):
            variables = {"id": f"CrawlJob:{rows.jobs[0]}"}
            await ws.send_json({"type": "subscribe", "id": id, "payload": {"query": query, "variables": variables}})
        message = await ws.receive_json(timeout=5)
        assert (message["type"], message["id"]) == ("error", "3")
        assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        await ws.send_json({"type": "complete", "id": "1"})
        assert (await subscribe(ws, "{ __typename }", id="4"))[-1]["type"] == "complete"


async def test_the_older_protocol_is_not_spoken(rows: World) -> None:
    async with serving(made()) as client, client.ws_connect("/graphql", protocols=("graphql-ws",)) as ws:
        await ws.receive(timeout=5)
        assert ws.close_code == 4406


@pytest.mark.parametrize("how", ["complete", "close", "vanish"])
async def test_a_client_that_leaves_frees_what_it_held(rows: World, how: str) -> None:
    query = "subscription($id: ID!) { progress(id: $id, frames: 1, wait: true) { version } }"
    async with serving(made()) as client, socket(client) as ws:
        for id in ("1", "2", "3"):
            variables = {"id": f"CrawlJob:{rows.jobs[0]}"}
            await ws.send_json({"type": "subscribe", "id": id, "payload": {"query": query, "variables": variables}})
            assert (await ws.receive_json(timeout=5))["type"] == "next"
        assert len(followed) == 3
        if how == "complete":
            for id in ("1", "2", "3"):
                await ws.send_json({"type": "complete", "id": id})
        elif how == "close":
            await ws.close()
        else:
            ws._response.connection.transport.abort()  # type: ignore[union-attr] # the cable is pulled
        async with asyncio.timeout(5):
            while followed:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(("origin", "taken"), [("same", True), ("https://elsewhere.example", False)])
async def test_pages_of_other_origins_do_not_connect_unless_they_are_allowed(
    rows: World, origin: str, taken: bool
) -> None:
    async with serving(made()) as client:
        headers = {"Origin": str(client._base_url.origin()) if origin == "same" else origin}  # type: ignore[union-attr] # it has one
        if taken:
            async with client.ws_connect("/graphql", protocols=("graphql-transport-ws",), headers=headers) as ws:
                assert not ws.closed
        else:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect("/graphql", protocols=("graphql-transport-ws",), headers=headers)
            assert refused.value.status == 403
