"""New lines of the activity log: each that the viewer sees, in order, none left out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

import app.activity_news
from app.activity_news import GAP_S, ActivityFeed
from app.database import acquire
from app.progress import hub
from tests.support.asking import act, verb
from tests.support.service import Person, entries, person, until
from tests.support.watching import Subscriber

ACTIVITY = """subscription($project: ID, $after: ID) { activityAdded(projectId: $project, after: $after) {
  activityLog { id databaseId action resourceType resourceId } } }"""
LISTED = entries("http://127.0.0.1:9/a.jpg")


@contextlib.asynccontextmanager
async def following(who: Person, **variables: Any) -> AsyncIterator[Subscriber]:
    """Subscribed to the log as `who`, from now on unless told."""
    async with who.session.ws_connect(f"{who.url}/graphql", protocols=("graphql-transport-ws",)) as ws:
        await ws.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {who.token}"}})
        assert await ws.receive_json(timeout=5) == {"type": "connection_ack"}
        followers = hub().activity.followers
        payload = {"query": ACTIVITY, "variables": variables}
        await ws.send_json({"type": "subscribe", "id": "1", "payload": payload})
        subscriber = Subscriber(ws)

        async def begun() -> bool:
            feed = hub().activity
            return feed.followers > followers and feed.settled >= 0

        if "after" not in variables and "project" not in variables:
            await until(begun)
        yield subscriber


async def line(subscriber: Subscriber) -> dict[str, Any]:
    """The next line."""
    return dict((await subscriber.frame(20))["activityLog"])


async def last_line(who: Person) -> str:
    """The id of the newest line."""
    found = await who.get("{ viewer { activityLogs(last: 1) { nodes { id } } } }")
    return str(found["viewer"]["activityLogs"]["nodes"][0]["id"])


async def test_what_is_done_is_heard_in_order(owner: Person) -> None:
    await owner.project()
    async with following(owner) as subscriber:
        job = await owner.crawl(sources=LISTED, start=False)
        await act(owner, "cancelCrawlJob", job)
        heard = [await line(subscriber) for _ in range(3)]
    assert [one["action"] for one in heard] == ["project.created", "crawl_job.created", "crawl_job.cancelled"]
    assert heard[1]["resourceId"] == job.split(":")[1]


async def test_whoever_comes_back_with_the_last_line_misses_none(owner: Person) -> None:
    await owner.project("first")
    last = await last_line(owner)
    for name in ("second", "third"):
        await owner.project(name)
    async with following(owner, after=last) as subscriber:
        await owner.project("fourth")
        keys = [(await line(subscriber))["databaseId"] for _ in range(3)]
    begin = int(last.split(":")[1])
    assert keys == sorted(keys)
    assert begin < keys[0]


async def test_another_sees_nothing_of_it_and_an_administrator_all(owner: Person, stranger: Person) -> None:
    await owner.project()
    async with person(owner.url, "admin") as admin, following(admin) as all_of_it, following(stranger) as theirs:
        await owner.project()
        await stranger.project()
        mine, of_theirs = await line(all_of_it), await line(all_of_it)
        assert (await line(theirs))["id"] == of_theirs["id"]
    assert mine["id"] != of_theirs["id"]


async def test_lines_of_one_project_are_those_about_it_and_its_jobs(owner: Person) -> None:
    project, other = await owner.project(), await owner.project()
    last = await last_line(owner)
    job = await owner.crawl(projectId=project, sources=LISTED, start=False)
    await owner.crawl(projectId=other, sources=LISTED, start=False)
    await act(owner, "cancelCrawlJob", job)
    await owner.do(verb("archiveProject", "project { id }"), id=project)
    async with following(owner, project=project, after=last) as subscriber:
        heard = [await line(subscriber) for _ in range(3)]
    assert [one["action"] for one in heard] == ["crawl_job.created", "crawl_job.cancelled", "project.archived"]


async def test_what_is_missing_or_anothers_is_refused(owner: Person, stranger: Person) -> None:
    project = await owner.project()
    for variables, code, path in (
        ({"project": project}, "NOT_FOUND", ["projectId"]),
        ({"project": "Project:0"}, "NOT_FOUND", ["projectId"]),
        ({"project": None, "after": "3"}, "INVALID", ["after"]),
    ):
        async with following(stranger, **variables) as subscriber:
            assert await subscriber.all() == []
            extensions = subscriber.errors[0]["extensions"]
            assert (extensions["code"], extensions["path"]) == (code, path)


async def test_a_line_that_is_committed_late_is_not_passed_over(owner: Person, db: asyncpg.Connection) -> None:
    await owner.project()
    who = await db.fetchval("select user_id from activity_logs")
    sql = "insert into activity_logs (user_id, action) values ($1, $2)"
    async with following(owner) as subscriber, acquire() as late:
        change = late.transaction()
        await change.start()
        await late.execute(sql, who, "late")
        await db.execute(sql, who, "early")
        await hub().activity.sweep()
        await change.commit()
        assert [(await line(subscriber))["action"] for _ in range(2)] == ["late", "early"]


async def test_a_gap_of_a_rollback_delays_and_loses_nothing(
    owner: Person, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.activity_news, "GAP_S", 0.1)
    await owner.project()
    async with following(owner) as subscriber:
        await db.execute("select nextval('activity_logs_id_seq')")
        await owner.project()
        assert (await line(subscriber))["action"] == "project.created"


def test_a_gap_is_passed_when_it_is_old_and_not_before() -> None:
    feed = ActivityFeed()
    feed.settled = 10
    feed.settle([11, 13, 14], 100.0)
    assert feed.settled == 11
    feed.settle([13, 14], 100.0 + GAP_S)
    assert feed.settled == 11
    feed.settle([13, 14, 17], 101.0 + GAP_S)
    assert feed.settled == 14
    feed.settle([15, 16, 17], 102.0 + GAP_S)
    assert feed.settled == 17


async def test_nothing_is_kept_when_nobody_follows(owner: Person) -> None:
    await owner.project()
    async with following(owner):
        assert hub().activity.followers == 1

    async def nobody() -> bool:
        return hub().activity.followers == 0 and hub().activity.settled == -1

    await until(nobody)
