"""Every list of the API takes a page from either end, a filter and an order, all at once."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from schema.root import schema
from tests.reading.world import World, data

CORE = schema._schema
PAGE = ("first", "after", "last", "before")
LISTS: list[tuple[str, str, str]] = [
    (name, field, get_named_type(get_named_type(made.type).fields["nodes"].type).name)
    for name, type_ in CORE.type_map.items()
    if isinstance(type_, GraphQLObjectType)
    for field, made in type_.fields.items()
    if get_named_type(made.type).name.endswith("Connection")
]
AT = {
    ("Query", "projects"): "{ projects%s }",
    ("Profile", "projects"): "{ viewer { projects%s } }",
    ("Profile", "exportJobs"): "{ viewer { exportJobs%s } }",
    ("Profile", "activityLogs"): "{ viewer { activityLogs%s } }",
    ("Project", "crawlJobs"): "{ project(id: $project) { crawlJobs%s } }",
    ("CrawlJob", "images"): "{ crawlJob(id: $job) { images%s } }",
    ("CrawlJob", "validationJobs"): "{ crawlJob(id: $job) { validationJobs%s } }",
    ("CrawlJob", "exportJobs"): "{ crawlJob(id: $job) { exportJobs%s } }",
    ("Image", "nearDuplicates"): "{ image(id: $image) { nearDuplicates%s } }",
}
"""Where a list is asked for."""
FILTERS = {
    "ActivityLog": '{action: ["project.created"]}',
    "Image": "{minBrightness: 0}",
    "Project": '{updatedAfter: "2020-01-01T00:00:00Z"}',
    "CrawlJob": '{source: ["openverse"], updatedBefore: "2100-01-01T00:00:00Z"}',
}


def fields_of(kind: str) -> list[str]:
    """What lists of a type can be ordered by."""
    order: Any = CORE.type_map[f"{kind}OrderField"]
    assert isinstance(order, GraphQLEnumType)
    return list(order.values)


def test_every_list_takes_pages_from_both_ends_a_filter_and_an_order() -> None:
    assert {(owner, field) for owner, field, _ in LISTS} == set(AT)
    for owner, field, kind in LISTS:
        taken: Any = CORE.type_map[owner]
        args = taken.fields[field].args
        assert {*PAGE, "filter", "orderBy"} <= set(args), f"{owner}.{field}"
        assert get_named_type(args["filter"].type).name == f"{kind}Filter"
        assert get_named_type(args["orderBy"].type).name == f"{kind}Order"
        assert isinstance(get_named_type(args["filter"].type), GraphQLInputObjectType)


async def walked(rows: World, query: str, order: str, chosen: str, *, backward: bool) -> list[str]:
    """The ids of a list, page by page from one end to the other, in its own order."""
    size, cursor = ("last", "before") if backward else ("first", "after")
    arguments = f"({size}: 2, {cursor}: $cursor, orderBy: [{order}], filter: {chosen})"
    part = f"{arguments} {{ nodes {{ id }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }}"
    variables = {
        "project": f"Project:{rows.projects[0]}",
        "job": f"CrawlJob:{rows.jobs[0]}",
        "image": f"Image:{rows.images[1]}",
    }
    used = {name: value for name, value in variables.items() if f"${name}" in query}
    declared = ", ".join(["$cursor: String", *(f"${name}: ID!" for name in used)])
    found: list[str] = []
    after = None
    while True:
        page = await data(f"query({declared}) {query % part}", {**used, "cursor": after})
        while "nodes" not in page:
            (page,) = page.values()
        ids = [node["id"] for node in page["nodes"]]
        found = [*ids, *found] if backward else [*found, *ids]
        after = page["pageInfo"]["startCursor" if backward else "endCursor"]
        if not page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]:
            return found


@pytest.mark.parametrize(("owner", "field", "kind"), LISTS)
async def test_walked_from_either_end_under_every_order_and_a_filter_a_list_is_the_same(
    rows: World, owner: str, field: str, kind: str
) -> None:
    lengths = set()
    for name in fields_of(kind):
        up, down = (f"{{field: {name}, direction: {way}}}" for way in ("ASC", "DESC"))
        chosen = FILTERS.get(kind, "{}")
        query = AT[owner, field]
        there = await walked(rows, query, up, chosen, backward=False)
        assert there == await walked(rows, query, up, chosen, backward=True)
        assert there == list(reversed(await walked(rows, query, down, chosen, backward=False)))
        lengths.add(len(there))
    assert len(lengths) == 1
