"""Rows that a resolver names are read as selected, if the viewer sees them, and once for all who ask alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from schema.context import Context
from schema.root import PixSchema
from tests.reading.served import made
from tests.reading.world import ADMIN, OWNER, STRANGER, World, as_json, ask

RENAME = """mutation($id: ID!, $name: String!, $n: Int) { rename(id: $id, name: $name) { errors
  it: project { __typename label: name user { id } crawlJobs(first: $n) { totalCount nodes { id exportJobs { nodes {
    downloadUrl } } } } } } }"""
WATCH = """subscription($id: ID!) { progress(id: $id) { version crawlJob { name project { user { id } }
  exportJobs { nodes { downloadUrl } } } } }"""


async def test_a_payload_is_read_after_the_change_as_it_was_selected(rows: World) -> None:
    on, project = made(), rows.projects[0]
    answer = await ask(RENAME, {"id": f"Project:{project}", "name": "new", "n": 1}, on=on)
    assert answer["errors"] == []
    found = answer["data"]["rename"]
    assert found["errors"] == []
    assert found["it"]["label"] == "new"
    assert found["it"]["__typename"] == "Project"
    assert found["it"]["user"] == {"id": f"Profile:{OWNER.id}"}
    assert found["it"]["crawlJobs"]["totalCount"] == 3
    assert len(found["it"]["crawlJobs"]["nodes"]) == 1
    assert on.reads.statements == 1


async def test_a_payload_holds_nothing_that_the_viewer_does_not_see(rows: World) -> None:
    variables = {"id": f"Project:{rows.projects[0]}", "name": "newer"}
    answer = await ask(RENAME, variables, STRANGER, on=made())
    assert answer == {"data": {"rename": {"errors": [], "it": None}}, "errors": []}


async def test_a_payload_without_a_row_has_null(rows: World) -> None:
    answer = await ask(RENAME, {"id": "Project:x", "name": ""}, on=made())
    assert answer == {"data": {"rename": {"errors": ["missing"], "it": None}}, "errors": []}


async def test_each_mutation_of_an_operation_sees_the_one_before(rows: World) -> None:
    query = """mutation($id: ID!) { a: rename(id: $id, name: "one") { project { name } }
      b: rename(id: $id, name: "two") { project { name } } }"""
    answer = await ask(query, {"id": f"Project:{rows.projects[3]}"}, on=made())
    assert answer["data"] == {"a": {"project": {"name": "one"}}, "b": {"project": {"name": "two"}}}


async def frames(on: PixSchema, job: int, viewer: Any = OWNER) -> list[Any]:
    """What a subscriber reads."""
    source: AsyncIterator[Any] = await on.stream(WATCH, {"id": f"CrawlJob:{job}"}, Context(viewer))
    return [as_json({"data": one.data, "errors": [e.formatted for e in one.errors or ()]}) async for one in source]


async def test_subscribers_to_the_same_share_one_statement_a_version(rows: World) -> None:
    on = made()
    answers = await asyncio.gather(*(frames(on, rows.jobs[0]) for _ in range(50)))
    assert [frame["data"]["progress"]["version"] for frame in answers[0]] == [0, 1, 2]
    assert answers[0][0]["data"]["progress"]["crawlJob"]["project"]["user"] == {"id": f"Profile:{OWNER.id}"}
    assert all(answer == answers[0] for answer in answers)
    assert on.reads.statements == 3


async def test_sharing_never_crosses_what_a_viewer_sees(rows: World) -> None:
    on = made()
    owner, stranger, admin = await asyncio.gather(*(frames(on, rows.jobs[0], one) for one in (OWNER, STRANGER, ADMIN)))
    # Three reads each, but for the stranger's, which ends as it is refused.
    assert on.reads.statements == 3 + 3 + 1
    assert len(stranger) == 1
    assert owner == admin
    assert {error["extensions"]["code"] for frame in stranger for error in frame["errors"]} == {"NOT_FOUND"}
    assert all(frame["data"] is None for frame in stranger)


async def test_one_who_leaves_does_not_take_the_answer_from_the_others(rows: World) -> None:
    on = made()
    leaving = [asyncio.create_task(frames(on, rows.jobs[0])) for _ in range(5)]
    staying = [asyncio.create_task(frames(on, rows.jobs[0])) for _ in range(5)]
    for _ in range(4):
        await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    answers = await asyncio.gather(*staying)
    await asyncio.gather(*leaving, return_exceptions=True)
    assert all(len(answer) == 3 and answer[0]["errors"] == [] for answer in answers)


async def test_an_answer_that_failed_is_not_kept() -> None:
    from schema.reading.shared import Shared

    shared, calls = Shared(size=2), 0

    async def answer() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("once")
        return calls

    results = await asyncio.gather(*(shared.get(("key", ["list"]), answer) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    assert await shared.get(("key", ["list"]), answer) == 2
    assert await shared.get(("key", ["list"]), answer) == 2
    for other in range(3):
        await shared.get((other,), answer)
    assert await shared.get(("key", ["list"]), answer) == 6
