"""Requests that are meant to hurt are answered clearly, and whoever comes next is served as before."""

from __future__ import annotations

import asyncio
import gzip
import io
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from graphql import get_introspection_query

from schema import websocket
from schema.rules import MAX_ERRORS, MAX_ERRORS_OF_A_VALUE
from tests.reading.served import made, post, serving, socket, subscribe
from tests.reading.world import World
from tests.support.abuse import ABUSE
from tests.support.configured import configured

HEADERS = {"Authorization": "Bearer owner", "Content-Type": "application/json"}
CODES = ("INVALID", "LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")


@pytest.fixture(autouse=True)
def unlimited() -> Iterator[None]:
    """As often as the tests please: large documents count as many requests."""
    with configured(PIXCRAWLER_RATE_PER_USER="0", PIXCRAWLER_RATE_PER_ADDRESS="0"):
        yield


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
        found = refusals(answer)
        assert found
        assert {one["code"] for one in found} <= set(CODES)
        assert len(text) < 20_000
        await _is_served(client)


@pytest.mark.parametrize(
    ("method", "query", "headers", "body", "status", "told"),
    [
        ("GET", {"query": "{ viewer { id } } #" + "x" * 20_000}, {"GraphQL-Require-Preflight": "1"}, b"", 413, "16384"),
        ("GET", {"query": "{ viewer { id } }", "variables": "{" * 2_000}, {}, b"", 400, "`variables` is not JSON"),
        ("GET", {"query": "mutation { rename(id: 1, name: 2) { errors } }"}, {}, b"", 405, "POST"),
        ("PUT", {}, {}, b"{}", 405, "POST"),
        ("POST", {}, {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--" * 1_000, 415, "application/json"),
        ("POST", {}, {"Content-Type": "text/plain"}, b'{"query": "{ viewer { id } }"}', 415, "application/json"),
        ("POST", {}, {"Content-Type": "application/x-www-form-urlencoded"}, b"query=%7B%7D", 415, "application/json"),
        ("POST", {}, {"Content-Type": ""}, b"{}", 415, "application/json"),
        ("POST", {}, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 2**20), 415, "Content-Encoding"),
        ("POST", {}, {"Accept": ", " * 3_000 + "*/*"}, b"[]", 400, "one JSON object"),
    ],
)
async def test_a_request_of_another_form_is_refused_with_what_would_be_right(
    rows: World, method: str, query: dict[str, str], headers: dict[str, str], body: bytes, status: int, told: str
) -> None:
    async with serving(made()) as client:
        async with client.request(method, "/graphql", params=query, data=body, headers=HEADERS | headers) as response:
            assert response.status == status
            (error,) = (await response.json())["errors"]
        assert told in error["message"]
        assert error["extensions"]["code"] in CODES
        await _is_served(client)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"f": {"status": ["VALI"] * 20_000}}, "does not exist"),
        ({"f": {f"statu{n}": 1 for n in range(900)}}, "not to include"),
        ({"f": {f"statu{n}": 1 for n in range(1_001)}}, "1000 members"),
        ({"f": {"status": ["VALID"] * 21_001}}, "21000 items"),
        ({"f": {"search": "x" * 65_537}}, "65536 characters"),
    ],
)
async def test_wrong_variables_are_told_by_a_few_errors(rows: World, variables: Any, told: str) -> None:
    query = 'query($f: ImageFilter) { crawlJob(id: "x") { images(filter: $f) { totalCount } } }'
    async with (
        serving(made()) as client,
        client.post("/graphql", json={"query": query, "variables": variables}, headers=HEADERS) as response,
    ):
        errors = (await response.json())["errors"]
    assert 1 <= len(errors) <= MAX_ERRORS + 1
    assert told in errors[0]["message"]


async def test_a_document_with_many_faults_hears_of_the_first_few(rows: World) -> None:
    query = "{ viewer { " + " ".join(f"crawlJobStatistic{n}" for n in range(400)) + " } }"
    async with serving(made()) as client, client.post("/graphql", json={"query": query}, headers=HEADERS) as response:
        errors = (await response.json())["errors"]
    assert len(errors) == MAX_ERRORS + 1
    assert "Too many" in errors[-1]["message"]


