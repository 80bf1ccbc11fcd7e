"""Nobody sees what `app/access.py` does not show them, wherever they come from; what is hidden looks missing."""

from __future__ import annotations

import asyncpg
import orjson
import pytest

from app.access import seen_by
from app.values import Viewer
from tests.reading.world import ADMIN, OWNER, STRANGER, VIEWERS, World, ask, data

TYPES = {
    "Profile": "profiles",
    "Project": "projects",
    "CrawlJob": "crawl_jobs",
    "Image": "images",
    "ValidationJob": "validation_jobs",
    "ExportJob": "export_jobs",
    "ActivityLog": "activity_logs",
}
BY_ID = {
    "project": "Project",
    "crawlJob": "CrawlJob",
    "image": "Image",
    "validationJob": "ValidationJob",
    "exportJob": "ExportJob",
    "node": "CrawlJob",
}
# The whole world, in pages that an operation's cost has room for.
WALKS = (
    "{ projects(first: 10) { nodes { id user { id } crawlJobs(first: 5) { nodes { id project { id } } } } } }",
    "{ viewer { id projects(first: 10) { nodes { id crawlJobs(first: 5) { nodes { id images(first: 20) { nodes { "
    "id crawlJob { id project { id user { id } } } } } } } } } } }",
    "{ viewer { exportJobs(first: 100) { nodes { id user { id } crawlJob { id images { nodes { id } } "
    "project { id } } } } } }",
    "{ projects(first: 10) { nodes { crawlJobs(first: 5) { nodes { validationJobs(first: 5) { nodes { id "
    "crawlJob { id } } } exportJobs(first: 5) { nodes { id user { id exportJobs { nodes { id } } } } } } } } } }",
    "{ viewer { activityLogs(first: 100) { nodes { id user { id } } } } }",
)


async def visible(connection: asyncpg.Connection, type_name: str, viewer: Viewer, also: str = "true") -> set[str]:
    """The global ids that a viewer sees, by the predicate of `app/access.py` over plain rows."""
    table = TYPES[type_name]
    found = await connection.fetch(
        f"select t.id from {table} t where {seen_by(table, 't', viewer, '$1::uuid')} and {also}", viewer.id
    )
    return {f"{type_name}:{row[0]}" for row in found}


async def everything(connection: asyncpg.Connection, type_name: str) -> list[str]:
    """All global ids of a type."""
    return [f"{type_name}:{row[0]}" for row in await connection.fetch(f"select id from {TYPES[type_name]} order by id")]


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("type_name", TYPES)
async def test_nodes_are_found_exactly_where_the_predicate_shows_them(
    rows: World, connection: asyncpg.Connection, viewer: Viewer, type_name: str
) -> None:
    ids = await everything(connection, type_name)
    seen = set()
    for start in range(0, len(ids), 100):
        some = ids[start : start + 100]
        nodes = (await data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": some}, viewer))["nodes"]
        assert [node is None or node["id"] == one for node, one in zip(nodes, some, strict=True)] == [True] * len(some)
        seen |= {node["id"] for node in nodes if node}
    assert seen == await visible(connection, type_name, viewer)
    assert seen
    assert viewer.everything or seen < set(ids)


@pytest.mark.parametrize("field", BY_ID)
async def test_anothers_row_is_answered_like_a_missing_one(
    rows: World, connection: asyncpg.Connection, field: str
) -> None:
    type_name = BY_ID[field]
    (hidden, *_) = sorted(await visible(connection, type_name, OWNER) - await visible(connection, type_name, STRANGER))
    query = f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    missing = [
        *(f"{type_name}:999999", f"{type_name}:0", f"{type_name}:-1", f"{type_name}:01", f"{type_name}:1 ", type_name),
        *(
            f"{type_name}:99999999999999999999",
            f"{type_name}:\u0661",
            "Profile:1",
            "Nothing:1",
            "1",
            "",
            ":",
            "\0",
            "Image:x",
        ),
    ]
    answers = [await ask(query, {"id": one}, STRANGER) for one in [hidden, *missing]]
    assert answers == [{"data": {field: None}, "errors": []}] * len(answers)
    assert (await data(query, {"id": hidden}, OWNER))[field] == {"id": hidden}
    assert (await data(query, {"id": hidden}, ADMIN))[field] == {"id": hidden}


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("viewer", VIEWERS)
async def test_no_walk_leads_to_a_row_that_the_viewer_does_not_see(
    rows: World, connection: asyncpg.Connection, walk: str, viewer: Viewer
) -> None:
    text = orjson.dumps(await data(walk, None, viewer)).decode()
    for type_name in TYPES:
        seen = await visible(connection, type_name, viewer)
        for one in await everything(connection, type_name):
            assert f'"{one}"' not in text or one in seen


@pytest.mark.parametrize("viewer", VIEWERS)
async def test_lists_hold_all_that_is_visible_and_count_it(
    rows: World, connection: asyncpg.Connection, viewer: Viewer
) -> None:
    found = await data(
        "{ projects(first: 100) { totalCount nodes { id } } viewer { projects(first: 100) { nodes { id } }"
        " exportJobs(first: 100) { totalCount nodes { id } } activityLogs(first: 100) { nodes { id } } } }",
        None,
        viewer,
    )
    projects = await visible(connection, "Project", viewer)
    assert {node["id"] for node in found["projects"]["nodes"]} == projects
    assert found["projects"]["totalCount"] == len(projects)
    own = f"t.user_id = '{viewer.id}'"
    exports = await visible(connection, "ExportJob", viewer, own)
    assert {node["id"] for node in found["viewer"]["exportJobs"]["nodes"]} == exports
    assert found["viewer"]["exportJobs"]["totalCount"] == len(exports)
    for name, type_name in (("projects", "Project"), ("activityLogs", "ActivityLog")):
        expected = await visible(connection, type_name, viewer, own)
        assert {node["id"] for node in found["viewer"][name]["nodes"]} == expected


async def test_an_export_hides_who_asked_for_it_from_those_who_do_not_see_them(
    rows: World, connection: asyncpg.Connection
) -> None:
    query = "query($id: ID!) { exportJob(id: $id) { id user { id } } }"
    found = await connection.fetch("select e.id, e.user_id from export_jobs e")
    users = {f"ExportJob:{row['id']}": row["user_id"] for row in found}
    for one in await visible(connection, "ExportJob", OWNER):
        user = (await data(query, {"id": one}, OWNER))["exportJob"]["user"]
        assert user == ({"id": f"Profile:{OWNER.id}"} if users[one] == OWNER.id else None)
        assert (await data(query, {"id": one}, ADMIN))["exportJob"]["user"] == {"id": f"Profile:{users[one]}"}
