"""Whether an answer is JSON or a stream of events follows the client's Accept header."""

from __future__ import annotations

import asyncpg
import pytest

from tests.support.service import Person

EVENTS, JSON = "text/event-stream", "application/json"
RESPONSE = "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        pytest.param(EVENTS, EVENTS, id="events alone"),
        pytest.param(f"{EVENTS}, {JSON}", EVENTS, id="events before JSON"),
        pytest.param(f"{RESPONSE}, application/graphql+json, {JSON}, {EVENTS}, multipart/mixed", JSON, id="urql's"),
        pytest.param("*/*", JSON, id="anything"),
    ],
)
async def test_what_a_client_names_first_is_what_it_gets(
    owner: Person, db: asyncpg.Connection, accept: str, kind: str
) -> None:
    headers = {"Authorization": f"Bearer {owner.token}", "Accept": accept}
    body = {"query": "{ viewer { id } }"}
    async with owner.session.post(f"{owner.url}/graphql", json=body, headers=headers) as response:
        # A client that accepts the newer media type of answers may be given that one.
        given = response.content_type.replace(RESPONSE, JSON)
        assert (response.status, given) == (200, kind)
        await response.read()
