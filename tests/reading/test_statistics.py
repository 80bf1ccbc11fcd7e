"""Statistics count what plain SQL counts, for whoever asks, in one pass over the rows, and only what is selected."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import strawberry
from graphql import parse
from strawberry.schema.config import StrawberryConfig

from app.models.crawl_job import CrawlJob as CrawlJobRow
from app.models.image import Image as ImageRow
from app.models.states import STORED
from app.values import Viewer
from schema.reading.assemble import assemble
from schema.reading.catalogue import BadDeclaration
from schema.reading.declare import MODELS, one, plain
from schema.reading.tally import tally, total
from schema.reading.write import VIEWER
from schema.root import schema
from schema.types.image import ImageFilter
from schema.types.scalars import SCALARS
from schema.types.statistics import SIDES, SIZES
from tests.reading.test_parity import EVERY_PREDICATE
from tests.reading.world import ADMIN, OWNER, STRANGER, VIEWERS, World, ask, data

GROUPS = "{ groups { key count bytes } others { groups count bytes } }"
BUCKETS = "{ buckets { atLeast below count bytes } unknown }"
WHOLE = f"""count bytes byStatus {{ status count bytes }} byKeyword {GROUPS} bySource {GROUPS} byHost {GROUPS}
  byLicense {GROUPS} byFormat {GROUPS} byIssue {GROUPS} byWidth {BUCKETS} byHeight {BUCKETS} byFileSize {BUCKETS}"""
KEYS = {
    "byKeyword": "i.keyword",
    "bySource": "i.provenance->>'source'",
    "byHost": "i.fetch->>'host'",
    "byLicense": "i.provenance->>'license'",
    "byFormat": "i.format",
}
RANGES = {"byWidth": ("width", SIDES), "byHeight": ("height", SIDES), "byFileSize": ("file_size", SIZES)}
BYTES = f"coalesce(sum(i.file_size) filter (where i.status in {STORED}), 0)::bigint"
FROM = "from images i join crawl_jobs j on j.id = i.crawl_job_id join projects p on p.id = j.project_id"
FILTERS: dict[str, tuple[dict[str, Any] | None, str]] = {
    "none": (None, "true"),
    "state": ({"status": ["VALID", "FAILED"]}, "i.status in ('valid', 'failed')"),
    "several": ({"keyword": ["cat"], "minWidth": 100}, "i.keyword = 'cat' and i.width >= 100"),
    "nothing": ({"keyword": ["no such"]}, "false"),
}


@pytest_asyncio.fixture(scope="module")
async def odd(rows: World) -> AsyncIterator[World]:
    """The world with a few odd images: sizes at the bounds of ranges, several issues, one of them twice."""
    from app.database import acquire

    issues = '[{"code": "width", "message": ""}, {"code": "height", "message": ""}, {"code": "width", "message": ""}]'
    async with acquire() as connection:
        for key, side, size in zip(rows.images, (0, 63, 64, 127, 128, 4095, 4096, 9999), (0, *SIZES), strict=False):
            await connection.execute("update images set width = $2, file_size = $3 where id = $1", key, side, size)
        for key in rows.images[:30:4]:
            await connection.execute("update images set issues = $2::jsonb where id = $1", key, issues)
    yield rows


async def statistics(query: str, where: dict[str, Any] | None, viewer: Viewer) -> Any:
    """The statistics that a query's one field has, the same by every way to answer."""
    text = f"query($filter: ImageFilter) {{ {query.replace('*', f'imageStatistics(filter: $filter) {{ {WHOLE} }}')} }}"
    passed = await ask(text, {"filter": where}, viewer)
    assert passed["errors"] == []
    assert await ask(text, {"filter": where}, viewer, walked=True) == passed
    assert await ask(text, {"filter": where}, viewer, on=EVERY_PREDICATE) == passed
    (found,) = passed["data"].values()
    return found["imageStatistics"] if found else None


async def check(connection: asyncpg.Connection, found: Any, condition: str) -> None:
    """What was found is what plain SQL counts of images for which a condition holds."""

    async def counted(key: str, also: str = "") -> list[tuple[Any, ...]]:
        sql = f"select {key} as key, count(*), {BYTES} {FROM} {also} where {condition} group by 1 order by 2 desc, 1"
        return [tuple(row) for row in await connection.fetch(sql)]

    whole = await connection.fetchrow(f"select count(*), {BYTES} {FROM} where {condition}")
    assert (found["count"], found["bytes"]) == tuple(whole)
    assert [tuple(one.values()) for one in found["byStatus"]] == await counted("upper(i.status)")
    for name, key in KEYS.items():
        assert [tuple(one.values()) for one in found[name]["groups"]] == await counted(key)
        assert found[name]["others"] == {"groups": 0, "count": 0, "bytes": 0}
    codes = "cross join lateral (select distinct e->>'code' as code from jsonb_array_elements(i.issues) e) c"
    assert [tuple(one.values()) for one in found["byIssue"]["groups"]] == await counted("c.code", codes)
    for name, (column, bounds) in RANGES.items():
        assert [one["atLeast"] for one in found[name]["buckets"]] == [0, *bounds]
        assert [one["below"] for one in found[name]["buckets"]] == [*bounds, None]
        for bucket in found[name]["buckets"]:
            inside = f"i.{column} >= {bucket['atLeast']} and i.{column} < {bucket['below'] or 2**31}"
            row = await connection.fetchrow(f"select count(*), {BYTES} {FROM} where {condition} and {inside}")
            assert (bucket["count"], bucket["bytes"]) == tuple(row)
        row = await connection.fetchrow(f"select count(*) {FROM} where {condition} and i.{column} is null")
        assert found[name]["unknown"] == row[0]


