"""Pages, walked either way under any order, are the list that plain ORDER BY gives."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.reading.world import World, code, data

ORDERS: list[list[tuple[str, str]]] = [
    [],
    [("CREATED_AT", "ASC")],
    [("CREATED_AT", "DESC")],
    [("FILE_SIZE", "ASC")],
    [("FILE_SIZE", "DESC")],
    [("WIDTH", "DESC"), ("FILE_SIZE", "ASC")],
    [("FILENAME", "ASC"), ("WIDTH", "DESC"), ("HEIGHT", "ASC"), ("CREATED_AT", "DESC")],
]
PAGE = """query($id: ID!, $first: Int, $after: String, $last: Int, $before: String, $order: [ImageOrder!]) {
  crawlJob(id: $id) { images(first: $first, after: $after, last: $last, before: $before, orderBy: $order) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { databaseId } } } } }"""


def order_by(order: list[tuple[str, str]]) -> str:
    """The order as SQL has it; ties go by id in the direction of the last key."""
    last = order[-1][1] if order else "asc"
    return ", ".join([*(f"{field.lower()} {direction}" for field, direction in order), f"id {last}"])


async def page(job: int, order: list[tuple[str, str]], **part: Any) -> Any:
    """One page of a job's images."""
    chosen = [{"field": field, "direction": direction} for field, direction in order] or None
    return (await data(PAGE, {"id": f"CrawlJob:{job}", "order": chosen, **part}))["crawlJob"]["images"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 4, 17, 100])
async def test_a_walk_forwards_gives_every_row_once_in_order(
    rows: World, connection: asyncpg.Connection, order: list[tuple[str, str]], size: int
) -> None:
    expected = await connection.fetch(
        f"select id from images where crawl_job_id = $1 order by {order_by(order)}", rows.jobs[0]
    )
    walked: list[int] = []
    after = None
    while True:
        found = await page(rows.jobs[0], order, first=size, after=after)
        walked += [edge["node"]["databaseId"] for edge in found["edges"]]
        assert found["totalCount"] == len(expected)
        assert found["pageInfo"]["hasPreviousPage"] == (after is not None)
        assert found["pageInfo"]["startCursor"] == found["edges"][0]["cursor"]
        assert found["pageInfo"]["endCursor"] == found["edges"][-1]["cursor"]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert walked == [row[0] for row in expected]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 5, 17])
async def test_a_walk_backwards_gives_the_same_rows_in_the_same_order(
    rows: World, connection: asyncpg.Connection, order: list[tuple[str, str]], size: int
) -> None:
    expected = await connection.fetch(
        f"select id from images where crawl_job_id = $1 order by {order_by(order)}", rows.jobs[0]
    )
    walked: list[int] = []
    before = None
    while True:
        found = await page(rows.jobs[0], order, last=size, before=before)
        walked = [edge["node"]["databaseId"] for edge in found["edges"]] + walked
        assert found["pageInfo"]["hasNextPage"] == (before is not None)
        before = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            break
    assert walked == [row[0] for row in expected]


async def test_an_empty_page_has_no_cursors(rows: World) -> None:
    found = await page(rows.jobs[9], [])
    assert found["edges"] == []
    assert found["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


async def test_a_page_has_25_rows_unless_told(rows: World, connection: asyncpg.Connection) -> None:
    job = rows.jobs[-1]
    await connection.execute(
        "insert into images (crawl_job_id, original_url, filename, chunk) select j.id, n::text, n::text, 0 "
        "from generate_series(1, 30) n, crawl_jobs j where j.id = $1",
        job,
    )
    found = await data(
        "query($id: ID!) { crawlJob(id: $id) { images { nodes { id } totalCount } } }", {"id": f"CrawlJob:{job}"}
    )
    assert len(found["crawlJob"]["images"]["nodes"]) == 25
    assert found["crawlJob"]["images"]["totalCount"] == 30
    await connection.execute("delete from images where crawl_job_id = $1", job)


async def test_before_alone_asks_for_the_25_rows_before_it(rows: World) -> None:
    whole = await page(rows.jobs[0], [], first=100)
    found = await page(rows.jobs[0], [], before=whole["edges"][3]["cursor"])
    assert found["edges"] == whole["edges"][:3]


@pytest.mark.parametrize(
    "part",
    [
        {"first": 0},
        {"first": -1},
        {"first": 101},
        {"last": 0},
        {"last": 101},
        {"first": 1, "last": 1},
        {"first": 1, "before": "x"},
        {"last": 1, "after": "x"},
        {"after": "x"},
        {"after": "[]"},
        {"after": '["id+"]'},
        {"after": '["id+", "1"]'},
        {"after": '["id+", 1.5]'},
        {"after": '["id+", true]'},
        {"after": '["id+", 99999999999999999999]'},
        {"after": '["id-", 1]'},
        {"after": '["width+,id+", 1, 1]'},
        {"after": "\0"},
    ],
)
async def test_a_page_that_cannot_be_is_refused(rows: World, part: dict[str, Any]) -> None:
    assert await code(PAGE, {"id": f"CrawlJob:{rows.jobs[0]}", **part}) == "INVALID"


@pytest.mark.parametrize(
    "order",
    [
        [{"field": "WIDTH"}] * 2,
        [{"field": field} for field in ("WIDTH", "HEIGHT", "FILENAME", "FILE_SIZE", "CREATED_AT")],
    ],
)
async def test_an_order_names_few_fields_and_each_once(rows: World, order: list[dict[str, str]]) -> None:
    assert await code(PAGE, {"id": f"CrawlJob:{rows.jobs[0]}", "order": order}) == "INVALID"


async def test_a_refused_page_names_the_argument_and_its_limit(rows: World) -> None:
    from tests.reading.world import ask

    answer = await ask("{ viewer { mine: projects(first: 101) { totalCount } } }")
    (error,) = answer["errors"]
    assert error["extensions"] == {
        "code": "INVALID",
        "path": ["viewer", "mine", "first"],
        "limit": "100",
        "actual": "101",
    }
