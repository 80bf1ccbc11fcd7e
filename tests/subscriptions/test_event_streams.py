"""The same subscriptions over server-sent events, for clients and networks to which websockets are foreign."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

import schema.sse
from app import auth
from app.progress import hub, publish_change
from schema.root import schema as on
from tests.support.asking import key_of
from tests.support.events import streaming
from tests.support.service import Person, entries, until
from tests.support.watching import CRAWL

LISTED = entries("http://127.0.0.1:9/a.jpg")


async def nothing_held() -> bool:
    return hub().topics == {} and not on.events.taken


async def test_a_job_is_followed_to_its_end(owner: Person, db: asyncpg.Connection) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    async with streaming(owner, CRAWL, id=job) as stream:
        assert stream.response.status == 200
        assert stream.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["Cache-Control"] == "no-store"
        name, first = await stream.event()
        assert (name, first["data"]["crawlJobProgress"]["crawlJob"]["status"]) == ("next", "PENDING")
        await db.execute("update crawl_jobs set status = 'cancelled'")
        await publish_change("CrawlJob", key_of(job))
        (_, last), end = await stream.all()
    assert last["data"]["crawlJobProgress"]["crawlJob"]["status"] == "CANCELLED"
    assert end == ("complete", None)
    await until(nothing_held)


async def test_a_query_is_one_event_and_the_end(owner: Person) -> None:
    async with streaming(owner, "{ __typename }") as stream:
        (name, payload), end = await stream.all()
    assert (name, payload["data"], end) == ("next", {"__typename": "Query"}, ("complete", None))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (CRAWL, "NOT_FOUND"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($id: Int!) { crawlJobProgress(id: $id) { version } }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_what_is_refused_is_an_event_with_errors_and_the_end(owner: Person, query: str, code: str) -> None:
    async with streaming(owner, query, id="CrawlJob:0") as stream:
        assert stream.response.status == 200
        (name, payload), end = await stream.all()
    assert (name, payload["data"], end) == ("next", None, ("complete", None))
    assert payload["errors"][0]["extensions"]["code"] == code


async def test_anothers_job_is_not_found(owner: Person, stranger: Person) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    async with streaming(owner, CRAWL, id=job) as mine, streaming(stranger, CRAWL, id=job) as theirs:
        await mine.event()
        (_, payload), _ = await theirs.all()
    assert payload["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_token_that_does_not_hold_is_refused_with_401(owner: Person) -> None:
    async with streaming(owner, CRAWL, token="nobody", id="CrawlJob:1") as stream:
        assert stream.response.status == 401


async def test_the_end_of_the_token_ends_the_stream(owner: Person) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    brief = await auth.issue_token("brief@example.org", "admin", expires_s=2)
    async with streaming(owner, CRAWL, token=brief, id=job) as stream:
        events = await stream.all()
    assert events[0][1]["data"]["crawlJobProgress"]["crawlJob"]["id"] == job
    assert events[1][1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert len(events) == 3
    await until(nothing_held)


async def test_a_silent_stream_is_kept_alive_by_comments(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema.sse, "KEEP_ALIVE_S", 0.05)
    job = await owner.crawl(sources=LISTED, start=False)
    async with streaming(owner, CRAWL, id=job) as stream:
        while (await stream.event())[0] != "next":
            pass
        assert [await stream.event(), await stream.event()] == [("comment", None)] * 2


async def test_a_client_that_leaves_frees_what_it_held(owner: Person) -> None:
    job = await owner.crawl(sources=LISTED, start=False)
    before = len(asyncio.all_tasks())
    async with streaming(owner, CRAWL, id=job) as stream:
        await stream.event()
        assert hub().topics != {}
        assert on.events.taken
        stream.response.close()
    await until(nothing_held)

    async def as_before() -> bool:
        return len(asyncio.all_tasks()) <= before

    await until(as_before)
