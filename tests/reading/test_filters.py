"""Each filter keeps the rows that plain SQL keeps; text is text, whatever it looks like."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.reading.world import World, code, data

IMAGES = {
    "status": (["VALID", "FAILED"], "status in ('valid', 'failed')"),
    "keyword": (["cat"], "keyword = 'cat'"),
    "format": (["jpeg"], "format = 'jpeg'"),
    "issue": (["width", "nothing"], 'issues @> \'[{"code": "width"}]\''),
    "license": (["by-sa 4.0"], "provenance->>'license' = 'by-sa 4.0'"),
    "source": (["openverse", "commons"], "provenance->>'source' = 'openverse'"),
    "minWidth": (101, "width > 100"),
    "maxWidth": (100, "width <= 100"),
    "minFileSize": (2000, "file_size >= 2000"),
    "maxContrast": (0.25, "quality is not null"),
    "maxEntropy": (2.5, "(quality->'entropy')::float8 <= 2.5"),
    "urlContains": ("/3?Q=", "original_url like '%/3?q=%'"),
    "host": (["A.example"], "images.fetch->>'host' = 'a.example'"),
    "minHeight": (50, "height >= 50"),
    "maxFileSize": (2000, "file_size <= 2000"),
    "minBrightness": (0.3, "quality->>'brightness' >= '0.3'"),
    "maxBrightness": (0.3, "quality->>'brightness' <= '0.3'"),
    "minContrast": (0.25, "quality is not null"),
    "minEntropy": (2.5, "(quality->'entropy')::float8 >= 2.5"),
    "minSharpness": (57, "(quality->'sharpness')::float8 >= 57"),
    "maxSharpness": (57, "(quality->'sharpness')::float8 <= 57"),
    "grayscale": (True, "quality @> '{\"grayscale\": true}'"),
    "createdAfter": ("2026-01-01T00:00:02Z", "created_at > '2026-01-01T00:00:02Z'"),
    "createdBefore": ("2026-01-01T01:00:02+01:00", "created_at < '2026-01-01T00:00:02Z'"),
}
QUERY = """query($id: ID!, $filter: ImageFilter) { crawlJob(id: $id) {
  images(first: 100, filter: $filter) { totalCount nodes { databaseId } } } }"""


async def kept(job: int, chosen: dict[str, Any]) -> list[int]:
    """The images that a filter keeps; the count agrees."""
    found = (await data(QUERY, {"id": f"CrawlJob:{job}", "filter": chosen}))["crawlJob"]["images"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["databaseId"] for node in found["nodes"]]


@pytest.mark.parametrize("name", IMAGES)
async def test_an_image_filter_keeps_what_sql_keeps(rows: World, connection: asyncpg.Connection, name: str) -> None:
    given, condition = IMAGES[name]
    job = rows.jobs[0]
    expected = await connection.fetch(f"select id from images where crawl_job_id = $1 and {condition} order by id", job)
    assert await kept(job, {name: given}) == [row[0] for row in expected]
    assert 0 < len(expected) < 17


async def test_fields_are_anded_null_is_absent_and_an_empty_list_keeps_nothing(rows: World) -> None:
    job = rows.jobs[0]
    both = set(await kept(job, {"keyword": ["cat"]})) & set(await kept(job, {"minWidth": 101}))
    assert set(await kept(job, {"keyword": ["cat"], "minWidth": 101})) == both
    assert len(await kept(job, {"keyword": None})) == 17
    assert await kept(job, {"keyword": []}) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [("100%_0", 1), ("0%_", 3), ("%", 3), ("_", 3), ("__", 0), ("\\", 0), ("'", 0), ('"', 0), ("%1", 0), ("", 3)],
)
async def test_name_contains_takes_every_character_for_itself(rows: World, text: str, count: int) -> None:
    found = await data(
        "query($t: String) { viewer { projects(filter: {nameContains: $t}) { totalCount } } }", {"t": text}
    )
    assert found["viewer"]["projects"]["totalCount"] == count


async def test_name_contains_does_not_mind_case(rows: World) -> None:
    query = 'query($id: ID!) { project(id: $id) { crawlJobs(filter: {nameContains: "JOB \\\\1"}) { totalCount } } }'
    assert (await data(query, {"id": f"Project:{rows.projects[0]}"}))["project"]["crawlJobs"]["totalCount"] == 1


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_text_that_the_database_cannot_hold_is_refused(rows: World, text: str) -> None:
    query = "query($t: [String!]) { viewer { activityLogs(filter: {action: $t}) { totalCount } } }"
    assert await code(query, {"t": ["x", text]}) == "INVALID"


async def test_logs_are_found_by_what_they_are_about(rows: World) -> None:
    query = """{ viewer { activityLogs(filter: {resourceType: ["project"], resourceId: ["3"]}) {
      nodes { action resourceId metadata } } } }"""
    (line,) = (await data(query))["viewer"]["activityLogs"]["nodes"]
    assert line == {"action": "crawl_job.started", "resourceId": "3", "metadata": None}


async def test_jobs_are_found_by_any_of_their_keywords(rows: World) -> None:
    query = (
        """query($id: ID!) { project(id: $id) { crawlJobs(filter: {keyword: ["dog", "x"]}) { nodes { keywords } } } }"""
    )
    found = (await data(query, {"id": f"Project:{rows.projects[0]}"}))["project"]
    assert [node["keywords"] for node in found["crawlJobs"]["nodes"]] == [["cat", "dog"]]