@pytest.mark.parametrize("chosen", FILTERS)
async def test_statistics_of_a_job_are_what_sql_counts(odd: World, connection: asyncpg.Connection, chosen: str) -> None:
    where, condition = FILTERS[chosen]
    for job in odd.jobs[:3]:
        found = await statistics(f'crawlJob(id: "CrawlJob:{job}") {{ * }}', where, OWNER)
        await check(connection, found, f"j.id = {job} and {condition}")
    # A job without an image has zeros and empty lists.
    found = await statistics(f'crawlJob(id: "CrawlJob:{odd.jobs[9]}") {{ * }}', where, OWNER)
    await check(connection, found, "false")


@pytest.mark.parametrize("chosen", FILTERS)
@pytest.mark.parametrize("viewer", VIEWERS)
async def test_statistics_of_projects_and_of_a_viewer_hold_their_own_images_only(
    odd: World, connection: asyncpg.Connection, chosen: str, viewer: Viewer
) -> None:
    where, condition = FILTERS[chosen]
    for place, project in enumerate(odd.projects):
        found = await statistics(f'project(id: "Project:{project}") {{ * }}', where, viewer)
        if not viewer.everything and VIEWERS[place % 3] != viewer:
            assert found is None
            continue
        await check(connection, found, f"p.id = {project} and {condition}")
    found = await statistics("viewer { * }", where, viewer)
    await check(connection, found, f"p.user_id = '{viewer.id}' and {condition}")


async def test_a_stranger_is_told_nothing_of_anothers_job(odd: World) -> None:
    assert await statistics(f'crawlJob(id: "CrawlJob:{odd.jobs[0]}") {{ * }}', None, STRANGER) is None


async def test_the_count_is_that_of_the_list_under_the_same_filter(odd: World) -> None:
    query = """query($id: ID!, $filter: ImageFilter) { crawlJob(id: $id) {
      images(filter: $filter) { totalCount } imageStatistics(filter: $filter) { count } } }"""
    for where in ({"host": ["A.example"]}, {"issue": ["width"]}, {"license": ["by-sa 4.0"]}, {"minBrightness": 0.4}):
        found = (await data(query, {"id": f"CrawlJob:{odd.jobs[0]}", "filter": where}))["crawlJob"]
        assert found["imageStatistics"]["count"] == found["images"]["totalCount"] > 0


async def test_keys_and_ranges_are_what_the_filter_takes(odd: World) -> None:
    job = f"CrawlJob:{odd.jobs[0]}"
    query = f"query($id: ID!) {{ crawlJob(id: $id) {{ imageStatistics {{ {WHOLE} }} }} }}"
    of_filter = "query($id: ID!, $f: ImageFilter) { crawlJob(id: $id) { images(filter: $f) { totalCount } } }"
    found = (await data(query, {"id": job}))["crawlJob"]["imageStatistics"]
    for name in (*KEYS, "byIssue"):
        field = name[2].lower() + name[3:]
        for group in found[name]["groups"]:
            if group["key"] is not None:
                kept = await data(of_filter, {"id": job, "f": {field: [group["key"]]}})
                assert kept["crawlJob"]["images"]["totalCount"] == group["count"]
    for name in RANGES:
        field = name[2:]
        for bucket in found[name]["buckets"]:
            end = {f"max{field}": bucket["below"] - 1} if bucket["below"] else {}
            kept = await data(of_filter, {"id": job, "f": {f"min{field}": bucket["atLeast"], **end}})
            assert kept["crawlJob"]["images"]["totalCount"] == bucket["count"]


async def test_the_most_frequent_are_listed_and_the_others_are_counted(odd: World) -> None:
    query = f"""query($n: Int!) {{ viewer {{ imageStatistics {{
      whole: byHost(first: 100) {GROUPS} some: byHost(first: $n) {GROUPS} two: byHost(first: 2) {GROUPS} }} }} }}"""
    found = (await data(query, {"n": 1}))["viewer"]["imageStatistics"]
    groups = found["whole"]["groups"]
    assert len(groups) == 4
    for name, size in (("some", 1), ("two", 2)):
        assert found[name]["groups"] == groups[:size]
        rest = groups[size:]
        sums = {key: sum(group[key] for group in rest) for key in ("count", "bytes")}
        assert found[name]["others"] == {"groups": len(rest), **sums}


