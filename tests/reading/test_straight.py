"""The second time a query comes it takes the short way: what the client hears is the same."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schema.context import Context
from schema.responses import answered
from schema.root import build_schema
from tests.reading.world import OWNER, STRANGER, World
from tests.support.configured import configured

JOB = "query($job: ID!) { crawlJob(id: $job) { id name images(first: 2) { nodes { id downloadUrl } } } }"


def body(result: Any) -> dict[str, Any]:
    """What is sent."""
    return dict(orjson.loads(answered(result, "application/json").body))


@pytest.mark.parametrize(
    ("query", "variables", "name"),
    [
        (JOB, {"job": "CrawlJob:{job}"}, None),
        (JOB, {"job": None}, None),
        (JOB, {}, None),
        ("query($n: Int) { viewer { projects(first: $n) { nodes { id } } } }", {"n": 1000}, None),
        ("query($after: String) { projects(after: $after) { nodes { id } } }", {"after": "nonsense"}, None),
        ("{ viewer { id } __schema { queryType { name } } }", {}, None),
        ("query A { viewer { id } } query B { viewer { email } }", {}, "B"),
        ("query A { viewer { id } } query B { viewer { email } }", {}, "C"),
        ("query A { viewer { id } } query B { viewer { email } }", {}, None),
        ("{ nonsense }", {}, None),
        ("subscription { projectUpdated(id: 1) { id } }", {}, None),
    ],
)
async def test_an_answer_is_the_same_the_first_time_and_later(
    rows: World, query: str, variables: dict[str, Any], name: str | None
) -> None:
    fresh = build_schema()
    given = {key: value.format(job=rows.jobs[0]) if type(value) is str else value for key, value in variables.items()}
    for viewer in (OWNER, STRANGER):
        first, *later = [
            body(await fresh.execute(query, given, Context(viewer), operation_name=name)) for _ in range(3)
        ]
        assert later == [first, first]
    assert fresh.documents.misses == 1


async def test_a_query_that_costs_too_much_is_refused_each_time_and_told_its_cost(rows: World) -> None:
    fresh = build_schema()
    query = "{ viewer { projects(first: 50) { nodes { id } } } }"
    with configured(PIXCRAWLER_MAX_COST="20"):
        for _ in range(3):
            answer = body(await fresh.execute(query, None, Context(OWNER)))
            assert answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
            assert answer["extensions"]["cost"] == {"requested": 52, "limit": 20}


async def test_a_query_that_takes_too_long_is_told_so_each_time(rows: World) -> None:
    fresh = build_schema()
    query = "{ viewer { projects(first: 50) { nodes { id } } } }"
    with configured(PIXCRAWLER_OPERATION_TIMEOUT_S="0.000000001"):
        for _ in range(3):
            answer = body(await fresh.execute(query, None, Context(OWNER)))
            assert answer["data"] is None
            assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT"
