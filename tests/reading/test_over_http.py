"""GraphQL over HTTP as its specification has it: GET for queries, the type of the answer, what the status says."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import asyncpg
import pytest

from schema.limits import MAX_QUERY_STRING
from schema.reading.serve import Reads
from schema.responses import RESPONSE_TYPE, media_type_of
from tests.reading.served import made, serving
from tests.reading.world import OWNER, World

OWN = {"Authorization": "Bearer owner"}
ASKED = OWN | {"GraphQL-Require-Preflight": "1"}
VIEWER = "{ viewer { id } }"
BY_ID = "query A($id: ID!) { project(id: $id) { id } } query B { viewer { id } }"
RENAME = 'mutation($id: ID!) { rename(id: $id, name: "by GET") { errors } }'


async def got(client: aiohttp.ClientSession, headers: dict[str, str], **asked: str) -> tuple[int, Any]:
    """The status and the body of a GET's answer."""
    async with client.get("/graphql", params=asked, headers=headers) as response:
        return response.status, await response.json(content_type=None)


async def posted(client: aiohttp.ClientSession, accept: str, **asked: Any) -> tuple[int, str, Any]:
    """The status, the type and the body of a POST's answer."""
    async with client.post("/graphql", json=asked, headers=OWN | {"Accept": accept}) as response:
        return response.status, response.headers["content-type"], await response.json(content_type=None)


@pytest.mark.parametrize(
    "header",
    [
        {"GraphQL-Require-Preflight": "1"},
        {"Apollo-Require-Preflight": "true"},
        {"x-apollo-operation-name": "Mine"},
        {"Content-Type": "application/json"},
    ],
)
async def test_a_query_is_answered_to_a_get_with_a_header_that_pages_elsewhere_cannot_send(
    rows: World, header: dict[str, str]
) -> None:
    async with serving(made()) as client:
        status, found = await got(client, OWN | header, query=VIEWER)
        assert (status, found["data"]) == (200, {"viewer": {"id": f"Profile:{OWNER.id}"}})


async def test_a_get_has_variables_and_a_name(rows: World) -> None:
    project = f"Project:{rows.projects[0]}"
    async with serving(made()) as client:
        variables = json.dumps({"id": project})
        _, found = await got(client, ASKED, query=BY_ID, operationName="A", variables=variables, extensions="{}")
        assert found["data"] == {"project": {"id": project}}
        _, found = await got(client, ASKED, query=BY_ID, operationName="B", variables="", extensions="null")
        assert found["data"] == {"viewer": {"id": f"Profile:{OWNER.id}"}}


@pytest.mark.parametrize(
    ("headers", "asked", "status"),
    [
        ({}, {"query": VIEWER}, 401),
        (OWN, {"query": VIEWER}, 400),
        (OWN | {"Content-Type": "text/plain"}, {"query": VIEWER}, 400),
        (ASKED, {}, 400),
        (ASKED, {"query": ""}, 400),
        (ASKED, {"query": VIEWER, "variables": "{"}, 400),
        (ASKED, {"query": VIEWER, "variables": "[]"}, 400),
        (ASKED, {"query": VIEWER, "extensions": "3"}, 400),
        (ASKED, {"query": "#" * MAX_QUERY_STRING + VIEWER}, 413),
    ],
)
async def test_what_no_get_can_ask_is_refused(
    rows: World, headers: dict[str, str], asked: dict[str, str], status: int
) -> None:
    async with serving(made()) as client:
        found, body = await got(client, headers, **asked)
        assert found == status
        assert body["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("accept", ["application/json", RESPONSE_TYPE, "text/event-stream"])
async def test_a_get_changes_nothing(rows: World, connection: asyncpg.Connection, accept: str) -> None:
    project = rows.projects[0]
    async with serving(made()) as client:
        asked = {"query": RENAME, "variables": json.dumps({"id": f"Project:{project}"})}
        async with client.get("/graphql", params=asked, headers=ASKED | {"Accept": accept}) as response:
            assert response.status == 405
            assert response.headers["allow"] == "POST"
    assert await connection.fetchval("select name from projects where id = $1", project) != "by GET"


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "application/json"),
        (RESPONSE_TYPE, RESPONSE_TYPE),
        (f"{RESPONSE_TYPE}, application/json;q=0.9", RESPONSE_TYPE),
        (f"{RESPONSE_TYPE};charset=utf-8, application/json;charset=utf-8", RESPONSE_TYPE),
        (f"application/json, {RESPONSE_TYPE};q=0.5", "application/json"),
        (f"{RESPONSE_TYPE};q=0", "application/json"),
        (f"{RESPONSE_TYPE};q=much", "application/json"),
        ("APPLICATION/GraphQL-Response+JSON; Q=1, */*", RESPONSE_TYPE),
    ],
)
def test_the_answer_has_the_type_that_the_client_wants_most(accept: str, found: str) -> None:
    assert media_type_of(accept) == found


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{", {}),
        ("{ nothing }", {}),
        (BY_ID, {"id": "x"}),
        ("query($id: ID!) { project(id: $id) { id } }", {"id": None}),
        ("{ viewer { projects(first: 0) { totalCount } } }", {}),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }", {}),
        ('subscription { progress(id: "x") { version } }', {}),
    ],
)
async def test_what_cannot_be_run_has_status_400_for_those_who_know_the_newer_type(
    rows: World, query: str, variables: dict[str, Any]
) -> None:
    async with serving(made()) as client:
        status, media_type, found = await posted(client, RESPONSE_TYPE, query=query, variables=variables)
        assert (status, media_type) == (400, RESPONSE_TYPE)
        assert "data" not in found
        assert found["errors"]
        status, media_type, found = await posted(client, "application/json", query=query, variables=variables)
        assert (status, media_type) == (200, "application/json")
        assert found["data"] is None
        assert found["errors"]


@pytest.mark.parametrize(
    ("raised", "status"),
    [(KeyError("secret"), 500), (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), 503)],
)
async def test_what_fails_on_our_side_has_a_status_of_ours(
    rows: World, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int
) -> None:
    async def broken(*_: Any) -> Any:
        raise raised

    monkeypatch.setattr(Reads, "texts", broken)
    monkeypatch.setattr("schema.masking.log.error", lambda *_, **__: None)
    async with serving(made()) as client:
        found, _, body = await posted(client, RESPONSE_TYPE, query=VIEWER)
        assert found == status
        assert "secret" not in str(body)
        found, _, _ = await posted(client, "application/json", query=VIEWER)
        assert found == 200


async def test_refusals_come_in_the_type_that_was_asked_for(rows: World) -> None:
    async with serving(made()) as client:
        assert (await posted(client, RESPONSE_TYPE, query=3))[:2] == (400, RESPONSE_TYPE)
        assert (await posted(client, "*/*", query=3))[:2] == (400, "application/json")


async def test_no_cache_keeps_an_answer(rows: World) -> None:
    async with serving(made()) as client:
        for headers in (OWN, {}):
            async with client.post("/graphql", json={"query": VIEWER}, headers=headers) as response:
                assert response.headers["cache-control"] == "no-store"
