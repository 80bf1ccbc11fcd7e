"""Every way out gives the same answer, and leaving implied visibility out changes none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from app.database import acquire
from app.values import Viewer
from schema.context import Context
from schema.documents import Documents
from schema.responses import RESPONSE_TYPE, answered
from schema.root import PixSchema, build_schema, schema
from tests.reading.holdings import Holdings, look
from tests.reading.operations import ROOTS, operations
from tests.reading.world import ADMIN, VIEWERS, World, ask

EVERY_PREDICATE = build_schema(elide=False)
LONG_WAY = build_schema()
"""It keeps no documents, so each operation goes Strawberry's way."""
LONG_WAY.documents = Documents(LONG_WAY._schema, LONG_WAY.reads, introspection=True, size=0, once=0)
EACH = settings().max_examples // len(ROOTS)
"""Examples for each field of the root, of those that the profile has for a test. Up to ten no two are much alike."""
REFUSALS = {"INVALID", "LIMIT_EXCEEDED"}
"""With what an operation may be refused that the schema allows."""

BY_HAND = [
    "query($on: Boolean!) { viewer { id @include(if: $on) a: email @skip(if: $on) } }",
    # Names that the statement has itself are nothing special in an answer.
    "query($on: Boolean!) { viewer { r: email t1: id place: role c: createdAt projects @include(if: $on) "
    "{ edges { t4: cursor r: node { r: id t5: name } node { id } n: node { t6: id } } } } }",
    "query($on: Boolean!) { viewer { projects { edges { node { id @skip(if: $on) } } nodes { id @skip(if: $on) } } } }",
    "query($on: Boolean!) { viewer { ...A ...A id @include(if: $on) } } fragment A on Profile { projects { ...P } } "
    "fragment P on ProjectConnection { nodes { id } nodes { name crawlJobs { nodes { id } } } totalCount }",
    'query($on: Boolean!) { nodes(ids: ["Image:1", "CrawlJob:1", "Project:1", "x", "Image:1"]) { __typename '
    "id @skip(if: $on) ... on Image { a: downloadUrl b: filename } ... on ExportJob { a: downloadUrl } "
    "... on CrawlJob { b: name } } }",
    "query($on: Boolean!) { a: __typename viewer { __typename projects { __typename edges { __typename } pageInfo "
    "{ __typename startCursor @include(if: $on) } } } }",
    "query($on: Boolean!) { viewer { projects(last: 2) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    " edges { cursor } totalCount @include(if: $on) } } }",
    "query($on: Boolean!) { viewer { exportJobs { nodes { downloadUrl user { id } crawlJob { images { nodes { "
    "downloadUrl @include(if: $on) quality { sharpness grayscale @skip(if: $on) } issues { code measured limit } "
    "provenance { source extra } } } } } } } }",
]


@dataclass(frozen=True)
class Said:
    """An answer over HTTP: its status and its body, with spaces and escapes in one manner."""

    text: str
    body: dict[str, Any]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """What was wrong."""
        found: list[dict[str, Any]] = self.body.get("errors", [])
        return found

    def texts(self) -> set[str]:
        """All texts of the data."""
        return {one for one in _leaves(self.body.get("data")) if isinstance(one, str)}


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    else:
        yield value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, whose keys the answer holds once each."""
    found = dict(pairs)
    assert len(found) == len(pairs), pairs
    return found


async def said(on: PixSchema, query: str, variables: dict[str, Any], viewer: Viewer, *, walked: bool = False) -> Said:
    """What a client is sent."""
    response = answered(await on.execute(query, variables, Context(viewer, walked=walked)), RESPONSE_TYPE)
    body = json.loads(bytes(response.body), object_pairs_hook=_once)
    return Said(f"{response.status_code} {json.dumps(body)}", body)


@pytest_asyncio.fixture(scope="module")
async def holdings(rows: World) -> Holdings:
    """What the rows hold."""
    async with acquire() as connection:
        return await look(connection)


@pytest.mark.parametrize("root", ROOTS)
@settings(max_examples=EACH)
@given(data=st.data())
async def test_an_operation_is_answered_alike_whichever_way_it_goes(
    holdings: Holdings, root: str, data: st.DataObject
) -> None:
    made = data.draw(operations(holdings, root))
    before = await ask(made.text, made.variables, ADMIN) if made.cursors else {"data": None}
    asked = made.text, made.following(before["data"])
    schema.documents.get(made.text)  # a text that is known takes the short way
    for viewer in VIEWERS:
        answer = await said(schema, *asked, viewer)
        assert not {one["extensions"]["code"] for one in answer.errors} - REFUSALS
        assert not answer.texts() & holdings.hidden[viewer]
        assert answer.text == (await said(LONG_WAY, *asked, viewer)).text
        assert answer.text == (await said(LONG_WAY, *asked, viewer, walked=True)).text
        assert answer.text == (await said(EVERY_PREDICATE, *asked, viewer)).text
    event("refused" if answer.errors else "answered")


@pytest.mark.parametrize("query", BY_HAND)
@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("viewer", VIEWERS)
async def test_awkward_operations_are_answered_alike(rows: World, query: str, on: bool, viewer: Viewer) -> None:
    passed = await ask(query, {"on": on}, viewer)
    assert passed["errors"] == []
    assert await ask(query, {"on": on}, viewer, walked=True) == passed
    assert await ask(query, {"on": on}, viewer, on=EVERY_PREDICATE) == passed


async def test_a_plain_resolver_stands_beside_what_is_compiled(rows: World) -> None:
    answer = await ask("{ sources { name available terms } viewer { id projects(first: 1) { nodes { id } } } }")
    assert answer["errors"] == []
    assert {"openverse", "url_list"} <= {source["name"] for source in answer["data"]["sources"]}
    alone = await ask("{ viewer { id projects(first: 1) { nodes { id } } } }")
    assert answer["data"]["viewer"] == alone["data"]["viewer"]
