"""What a client is told of what goes wrong, and what it is not."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from app.settings import settings
from app.values import Viewer
from schema.reading.serve import Reads
from tests.reading.world import ADMIN, OWNER, World, ask, code


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ viewer { id } ", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_VALIDATION_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ viewer }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ project(id: 1.5) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment A on Profile { id }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ __x: viewer { id } }", "INVALID"),
        ("query($c: Boolean = true) { viewer { id @include(if: $c) } }", ""),
    ],
)
async def test_errors_of_the_operation_have_a_code(rows: World, query: str, expected: str) -> None:
    if expected:
        assert await code(query) == expected
    else:
        assert (await ask(query))["errors"] == []


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"f": {"status": ["NOPE"]}},
        {"f": {"createdAfter": "yesterday"}},
        {"f": {"unknown": 1}},
        {"f": 3},
        {"f": {"minWidth": 2**31}},
    ],
)
async def test_variables_that_do_not_fit_are_refused(rows: World, variables: dict[str, Any]) -> None:
    query = 'query($f: ImageFilter!) { crawlJob(id: "x") { images(filter: $f) { totalCount } } }'
    assert await code(query, variables) == "GRAPHQL_VALIDATION_FAILED"


async def test_a_slow_statement_ends_with_timeout_and_no_words_of_the_database(
    rows: World, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = settings().model_copy(update={"operation_timeout_s": 0.2})
    monkeypatch.setattr("schema.limits.settings", lambda: short)
    async with connection.transaction():
        await connection.execute("lock table projects in access exclusive mode")
        answer = await ask("{ viewer { projects { totalCount } } }")
    assert answer == {
        "data": None,
        "errors": [{"message": "The operation took too long.", "extensions": {"code": "TIMEOUT"}}],
    }
    assert (await ask("{ viewer { projects { totalCount } } }"))["errors"] == []


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), "TIMEOUT"),
        (asyncpg.UndefinedColumnError('column "secret" does not exist'), "INTERNAL"),
        (OSError("/var/run/postgres: no such socket"), "INTERNAL"),
        (KeyError("secret"), "INTERNAL"),
    ],
)
async def test_what_breaks_inside_is_masked_under_an_id_that_the_log_has(
    rows: World, monkeypatch: pytest.MonkeyPatch, raised: Exception, expected: str
) -> None:
    async def broken(*_: Any) -> Any:
        raise raised

    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(Reads, "texts", broken)
    monkeypatch.setattr("schema.masking.log.error", lambda event, **more: logged.append({"event": event, **more}))
    answer = await ask("{ viewer { id } }")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == expected
    assert str(raised).strip("'") not in str(answer)
    if expected == "INTERNAL":
        (line,) = logged
        assert line["id"] == error["extensions"]["id"]
        assert str(raised) in str(line.get("exc_info") or line["error"])


async def test_a_profile_that_is_gone_is_not_found(rows: World) -> None:
    assert await code("{ viewer { id } }", viewer=Viewer(type(OWNER.id)(int=99))) == "NOT_FOUND"


async def test_an_operation_that_is_cancelled_frees_its_connection(rows: World) -> None:
    asked = [asyncio.create_task(ask("{ viewer { projects { totalCount } } }", viewer=ADMIN)) for _ in range(30)]
    await asyncio.sleep(0)
    for task in asked[::2]:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert (await ask("{ viewer { id } }"))["errors"] == []
