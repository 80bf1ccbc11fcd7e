"""What an operation costs, and that one which costs too much is refused before anything is read or done."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from schema.context import Context
from schema.limits import MAX_MUTATIONS
from schema.root import schema
from tests.reading.served import made, post, serving, socket, subscribe
from tests.reading.world import OWNER, STRANGER, World
from tests.support.configured import configured

DASHBOARD = """query($projects: Int = 20, $jobs: Int, $on: Boolean = true) { viewer { projects(first: $projects) {
  nodes { id name crawlJobs(first: $jobs) @include(if: $on) { nodes { id name
  images(first: 10) { nodes { id filename } } } } } } } }"""
TREE = "{ viewer { projects { nodes { crawlJobs { nodes { images { nodes { id } } } } } } } }"
DEEP = """{ viewer { projects(first: 100) { nodes { crawlJobs(first: 100) { nodes {
  images(first: 3) { nodes { id } } } } } } } }"""


async def cost(query: str, /, **variables: Any) -> dict[str, int]:
    """What an operation is told to cost; it must succeed."""
    result = await schema.execute(query, variables, Context(OWNER))
    assert not result.errors, result.errors
    assert result.extensions is not None
    return dict(result.extensions["cost"])


@pytest.mark.parametrize(
    ("query", "variables", "points"),
    [
        ("{ __typename }", {}, 0),
        ("{ __schema { types { name fields { name } } } }", {}, 0),
        ("{ viewer { id email } }", {}, 1),
        ("{ a: viewer { id } b: viewer { id } }", {}, 2),
        # A list is its size times its rows, each with what is selected of it.
        ("{ viewer { projects { nodes { id } } } }", {}, 2 + 25),
        ("{ viewer { projects(last: 3) { nodes { id } } } }", {}, 2 + 3),
        ("{ viewer { projects(first: 3) { edges { cursor node { id user { id } } } } } }", {}, 2 + 3 * 2),
        ("{ viewer { projects(first: 3) { pageInfo { hasNextPage } nodes { id } } } }", {}, 2 + 3),
        ("{ viewer { projects(first: 3) { totalCount } } }", {}, 2 + 10),
        ("{ viewer { projects(first: 3) { totalCount nodes { crawlJobs { totalCount } } } } }", {}, 2 + 10 + 3 * 12),
        # Statistics pass over all rows, and so does each way in which they group.
        ("{ viewer { imageStatistics { count bytes } } }", {}, 1 + 10),
        ("{ viewer { imageStatistics { byHost { groups { key } } byStatus { count } } } }", {}, 1 + 10 + 11 + 10),
        (DASHBOARD, {"jobs": 5}, 2 + 20 * (2 + 5 * (2 + 10))),
        (DASHBOARD, {"jobs": 2, "projects": 7}, 2 + 7 * (2 + 2 * (2 + 10))),
        (DASHBOARD, {"on": False}, 2 + 20),
        # What several fragments select is read once.
        (
            "{ viewer { ...A ...B } } fragment A on Profile { projects { nodes { id } } } "
            "fragment B on Profile { projects { nodes { name } } }",
            {},
            2 + 25,
        ),
        (
            '{ node(id: "x") { id ... on CrawlJob { images(first: 7) { nodes { id } } } ... on Image { id } } }',
            {},
            2 + 7,
        ),
        ("query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Image { crawlJob { id } } } }", {"ids": ["x"] * 9}, 18),
    ],
)
async def test_an_operation_costs_about_one_point_for_each_row(
    rows: World, query: str, variables: dict[str, Any], points: int
) -> None:
    assert await cost(query, **variables) == {"requested": points, "limit": 20_000}
    # The second time the plan is known, and other sizes have another price.
    assert (await cost(query, **variables))["requested"] == points


async def test_three_lists_of_the_usual_size_inside_each_other_are_answered(rows: World) -> None:
    assert (await cost(TREE))["requested"] == 2 + 25 * (2 + 25 * (2 + 25))


async def test_what_costs_too_much_is_refused_with_its_cost_before_anything_is_read(rows: World) -> None:
    before = schema.reads.statements
    result = await schema.execute(DEEP, None, Context(OWNER))
    assert result.data is None
    (error,) = result.errors or []
    points = 2 + 100 * (2 + 100 * (2 + 3))
    assert error.extensions == {"code": "LIMIT_EXCEEDED", "limit": "20000", "actual": str(points)}
    assert str(points) in error.message
    assert result.extensions == {"cost": {"requested": points, "limit": 20_000}}
    assert schema.reads.statements == before


async def test_the_variables_decide(rows: World) -> None:
    with configured(PIXCRAWLER_MAX_COST="120"):
        assert await cost(DASHBOARD, jobs=1, projects=8) == {"requested": 114, "limit": 120}
        result = await schema.execute(DASHBOARD, {"jobs": 1, "projects": 9}, Context(OWNER))
        assert result.errors


async def test_a_page_of_a_wrong_size_is_told_as_such(rows: World) -> None:
    for size in (0, -5, 101, 2**31 - 1):
        result = await schema.execute(DASHBOARD, {"jobs": size, "projects": 1}, Context(OWNER))
        (error,) = result.errors or []
        assert (error.extensions or {})["code"] == "INVALID"


async def test_the_cost_comes_with_the_answer_over_http_and_a_websocket(rows: World) -> None:
    async with serving(made()) as client:
        found = await post(client, "{ viewer { projects(first: 4) { nodes { id } } } }")
        assert found["extensions"] == {"cost": {"requested": 6, "limit": 20_000}}
        assert (await post(client, DEEP))["extensions"]["cost"]["requested"] == 50_202
        async with socket(client) as ws:
            first, _ = await subscribe(ws, "{ viewer { projects(first: 4) { nodes { id } } } }")
            assert first["payload"]["extensions"] == {"cost": {"requested": 6, "limit": 20_000}}


async def test_a_mutation_that_costs_too_much_does_nothing(rows: World, connection: asyncpg.Connection) -> None:
    project = rows.projects[0]
    query = """mutation($id: ID!, $n: Int = 100) { rename(id: $id, name: "too dear") { project { id
      crawlJobs(first: $n) { nodes { images(first: $n) { nodes { nearDuplicates(first: $n) { nodes {
      id } } } } } } } } }"""
    async with serving(made()) as client:
        refused = await post(client, query, variables={"id": f"Project:{project}"})
        (error,) = refused["errors"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert await connection.fetchval("select name from projects where id = $1", project) != "too dear"
        done = await post(client, query, variables={"id": f"Project:{project}", "n": 2})
        assert done["data"]["rename"]["project"]["id"] == f"Project:{project}"
        assert done["extensions"]["cost"]["requested"] == int(error["extensions"]["actual"]) - _difference(100, 2)


def _difference(many: int, few: int) -> int:
    """What the images of a mutation's jobs cost more at `many` than at `few`."""

    def points(n: int) -> int:
        return n * (2 + n * (1 + 10 + n))

    return points(many) - points(few)


