"""What is wrong with an input is data that names the field, the limit and what was given; nothing is written then."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, EXPORT, VALIDATE, good, images, refusal, urls
from tests.support.service import CREATE, Person, entries, running_worker

CREATE_PROJECT = f"""mutation($input: CreateProjectInput!) {{
  createProject(input: $input) {{ project {{ id name description }} {ERRORS} }} }}"""
UPDATE_PROJECT = f"""mutation($input: UpdateProjectInput!) {{
  updateProject(input: $input) {{ project {{ id name description }} {ERRORS} }} }}"""
UPDATE_JOB = f"""mutation($input: UpdateCrawlJobInput!) {{
  updateCrawlJob(input: $input) {{ crawlJob {{ id name maxImages }} {ERRORS} }} }}"""
UPDATE_PROFILE = f"""mutation($input: UpdateProfileInput!) {{
  updateProfile(input: $input) {{ profile {{ fullName avatarUrl }} {ERRORS} }} }}"""
URL = "http://127.0.0.1:9/a.jpg"
LISTED = entries(URL)
DEEP: Any = "bottom"
for _ in range(120):
    DEEP = {"down": [DEEP]}


def listed(**entry: Any) -> list[dict[str, Any]]:
    return [{"urlList": {"entries": [{"url": URL}, {"url": URL + "2", **entry}]}}]


def rows(count: int) -> list[dict[str, Any]]:
    return [{"urlList": {"entries": [{"url": "http://h"}] * count}}]


ENTRY = "sources.0.urlList.entries.1."
WRONG_JOBS: list[tuple[dict[str, Any], str, Any, Any]] = [
    ({"name": ""}, "name", "100", "0"),
    ({"name": "  "}, "name", "100", "0"),
    ({"name": "n" * 101}, "name", "100", "101"),
    ({"name": "a\x00b"}, "name", None, None),
    ({"keywords": ["k"] * 101}, "keywords", "100", "101"),
    ({"keywords": ["cat", ""]}, "keywords.1", "200", "0"),
    ({"keywords": ["cat", "k" * 201]}, "keywords.1", "200", "201"),
    ({"keywords": ["a\x00"]}, "keywords.0", None, None),
    ({"sources": []}, "sources", "1", "0"),
    ({"sources": LISTED * 21}, "sources", "20", "21"),
    ({"sources": [{"openverse": {}}]}, "keywords", None, None),
    (
        {"sources": [{"openverse": {"license": ["all mine"]}}], "keywords": ["k"]},
        "sources.0.openverse.license.0",
        ...,
        ...,
    ),
    ({"sources": [{"openverse": {"minWidth": 0}}], "keywords": ["k"]}, "sources.0.openverse.minWidth", ..., "0"),
    ({"sources": entries()}, "sources.0.urlList.entries", "1 to 20,000 entries", "0"),
    ({"sources": rows(20_001)}, "sources.0.urlList.entries", "1 to 20,000 entries", "20001"),
    ({"sources": listed(url="http://h/" + "u" * 8_200)}, ENTRY + "url", "8,192 characters", "8,209 characters"),
    ({"sources": listed(keyword="k" * 201)}, ENTRY + "keyword", "200 characters", "201 characters"),
    ({"sources": listed(provenance=[])}, ENTRY + "provenance", None, None),
    ({"sources": listed(provenance="mine")}, ENTRY + "provenance", None, None),
    ({"sources": listed(provenance={"x": DEEP})}, "sources.0.urlList", "32", None),
    ({"maxImages": 0}, "maxImages", "1", "0"),
    ({"maxImages": -5}, "maxImages", "1", "-5"),
    ({"maxImages": 10_000_001}, "maxImages", "10000000", "10000001"),
    ({"chunkSize": 0}, "chunkSize", "1", "0"),
    ({"chunkSize": 5_001}, "chunkSize", "5000", "5001"),
    ({"idempotencyKey": ""}, "idempotencyKey", "100", "0"),
    ({"idempotencyKey": "i" * 101}, "idempotencyKey", "100", "101"),
]


@pytest.mark.parametrize(
    ("given", "path", "limit", "actual"),
    WRONG_JOBS,
    ids=[f"{path} {number}" for number, (_, path, *_) in enumerate(WRONG_JOBS)],
)
async def test_a_job_that_passes_a_limit_is_refused_by_field_limit_and_value(
    owner: Person, db: asyncpg.Connection, given: dict[str, Any], path: str, limit: Any, actual: Any
) -> None:
    asked = {"projectId": await owner.project(), "name": "Job", "sources": LISTED, **given}
    error = await refusal(owner, CREATE, input=asked)
    assert (error["code"], error["path"]) == ("INVALID", ["input", *path.split(".")])
    assert limit is ... or error["limit"] == limit
    assert actual is ... or error["actual"] == actual
    assert error["message"].endswith(".")
    await _nothing_written(db)


async def _nothing_written(db: asyncpg.Connection) -> None:
    assert await db.fetchval("select count(*) from crawl_jobs") == 0
    assert await db.fetchval("select count(*) from activity_logs where action <> 'project.created'") == 0


async def test_the_largest_allowed_job_is_taken(owner: Person) -> None:
    await owner.crawl(
        name="n" * 100,
        keywords=["k" * 200] * 100,
        sources=LISTED * 20,
        maxImages=10_000_000,
        chunkSize=5_000,
        idempotencyKey="i" * 100,
        start=False,
    )


ODD = [
    {"url": "http://127.0.0.1:9/\x00.jpg"},
    {"url": "nonsense"},
    {"url": ""},
    {"url": "javascript:alert(1)"},
    {"url": "http://[::1"},
    {"url": "http://127.0.0.1:99999/a.jpg"},
    {"url": "//127.0.0.1/a.jpg"},
    {"url": "http://127.0.0.1:9/\u202e\U0001f408.jpg"},
    {"url": "http://user:secret@127.0.0.1/a.jpg"},
]


async def test_an_odd_url_is_a_failed_row_with_a_reason_and_the_good_ones_are_stored(
    owner: Person, db: asyncpg.Connection
) -> None:
    async with MisbehavingHost(good(1)) as host, running_worker():
        job = await owner.crawl(sources=[{"urlList": {"entries": [*ODD, {"url": urls(host, 0)[0]}]}}])
        ended = await owner.ended(job)
    found = await images(owner, job)
    assert (ended["status"], len(found)) == ("COMPLETED", len(ODD) + 1)
    for one in found[:-1]:
        assert one["status"] == "FAILED"
        assert one["issues"][0]["code"] in ("bad_url", "connect_failed", "blocked_address"), one
    assert found[-1]["status"] == "DOWNLOADED"


ODD_PROVENANCE: list[dict[str, Any]] = [
    {"title": "a\x00b", "license": "CC0"},
    {"title": "\\u0000 as six characters", "license": "CC0"},
    {"license": "CC0", "a\x00": {"b\x00": ["c\x00", 1e300, 2**60, None, True]}},
    {"license": "CC0", "title": 7, "creator": ["a", "list"], "landingUrl": {"an": "object"}},
    {"license": "CC0", "text": "t" * 60_000, "": "nameless"},
    {"license": "CC0", "emoji \U0001f408": "\U0001f408"},
]


async def test_odd_provenance_is_kept_as_far_as_it_can_be_and_never_stops_the_job(
    owner: Person, db: asyncpg.Connection
) -> None:
    async with MisbehavingHost(good(len(ODD_PROVENANCE))) as host, running_worker():
        listed_here = [
            {"url": url, "provenance": provenance}
            for url, provenance in zip(urls(host, *range(len(ODD_PROVENANCE))), ODD_PROVENANCE, strict=True)
        ]
        job = await owner.crawl(sources=[{"urlList": {"entries": listed_here}}])
        ended = await owner.ended(job)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", len(ODD_PROVENANCE)), ended
    for one in await images(owner, job):
        assert one["provenance"]["license"] == "CC0"


async def test_a_number_too_large_for_json_readers_in_a_literal_does_not_fail_the_operation(owner: Person) -> None:
    project = await owner.project()
    query = f"""mutation {{ createCrawlJob(input: {{projectId: "{project}", name: "Job", start: false, sources: [
      {{urlList: {{entries: [{{url: "{URL}", provenance: {{n: {10**40}, f: 1e400}}}}]}}}}]}}) {{
      crawlJob {{ id }} {ERRORS} }} }}"""
    assert (await owner.do(query))["errors"] == []


WRONG_PROJECTS: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    ({"name": ""}, "name", "100", "0"),
    ({"name": "n" * 101}, "name", "100", "101"),
    ({"name": "n\x00"}, "name", None, None),
    ({"description": "d" * 2_001}, "description", "2000", "2001"),
    ({"description": "\x00"}, "description", None, None),
]


@pytest.mark.parametrize(("given", "field", "limit", "actual"), WRONG_PROJECTS)
async def test_a_project_that_passes_a_limit_is_neither_made_nor_changed(
    owner: Person, db: asyncpg.Connection, given: dict[str, Any], field: str, limit: str | None, actual: str | None
) -> None:
    expected = {"code": "INVALID", "path": ["input", field], "limit": limit, "actual": actual, "allowed": None}
    error = await refusal(owner, CREATE_PROJECT, input={"name": "Cats", **given})
    assert error == error | expected
    assert await db.fetchval("select count(*) from projects") == 0
    project = await owner.project()
    error = await refusal(owner, UPDATE_PROJECT, input={"id": project, **given})
    assert error == error | expected
    assert await db.fetchval("select name || coalesce(description, '') from projects") == "Cats"
    assert await db.fetchval("select count(*) from activity_logs") == 1


async def test_what_is_absent_stays_null_clears_and_a_null_that_may_not_be_is_refused(owner: Person) -> None:
    made = await owner.do(CREATE_PROJECT, input={"name": " Cats ", "description": " All of them "})
    project = made["project"]["id"]
    assert made["project"] == {"id": project, "name": "Cats", "description": "All of them"}

    async def updated(**given: Any) -> dict[str, Any]:
        return dict((await owner.do(UPDATE_PROJECT, input={"id": project, **given}))["project"])

    assert await updated(name="Dogs") == {"id": project, "name": "Dogs", "description": "All of them"}
    assert await updated() == {"id": project, "name": "Dogs", "description": "All of them"}
    assert await updated(description=None) == {"id": project, "name": "Dogs", "description": None}
    error = await refusal(owner, UPDATE_PROJECT, input={"id": project, "name": None})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "name"])
    job = await owner.crawl(projectId=project, sources=LISTED, start=False)
    for field in ("name", "maxImages"):
        error = await refusal(owner, UPDATE_JOB, input={"id": job, field: None})
        assert (error["code"], error["path"]) == ("INVALID", ["input", field])
    for given, field in (({"name": ""}, "name"), ({"maxImages": 0}, "maxImages")):
        error = await refusal(owner, UPDATE_JOB, input={"id": job, **given})
        assert (error["code"], error["path"]) == ("INVALID", ["input", field])
    assert (await owner.do(UPDATE_JOB, input={"id": job}))["crawlJob"] == {"id": job, "name": "Job", "maxImages": 1000}


async def test_a_profile_is_changed_field_by_field(owner: Person) -> None:
    async def updated(**given: Any) -> dict[str, Any]:
        return dict((await owner.do(UPDATE_PROFILE, input=given))["profile"])

    picture = "https://example.org/ann.png"
    assert await updated(fullName="Ann", avatarUrl=picture) == {"fullName": "Ann", "avatarUrl": picture}
    assert await updated(fullName=None) == {"fullName": None, "avatarUrl": picture}
    wrong = ({"avatarUrl": "javascript:alert(1)"}, {"avatarUrl": "https://" + "h" * 8_200}, {"avatarUrl": ""})
    for given, field in (*((one, "avatarUrl") for one in wrong), ({"fullName": "n" * 101}, "fullName")):
        error = await refusal(owner, UPDATE_PROFILE, input=given)
        assert (error["code"], error["path"]) == ("INVALID", ["input", field])
    assert await updated() == {"fullName": None, "avatarUrl": picture}


RULES: list[tuple[dict[str, Any], str]] = [
    ({"minWidth": 0}, "minWidth"),
    ({"minWidth": 9, "maxWidth": 8}, "minWidth"),
    ({"maxAspectRatio": -1.0}, "maxAspectRatio"),
    ({"maxAspectRatio": 1e300}, "maxAspectRatio"),
    ({"formats": []}, "formats"),
    ({"formats": ["jpeg", "tga\x00"]}, "formats.1"),
]


@pytest.mark.parametrize(("rules", "path"), RULES)
async def test_rules_that_no_image_could_keep_are_refused(
    owner: Person, db: asyncpg.Connection, rules: dict[str, Any], path: str
) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    await db.execute("update crawl_jobs set status = 'completed'")
    error = await refusal(owner, VALIDATE, input={"crawlJobId": job, "rules": rules})
    assert (error["code"], error["path"]) == ("INVALID", ["input", "rules", *path.split(".")])
    assert await db.fetchval("select count(*) from validation_jobs") == 0


async def test_names_and_filters_of_validations_and_exports_are_checked_too(
    owner: Person, db: asyncpg.Connection
) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    await db.execute("update crawl_jobs set status = 'completed'")
    for name in ("", "n" * 101, "n\x00"):
        for mutation, more in ((VALIDATE, {"rules": {}}), (EXPORT, {"filter": None})):
            error = await refusal(owner, mutation, input={"crawlJobId": job, "name": name, **more})
            assert (error["code"], error["path"]) == ("INVALID", ["input", "name"])
    odd = {"keyword": ["a\x00"], "createdAfter": "2026-01-01T00:00:00Z", "status": ["FAILED"], "issue": ["\x00"]}
    made = await owner.do(EXPORT, input={"crawlJobId": job, "filter": odd})
    assert made["errors"] == []


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"openverse": {}, "urlList": {"entries": [{"url": URL}]}},
        {"openverse": None},
        {"urlList": {}},
        {"urlList": {"entries": None}},
        {"urlList": {"entries": [{"url": URL}], "uploadId": "x"}},
        {"gallery": {}},
        {"urlList": {"entries": [{"address": URL}]}},
    ],
)
async def test_a_source_that_is_not_exactly_one_is_refused_before_anything_is_done(
    owner: Person, db: asyncpg.Connection, source: dict[str, Any]
) -> None:
    asked = {"projectId": await owner.project(), "name": "Job", "sources": [source]}
    answer = await owner.ask(CREATE, input=asked)
    assert answer["data"] is None
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    await _nothing_written(db)
