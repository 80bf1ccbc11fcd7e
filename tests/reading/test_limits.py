"""Operations that are too large are refused before they cost much, each with its limit."""

from __future__ import annotations

import time
from typing import Any

import pytest

from schema import limits
from schema.documents import Documents
from schema.root import build_schema
from tests.reading.world import World, ask, code, data


def nested(levels: int) -> str:
    """A query that goes up and down between project and user."""
    return "{ viewer {" + " projects { nodes { user {" * (levels // 3) + " id " + "}}}" * (levels // 3) + "}}"


@pytest.mark.parametrize(
    ("query", "what"),
    [
        (nested(27), "levels"),
        ("{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }", "aliases"),
        (
            "{ viewer { ...F } projects { nodes { user { ...F } } } } fragment F on Profile { "
            + " ".join(f"a{n}: id" for n in range(16))
            + " }",
            "aliases",
        ),
        ("{ viewer { " + "id " * 501 + "} }", "fields"),
        ("{ __typename" + " @aa" * 10 + " }", "directives"),
        ("query" + " @aa" * 5 + " { ... " + "@include(if: true) " * 4 + "{ __typename } }", "directives"),
        ("{ viewer { " + "id " * 80 + "} }", "pairs"),
        ("{ viewer { " + "projects(first: 1) { nodes { id name } } " * 50 + "} }", "pairs"),
        (
            "{ viewer { ...A ...B } } fragment A on Profile { "
            + "id " * 40
            + "} fragment B on Profile { "
            + "id " * 40
            + "}",
            "pairs",
        ),
        ("{ nodes(ids: " + "[" * 101 + "]" * 101 + ") { id } }", "brackets"),
        ("{ viewer { id } } " + "#\n" * 2_000, "words and signs"),
        (f"{{ {'a' * 64}: viewer {{ id }} }}", "63 characters"),
    ],
)
async def test_an_operation_that_is_too_large_is_refused_with_its_limit(rows: World, query: str, what: str) -> None:
    answer = await ask(query)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["extensions"]["limit"]
    assert what in error["message"]


async def test_what_lies_within_the_limits_is_answered(rows: World) -> None:
    await data("{ " + " ".join(f"a{n}: __typename" for n in range(30)) + " }")
    await data("{ viewer { " + "id " * 60 + "} }")
    await data(f"{{ {'a' * 63}: viewer {{ id }} }}")


async def test_links_below_each_other_end_somewhere(rows: World) -> None:
    query = "{ viewer { exportJobs { nodes { crawlJob { project { user { id } } } } } } }"
    await data(query)
    # Twenty-two levels of fields, thirteen of them links.
    query = "{ viewer " + "{ projects { nodes { user " * 6 + "{ id }" + " } } }" * 6 + " }"
    assert query.count("{") < limits.MAX_DEPTH
    assert await code(query) == "LIMIT_EXCEEDED"


async def test_a_statement_that_is_too_long_is_refused(rows: World) -> None:
    page = """{ totalCount pageInfo { startCursor endCursor } edges { cursor node { id status issues { code message }
      provenance { source title creator license } } } }"""
    jobs = " ".join(f'j{n}: crawlJob(id: "CrawlJob:1") {{ images {page} }}' for n in range(25))
    answer = await ask(f"{{ {jobs} }}")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "in parts" in error["message"]


async def test_at_most_100_ids_at_once(rows: World) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert len((await data(query, {"ids": ["x"] * 100}))["nodes"]) == 100
    assert await code(query, {"ids": ["x"] * 101}) == "INVALID"


async def test_a_document_of_too_many_tokens_does_not_parse(rows: World) -> None:
    query = "query($x: [ID!]!) { nodes(ids: $x) { id } } # " + "\n" + "{ a }" * 4000
    assert await code(query, {"x": []}) == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    "fragments",
    ["fragment A on Profile { id ...A }", "fragment A on Profile { ...B } fragment B on Profile { ...A }"],
)
async def test_a_fragment_within_itself_is_refused(rows: World, fragments: str) -> None:
    answer = await ask(f"{{ viewer {{ ...A }} }} {fragments}")
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


async def test_hostile_documents_are_refused_quickly(rows: World) -> None:
    hostile = [
        "{ viewer { "
        + " ".join(f"...F{n}" for n in range(490))
        + " } } "
        + " ".join(f"fragment F{n} on Profile {{ id }}" for n in range(490)),
        "{ viewer { " + "id " * 3000 + "} }",
        "{ viewer { ...F0 } } "
        + " ".join(f"fragment F{n} on Profile {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60))
        + " fragment F60 on Profile { id }",
        "{ viewer " + "{ projects { nodes { user " * 300 + "{ id }" + "} } }" * 300 + " }",
    ]
    for query in hostile:
        begun = time.perf_counter()
        answer = await ask(query)
        assert answer["errors"]
        assert time.perf_counter() - begun < 1


async def test_a_known_document_is_not_parsed_or_validated_again(rows: World) -> None:
    fresh = build_schema()
    for n in range(5):
        await ask("query($n: Int) { viewer { projects(first: $n) { totalCount } } }", {"n": n + 1}, on=fresh)
        await ask("{ nonsense }", on=fresh)
    assert fresh.documents.misses == 2


async def test_what_is_known_is_bounded_and_its_plans_go_with_it(rows: World) -> None:
    fresh = build_schema()
    fresh.documents = Documents(fresh._schema, fresh.reads, introspection=True, once=200)
    queries = [f"{{ viewer {{ id a{n}: email }} }}" for n in range(30)]
    for query in [*queries, *queries[-2:]]:
        assert (await ask(query, on=fresh))["errors"] == []
    assert (fresh.documents.misses, fresh.reads.plans.misses) == (30, 30)
    assert len(fresh.reads.plans._kept) == len(fresh.reads.plans._operations) <= 8


async def test_the_schema_is_shown_or_not_as_the_setting_says(rows: World) -> None:
    query = '{ __schema { queryType { name } } __type(name: "Image") { name } viewer { id } }'
    shown = await ask(query, on=build_schema(introspection=True))
    assert shown["errors"] == []
    assert shown["data"]["__schema"] == {"queryType": {"name": "Query"}}
    assert shown["data"]["viewer"]["id"]
    closed = build_schema(introspection=False)
    for one, variables in (
        ("{ viewer { emai } }", {}),
        ("query($f: ImageFilter) { node(id: $f) { id } }", {"f": {"statu": 1}}),
    ):
        assert "Did you mean" not in str((await ask(one, variables, on=closed))["errors"])
    hidden = await ask(query, on=closed)
    assert {error["extensions"]["code"] for error in hidden["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert (await ask("{ __typename }", on=build_schema(introspection=False)))["data"] == {"__typename": "Query"}


async def test_the_whole_introspection_query_is_answered(rows: World) -> None:
    from graphql import build_client_schema, get_introspection_query

    found: Any = await data(get_introspection_query(descriptions=True))
    assert build_client_schema(found).query_type is not None