@pytest.mark.parametrize("size", [0, -1, 101])
async def test_a_number_of_groups_that_is_not_offered_is_refused_with_its_limit(odd: World, size: int) -> None:
    answer = await ask(
        "query($n: Int!) { viewer { imageStatistics { byHost(first: $n) { others { groups } } } } }", {"n": size}
    )
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("INVALID", "100")
    assert error["extensions"]["path"] == ["viewer", "imageStatistics", "byHost", "first"]


@pytest.mark.parametrize("viewer", VIEWERS)
async def test_a_viewer_sees_how_many_projects_jobs_and_exports_there_are(
    odd: World, connection: asyncpg.Connection, viewer: Viewer
) -> None:
    query = """query($e: ExportJobFilter, $p: ProjectFilter, $j: CrawlJobFilter) { viewer {
      projectStatistics(filter: $p) { count byStatus { status count } }
      crawlJobStatistics(filter: $j) { count totalImages downloadedImages validImages
        byStatus { status count totalImages } }
      exportJobStatistics(filter: $e) { count bytes byStatus { status count bytes } } } }"""
    await connection.execute("update crawl_jobs set total_images = id, downloaded_images = 2, valid_images = 1")
    own = f"from projects p %s where p.user_id = '{viewer.id}'"
    jobs = own % "join crawl_jobs j on j.project_id = p.id"
    exports = own % "join crawl_jobs j on j.project_id = p.id join export_jobs e on e.crawl_job_id = j.id"
    size = "coalesce(sum(e.file_size) filter (where e.status = 'completed'), 0)::bigint"
    for where, also in (
        (None, "true"),
        ({"status": ["PENDING", "COMPLETED"]}, "%s.status in ('pending', 'completed')"),
    ):
        variables = {"e": where, "j": where, "p": {"status": ["ACTIVE"]} if where else None}
        found = (await data(query, variables, viewer))["viewer"]
        expected = {
            "projectStatistics": ("count(*)", own % "", "p", "p.status = 'active'" if where else "true"),
            "crawlJobStatistics": (
                "count(*), coalesce(sum(j.total_images), 0), 2 * count(*), count(*)",
                *(jobs, "j", also.replace("%s", "j")),
            ),
            "exportJobStatistics": (f"count(*), {size}", exports, "e", also.replace("%s", "e")),
        }
        for name, (totals, rows, alias, condition) in expected.items():
            row = await connection.fetchrow(f"select {totals} {rows} and {condition}")
            states = await connection.fetch(
                f"select upper({alias}.status), {totals} {rows} and {condition} group by {alias}.status"
                f" order by 2 desc, {alias}.status"
            )
            *numbers, by_status = found[name].values()
            assert numbers == list(row)
            assert [tuple(one.values()) for one in by_status] == [tuple(one)[: len(by_status[0])] for one in states]


async def test_whatever_is_selected_is_counted_in_one_pass_and_nothing_else(
    odd: World, connection: asyncpg.Connection
) -> None:
    def statement(selection: str) -> tuple[str, list[Any]]:
        document: Any = parse(f'{{ crawlJob(id: "CrawlJob:{odd.jobs[0]}") {{ imageStatistics {{ {selection} }} }} }}')
        values = {VIEWER: ADMIN.id}
        plan = schema.reads.plan(document.definitions[0], {}, values, ADMIN)
        return plan.sql, plan.parameters(values)

    text, parameters = statement(WHOLE)
    plan = json.loads(await connection.fetchval(f"explain (format json) {text}", *parameters))
    assert json.dumps(plan).count('"Relation Name": "images"') == 1
    few, _ = statement("byStatus { status count }")
    assert [name for name in ("provenance", "fetch", "issues", "file_size", "width") if name in few] == []
    assert "group by" not in statement("count")[0]


@strawberry.type
class Uncounted:
    """Statistics without a count."""

    width: int = total("sum({t}.width)", "")


@strawberry.type
class Counted:
    """Statistics."""

    count: int = total("count(*)", "")


@strawberry.type
class Mixed:
    """Statistics with a field that is none."""

    count: int = total("count(*)", "")
    name: str = plain("")


@strawberry.type
class Photo:
    """An image."""

    filename: str = plain("")


@pytest.mark.parametrize(
    ("of", "via", "reason"),
    [
        (Uncounted, ("crawl_job_id",), "a total count"),
        (Mixed, ("crawl_job_id",), "Mixed.name: statistics have totals"),
        (Counted, ("width",), "images.width points at no table"),
        (Counted, (), "does not lead from images to crawl_jobs"),
    ],
)
def test_statistics_that_hang_on_nothing_are_refused(
    of: type, via: tuple[str, ...], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: Any = {"numbers": tally("Photo", *via, where=ImageFilter, description="")}
    roll = strawberry.type(type("Roll", (), {"__annotations__": {"numbers": of}, **described}))
    monkeypatch.setitem(MODELS, "Photo", ImageRow)
    monkeypatch.setitem(MODELS, "Roll", CrawlJobRow)
    query = strawberry.type(type("Query", (), {"__annotations__": {"x": roll | None}, "x": one(description="")}))
    made = strawberry.Schema(query=query, types=[Photo], config=StrawberryConfig(scalar_map=SCALARS))
    with pytest.raises(BadDeclaration, match=reason):
        assemble(made._schema)
