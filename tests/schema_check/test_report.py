"""The alignment report as whoever runs `pixcrawler schema check` sees it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import asyncpg
import pytest
from graphql import build_schema

from app.commands import alignment
from app.commands.alignment_checks.contract import RELATIONS, TABLES
from app.commands.alignment_checks.graphql import ENUMS, TYPES, check_graphql, offered
from app.commands.alignment_checks.indexes import NAMED_INDEXES
from app.commands.alignment_checks.plans import PARENTS, questions, unplanned
from app.commands.alignment_checks.report import Check, as_json, as_text
from app.database import credentials, migrate
from app.settings import Settings
from tests.schema_check.conftest import MakeDatabase

Report = Callable[[str, bool], tuple[int, str]]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Report:
    """Exit status and what was printed, for the database at a URL."""

    def run(url: str, as_json: bool) -> tuple[int, str]:
        monkeypatch.setattr(alignment, "settings", lambda: Settings.model_validate({"database_url": url}))
        code = alignment.run(as_json)
        return code, capsys.readouterr().out

    return run


def test_a_migrated_database_passes_everything(migrated_url: str, report: Report) -> None:
    code, out = report(migrated_url, False)

    *lines, total = out.splitlines()
    assert [line for line in lines if not line.startswith("PASSED  ")] == []
    assert (code, total) == (0, f"{len(lines)} passed, 0 failed")


def test_the_report_for_machines_says_the_same(migrated_url: str, report: Report) -> None:
    code, out = report(migrated_url, True)

    document = json.loads(out)
    assert list(document) == ["ok", "passed", "failed", "checks"]
    assert (document["ok"], document["passed"], document["failed"]) == (code == 0, len(document["checks"]), 0)
    assert all(check.keys() == {"name", "ok", "message"} for check in document["checks"])


def test_each_line_has_a_name_of_its_own_and_all_that_the_contract_lists_is_there(
    migrated_url: str, report: Report
) -> None:
    names = [check["name"] for check in json.loads(report(migrated_url, True)[1])["checks"]]

    assert len(names) == len(set(names))
    wanted = [f"model {table.model}" for table in TABLES]
    wanted += [f"table {table.name}" for table in TABLES]
    wanted += [f"column {table.name}.{column.name}" for table in TABLES for column in table.columns]
    wanted += [f"index {index.name}" for index in NAMED_INDEXES]
    wanted += [f"relation {parent}.{many}" for parent, many, _, _ in RELATIONS]
    wanted += [f"relation {child}.{one}" for _, _, child, one in RELATIONS]
    wanted += [f"GraphQL type {name}" for name in TYPES] + [f"GraphQL enum {name}" for name in ENUMS]
    wanted += ["migration files", "migration head", "migration drift", "chunk-tracking fields", "chunk_progress"]
    assert set(wanted) <= set(names)


@pytest.fixture
async def empty_url(make_database: MakeDatabase) -> str:
    return await make_database("empty")


def test_an_empty_database_fails_and_says_what_to_do(empty_url: str, report: Report) -> None:
    code, out = report(empty_url, False)

    assert code == 1
    assert "FAILED  table profiles: missing: run `pixcrawler migrate`" in out
    assert "FAILED  migration head: 0_" in out


async def test_the_report_writes_nothing(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = asyncpg.connect
    opened: list[asyncpg.Connection] = []

    async def watched(**arguments: object) -> asyncpg.Connection:
        opened.append(await connect(**arguments, server_settings={"default_transaction_read_only": "on"}))
        return opened[-1]

    monkeypatch.setattr(asyncpg, "connect", watched)

    checks = await alignment.examine(migrated_url)

    assert [check.name for check in checks if not check.ok] == []
    assert [connection.is_closed() for connection in opened] == [True]


async def test_whoever_may_read_the_tables_may_run_the_report(connection: asyncpg.Connection) -> None:
    reader = f"reader_{os.getpid()}"
    await connection.execute(f"create role {reader}; grant select on all tables in schema public to {reader}")
    await connection.execute(f"set local role {reader}")

    checks = await alignment.examine_connection(connection)

    assert [check.name for check in checks if not check.ok] == []


async def test_a_filled_table_is_planned_alike(make_database: MakeDatabase) -> None:
    """The planner's proof does not hang on empty tables: 60,000 images of 30 jobs, with statistics."""
    url = await make_database("filled")
    await migrate(url)
    connection = await asyncpg.connect(**credentials(url))
    try:
        await connection.execute(FILL)
        async with connection.transaction():
            checks = await alignment.examine_connection(connection)
    finally:
        await connection.close()

    assert [(check.name, check.message) for check in checks if not check.ok] == []