async def test_a_value_with_many_faults_hears_of_the_first_few_and_the_next_value_too(rows: World) -> None:
    wrong = "filter: { " + ", ".join(f"nam{n}: 1" for n in range(200)) + " }"
    query = f"{{ viewer {{ a: projects({wrong}) {{ totalCount }} b: projects({wrong}) {{ totalCount }} }} }}"
    async with serving(made()) as client, client.post("/graphql", json={"query": query}, headers=HEADERS) as response:
        errors = (await response.json())["errors"]
    assert len(errors) == 2 * MAX_ERRORS_OF_A_VALUE


async def test_the_schema_is_described_once_in_an_operation_and_not_thirty_times(rows: World) -> None:
    async with serving(made()) as client:
        whole = await post(client, get_introspection_query(descriptions=True, input_value_deprecation=True))
        assert whole["data"]["__schema"]["types"]
        told = "types { name fields { name args { name type { name } } type { name fields { name } } } }"
        bomb = "{ " + " ".join(f"a{n}: __schema {{ {told} }}" for n in range(20)) + " }"
        (error,) = (await post(client, bomb))["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert int(error["extensions"]["actual"]) > int(error["extensions"]["limit"])


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

    async with serving(schema) as client, socket(client) as other, socket(client) as ws:
        await ws.send_str(message)
        while not ws.closed:
            await ws.receive(timeout=5)
        assert ws.close_code in (4400, 1009)
        assert (await subscribe(other, "{ __typename }"))[-1]["type"] == "complete"


async def test_a_websocket_that_never_says_who_asks_is_closed(rows: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "INIT_S", 0.2)
    async with serving(made()) as client, client.ws_connect("/graphql", protocols=("graphql-transport-ws",)) as ws:
        await ws.send_json({"type": "ping"})
        assert (await ws.receive_json(timeout=5))["type"] == "pong"
        while not ws.closed:
            await ws.receive(timeout=5)
        assert ws.close_code == 4408


async def test_a_binary_message_closes_its_websocket(rows: World) -> None:
    async with serving(made()) as client, socket(client) as ws:
        await ws.send_bytes(b"\xff" * 1_000)
        while not ws.closed:
            await ws.receive(timeout=5)
        assert ws.close_code == 4400


async def test_a_flood_of_large_operations_on_a_websocket_is_answered_and_others_are_served_meanwhile(
    rows: World,
) -> None:
    async with serving(made()) as client, socket(client) as ws, socket(client, "stranger") as other:
        for n in range(20):
            query = f"{{ viewer {{ id }} }} # {n}\n" + "#\n" * 1_900
            await ws.send_json({"type": "subscribe", "id": str(n), "payload": {"query": query}})
        assert (await subscribe(other, "{ viewer { id } }"))[-1]["type"] == "complete"
        ended: set[str] = set()
        while len(ended) < 20:
            message = await ws.receive_json(timeout=5)
            if message["type"] in ("complete", "error"):
                ended.add(message["id"])


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

    async with serving(schema) as client, socket(client) as ws:
        await ws.send_json({"type": "subscribe", "id": "1", "payload": payload})
        message = await ws.receive_json(timeout=5)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] in CODES
        assert (await subscribe(ws, "{ __typename }"))[-1]["type"] == "complete"


async def test_of_one_users_large_requests_four_wait_and_one_more_is_told_to_come_again(rows: World) -> None:
    documents = [f"{{ viewer {{ id }} }} # {n}\n" + "#\n" * 1_500 for n in range(12)]
    variables = {"ids": ["x" * 1_000] * 99}

    async with serving(made()) as client:

        async def ask(query: str, token: str, **more: Any) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {token}"}
            async with client.post("/graphql", json={"query": query, **more}, headers=headers) as response:
                return response.status, await response.json()

        of_one = [ask(document, "owner", variables=variables) for document in documents]
        others = ask("{ viewer { id } }", "stranger")
        *answers, other = await asyncio.gather(*of_one, others)
        assert other[0] == 200
        refused = [answer for status, answer in answers if status == 429]
        assert len(refused) < len(answers)
        assert {answer["errors"][0]["extensions"]["limit"] for answer in refused} <= {"4 at once"}
        for document in documents:
            assert (await ask(document, "owner", variables=variables))[1]["data"]["viewer"]["id"]
