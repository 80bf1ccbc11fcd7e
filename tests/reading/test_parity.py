"""Every way out gives the same answer, and leaving implied visibility out changes none."""

from __future__ import annotations

import random

import pytest

from app.values import Viewer
from schema.root import build_schema
from tests.reading.operations import Maker
from tests.reading.world import VIEWERS, World, ask

EVERY_PREDICATE = build_schema(elide=False)

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


@pytest.mark.parametrize("seed", range(60))
async def test_a_random_operation_is_answered_alike_whichever_way_it_goes(rows: World, seed: int) -> None:
    query, variables = Maker(random.Random(seed), rows).operation()
    for viewer in VIEWERS:
        passed = await ask(query, variables, viewer)
        assert passed["errors"] == [], query
        assert await ask(query, variables, viewer, walked=True) == passed
        assert await ask(query, variables, viewer, on=EVERY_PREDICATE) == passed
        # The second time the plan is known.
        assert await ask(query, variables, viewer) == passed


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