FILL = """
insert into profiles (id, email)
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, n || '@example.org'
    from generate_series(1, 300) n;
insert into projects (name, user_id) select 'p', id from profiles, generate_series(1, 5);
insert into crawl_jobs (project_id, name, keywords, status)
    select id, 'j', '["cat"]', (array['pending', 'running', 'completed', 'failed'])[1 + n % 4]
    from projects, generate_series(1, 3) n;
insert into images (crawl_job_id, original_url, filename, chunk, status)
    select 1 + n % 30, 'https://example.org/' || n, n::text, n % 10,
           (array['pending', 'failed', 'duplicate'])[1 + n % 3]
    from generate_series(1, 60000) n;
insert into validation_jobs (crawl_job_id, name) select id, 'v' from crawl_jobs;
insert into export_jobs (crawl_job_id, user_id, name)
    select crawl_jobs.id, user_id, 'e' from crawl_jobs join projects on projects.id = project_id;
insert into activity_logs (user_id, action, timestamp)
    select profiles.id, 'project.created', now() - n * interval '1 hour' from profiles, generate_series(1, 30) n;
analyze;
"""


def test_a_field_of_another_type_is_named() -> None:
    sdl = "type Project { id: ID! name: String } enum ProjectStatus { ACTIVE } type Query { project: Project }"

    found = {check.name: check for check in check_graphql(build_schema(sdl))}

    assert "name is String, the contract says String!" in found["GraphQL type Project"].message
    assert "databaseId is missing, the contract says Int!" in found["GraphQL type Project"].message
    assert found["GraphQL type CrawlJob"].message == "missing"
    assert found["GraphQL enum ProjectStatus"].message == "ACTIVE; the contract says ACTIVE ARCHIVED"


def test_what_the_service_adds_to_the_contract_is_no_fault_but_a_required_argument_is() -> None:
    fields = " ".join(
        f"{name}{kind if kind.startswith('(') else f': {kind}'}" for name, kind in TYPES["Project"].items()
    )
    rest = """scalar DateTime type Profile { a: Int } enum ProjectStatus { ACTIVE ARCHIVED }
        input CrawlJobFilter { a: Int } input CrawlJobOrder { a: Int } type CrawlJobConnection { a: Int }
        type Query { project: Project }"""

    def message(more: str) -> str:
        schema = build_schema(f"type Project {{ {fields} {more} }} {rest}")
        return next(check.message for check in check_graphql(schema) if check.name == "GraphQL type Project")

    assert message("extra: Int") == "9 fields"
    fields = fields.replace("name: String!", "name(lang: String!): String!")
    assert "name is (lang: String!): String!" in message("")


def test_a_filter_that_the_report_has_no_statement_for_is_named() -> None:
    sdl = """input ImageFilter { status: String sharpness: Float } enum ImageOrderField { CREATED_AT }
        type Query { a: Int }"""
    found = offered(build_schema(sdl), PARENTS)

    assert unplanned(found) == ["ImageFilter.sharpness has no statement in the report"]
    names = [question.name for question in questions(found)]
    assert "plan of Image filtered by status" in names
    assert "plan of Image ordered by CREATED_AT" in names


def test_one_failure_is_counted_and_shown() -> None:
    checks = [Check("a", True, "x"), Check("b", False, "differs")]

    assert as_text(checks).splitlines() == ["PASSED  a: x", "FAILED  b: differs", "1 passed, 1 failed"]
    assert json.loads(as_json(checks))["ok"] is False


async def test_tables_that_were_emptied_and_vacuumed_pass_too(make_database: MakeDatabase) -> None:
    """A planner that knows of no rows reads any index from its start: that is no missing index."""
    url = await make_database("emptied")
    await migrate(url)
    opened = await asyncpg.connect(**credentials(url))
    try:
        await opened.execute(
            "insert into profiles (id, email) select gen_random_uuid(), n::text from generate_series(1, 500) n"
        )
        await opened.execute("delete from profiles")
        await opened.execute("vacuum analyze")
    finally:
        await opened.close()
    assert [check.name for check in await alignment.examine(url) if not check.ok] == []
