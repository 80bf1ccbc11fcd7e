"""Whatever is broken on purpose, the alignment report names it, and nothing beside it."""

from __future__ import annotations

import asyncpg
import pytest

from app.commands.alignment import examine, examine_connection
from tests.schema_check.faults import FAULTS, Fault


@pytest.fixture(scope="module")
async def sound(migrated_url: str) -> frozenset[str]:
    """What fails on an untouched database, so that one fault is one name; another test says that it is nothing."""
    return frozenset(check.name for check in await examine(migrated_url) if not check.ok)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_the_report_names_what_is_broken(
    fault: Fault, connection: asyncpg.Connection, sound: frozenset[str]
) -> None:
    await connection.execute(fault.sql)

    failed = [check for check in await examine_connection(connection) if not check.ok and check.name not in sound]

    assert {check.name for check in failed} == fault.fails
    assert fault.says in " ".join(check.message for check in failed)


async def test_a_list_without_its_index_is_named_with_each_filter_and_order(connection: asyncpg.Connection) -> None:
    await connection.execute("drop index ix_project_user_id")

    failed = {check.name: check.message for check in await examine_connection(connection) if not check.ok}

    assert {"index ix_project_user_id", "plan of projects of a profile"} <= failed.keys()
    assert {"plan of Project filtered by status", "plan of Project ordered by NAME"} <= failed.keys()
    assert failed["plan of Project ordered by NAME"] == "reads all of projects"


async def test_a_missing_table_is_named_with_all_that_hung_on_it(connection: asyncpg.Connection) -> None:
    await connection.execute("drop table validation_jobs")

    failed = {check.name: check.message for check in await examine_connection(connection) if not check.ok}

    assert "pixcrawler migrate" in failed["table validation_jobs"]
    assert {"column validation_jobs.status", "foreign key validation_jobs.crawl_job_id"} <= failed.keys()
    assert {
        "index ix_validation_job_status",
        "trigger of validation_jobs",
        "plan of validation job by id",
    } <= failed.keys()


async def test_an_index_of_an_operator_is_not_a_fault(connection: asyncpg.Connection, sound: frozenset[str]) -> None:
    await connection.execute("create index mine on images (keyword)")

    assert {check.name for check in await examine_connection(connection) if not check.ok} == sound
