"""The profile behind a token: made once, keyed by the subject, its role its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import asyncpg
import pytest

from app import auth
from tests.auth.providers import SECRET, claims, signed
from tests.support.configured import configured
from tests.support.service import Person, entries

VIEWER = "{ viewer { databaseId email fullName avatarUrl role } }"


@pytest.fixture(autouse=True)
def issuer() -> Iterator[None]:
    with configured(PIXCRAWLER_JWT_SECRET=SECRET):
        yield


async def asked(api: str, said: dict[str, Any], query: str = VIEWER) -> tuple[int, dict[str, Any]]:
    """The status and the body of an answer to these claims."""
    headers = {"Authorization": f"Bearer {signed(said)}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api}/graphql", json={"query": query}, headers=headers) as response,
    ):
        return response.status, await response.json()


async def viewer(api: str, said: dict[str, Any]) -> dict[str, Any]:
    status, body = await asked(api, said)
    assert status == 200, body
    return dict(body["data"]["viewer"])


async def test_twenty_first_requests_at_once_make_one_profile(api: str, db: asyncpg.Connection) -> None:
    said = claims()
    answers = await asyncio.gather(*(viewer(api, said | {"jti": str(number)}) for number in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert await db.fetchval("select count(*) from profiles") == 1


async def test_without_an_email_there_is_a_made_up_one_and_two_of_them_do_not_meet(api: str) -> None:
    first, second = claims(email=None), claims(email="")
    for said in (first, second):
        assert (await viewer(api, said))["email"] == f"{said['sub']}@no-email.invalid"


async def test_an_email_that_another_profile_holds_refuses_the_sign_in(api: str, db: asyncpg.Connection) -> None:
    first, second = claims(), claims()
    await viewer(api, first)
    status, body = await asked(api, second | {"email": first["email"]})
    assert status == 409
    assert body["errors"][0]["extensions"]["code"] == "CONFLICT"
    assert first["email"] in body["errors"][0]["message"]
    assert await db.fetchval("select count(*) from profiles") == 1
    assert (await viewer(api, second))["email"] == second["email"]


@pytest.mark.parametrize("role", ["admin", "service_role", "ADMIN", {"admin": True}])
async def test_a_role_in_the_token_makes_nobody_an_admin(
    api: str, owner: Person, db: asyncpg.Connection, role: Any
) -> None:
    said = claims(role=role, app_metadata={"role": "admin", "roles": ["admin"]})
    assert (await viewer(api, said))["role"] == "USER"
    await db.execute("update profiles set role = 'admin' where id = $1::text::uuid", said["sub"])
    auth._viewers.clear()
    assert (await viewer(api, said | {"role": "authenticated"}))["role"] == "ADMIN"


async def test_an_admin_sees_and_steers_everyones_jobs_and_nobody_else_does(api: str, db: asyncpg.Connection) -> None:
    owner, stranger, admin = claims(), claims(), claims()
    for said in (owner, stranger, admin):
        await viewer(api, said)
    await db.execute("update profiles set role = 'admin' where id = $1::text::uuid", admin["sub"])
    auth._viewers.clear()
    async with aiohttp.ClientSession() as session:
        mine, theirs, boss = (Person(api, signed(said), session) for said in (owner, stranger, admin))
        job = await mine.crawl(sources=entries("http://127.0.0.1:9/a.jpg"), start=False)
        cancel = "mutation($id: ID!) { cancelCrawlJob(id: $id) { crawlJob { status } errors { code } } }"
        assert (await theirs.do(cancel, id=job))["errors"] == [{"code": "NOT_FOUND"}]
        assert (await boss.do(cancel, id=job))["crawlJob"] == {"status": "CANCELLED"}
    line = "select user_id::text from activity_logs where action = 'crawl_job.cancelled'"
    assert await db.fetchval(line) == admin["sub"]


ODD: list[dict[str, Any]] = [
    {"email": "a\x00b@example.org"},
    {"email": 7},
    {"email": "e" * 400 + "@example.org"},
    {"user_metadata": None},
    {"user_metadata": "text"},
    {"user_metadata": {"full_name": ["Ann"], "avatar_url": {"x": 1}}},
    {"user_metadata": {"full_name": "n" * 400, "avatar_url": "https://example.org/" + "p" * 1_000}},
    {"user_metadata": {}, "name": "Ann\x00", "picture": 3},
    {"exp": 10**15},
    {"exp": 4_102_444_800.5},
]


@pytest.mark.parametrize("odd", ODD, ids=[str(odd)[:40] for odd in ODD])
async def test_odd_claims_are_kept_as_far_as_columns_take_them(api: str, odd: dict[str, Any]) -> None:
    said = claims(**odd)
    found = await viewer(api, said)
    assert found["databaseId"] == said["sub"]
    assert len(found["email"]) <= 255
    assert len(found["fullName"] or "") <= 100


async def test_a_subject_in_capitals_is_the_same_person(api: str, db: asyncpg.Connection) -> None:
    said = claims()
    assert await viewer(api, said) == await viewer(api, said | {"sub": said["sub"].upper()})
    assert await db.fetchval("select count(*) from profiles") == 1