async def test_a_subscription_whose_frames_cost_too_much_does_not_begin(rows: World) -> None:
    query = """subscription($id: ID!, $n: Int) { progress(id: $id) { version crawlJob { project {
      crawlJobs(first: $n) { nodes { images(first: $n) { nodes { crawlJob { id } } } } } } } } }"""
    async with serving(made()) as client, socket(client) as ws:
        variables = {"id": f"CrawlJob:{rows.jobs[0]}", "n": 100}
        (message,) = await subscribe(ws, query, variables=variables)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        found = await subscribe(ws, query, variables={**variables, "n": 2})
        assert found[-1]["type"] == "complete"
        assert "errors" not in found[0]["payload"]


@pytest.mark.parametrize(
    "query",
    [
        "mutation {{ {0} }}",
        "mutation {{ ...A ...B }} fragment A on Mutation {{ {0} }} fragment B on Mutation {{ __typename }}",
        "mutation {{ ... on Mutation {{ {0} }} }}",
    ],
)
async def test_an_operation_has_a_limit_of_mutations(rows: World, query: str) -> None:
    async with serving(made()) as client:
        renamed = " ".join(
            f'm{n}: rename(id: "Project:x", name: "y") {{ errors project {{ id }} }}' for n in range(MAX_MUTATIONS + 1)
        )
        refused = await post(client, query.format(renamed))
        (error,) = refused["errors"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert error["extensions"]["limit"] == str(MAX_MUTATIONS)
        few = " ".join(f'm{n}: rename(id: "Project:x", name: "y") {{ errors }}' for n in range(MAX_MUTATIONS - 1))
        assert len((await post(client, query.format(few)))["data"]) >= MAX_MUTATIONS - 1


async def test_what_a_stranger_asks_costs_the_same(rows: World) -> None:
    query = f'{{ crawlJob(id: "CrawlJob:{rows.jobs[0]}") {{ images(first: 9) {{ nodes {{ id }} }} }} }}'
    result = await schema.execute(query, None, Context(STRANGER))
    assert (result.extensions or {})["cost"] == await cost(query)
