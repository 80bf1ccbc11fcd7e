"""A project as a subscriber sees it: the project as it is, then each job that changes, until the project is deleted."""

from __future__ import annotations

import asyncpg
import pytest

from app.job_states import RECENT_S
from app.progress import hub, publish_change
from app.project_news import ProjectTopic
from app.values import JobNews
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import EXPORT, VALIDATE, act, good, key_of, urls, verb
from tests.support.service import Person, entries, running_worker, until
from tests.support.watching import watching

PROJECT = """subscription($id: ID!) { projectProgress(id: $id) { at changed project { id name crawlJobs { totalCount } }
  crawlJob { id status progress } validationJob { id status } exportJob { id status } } }"""
LISTED = entries("http://127.0.0.1:9/a.jpg")


async def nobody_watches() -> bool:
    return hub().projects == {}


async def test_the_first_frame_is_the_project_and_names_no_job(owner: Person) -> None:
    project = await owner.project("Cats")
    await owner.crawl(projectId=project, sources=LISTED, start=False)
    async with watching(owner, PROJECT, project) as subscriber:
        frame = await subscriber.frame()
    assert frame["project"] == {"id": project, "name": "Cats", "crawlJobs": {"totalCount": 1}}
    assert [frame[name] for name in ("changed", "crawlJob", "validationJob", "exportJob")] == [None] * 4
    await until(nobody_watches)


async def test_crawls_validations_and_exports_are_heard_of_to_their_ends(owner: Person) -> None:
    project = await owner.project()
    async with MisbehavingHost(good(6)) as host, running_worker(), watching(owner, PROJECT, project) as subscriber:
        await subscriber.frame()
        crawl = await owner.crawl(projectId=project, sources=entries(*urls(host, *range(6))))
        while True:
            frame = await subscriber.frame()
            assert (frame["changed"], frame["crawlJob"]["id"], frame["exportJob"]) == (crawl, crawl, None)
            if frame["crawlJob"]["status"] == "COMPLETED":
                break
        validation = (await owner.do(VALIDATE, input={"crawlJobId": crawl, "rules": {}}))["validationJob"]["id"]
        export = (await owner.do(EXPORT, input={"crawlJobId": crawl}))["exportJob"]["id"]
        heard: dict[str, str] = {}
        while heard.get(validation) != "COMPLETED" or heard.get(export) != "COMPLETED":
            frame = await subscriber.frame()
            job = frame["validationJob"] or frame["exportJob"] or frame["crawlJob"]
            assert job["id"] == frame["changed"]
            heard[job["id"]] = job["status"]


async def test_other_projects_are_not_heard_of(owner: Person) -> None:
    mine, other = await owner.project(), await owner.project()
    elsewhere = await owner.crawl(projectId=other, sources=LISTED, start=False)
    job = await owner.crawl(projectId=mine, sources=LISTED, start=False)
    async with watching(owner, PROJECT, mine) as subscriber:
        await subscriber.frame()
        await act(owner, "cancelCrawlJob", elsewhere)
        await act(owner, "cancelCrawlJob", job)
        assert (await subscriber.frame())["changed"] == job


async def test_a_change_of_which_no_news_came_is_found_by_the_sweep(owner: Person, db: asyncpg.Connection) -> None:
    project = await owner.project()
    job = await owner.crawl(projectId=project, sources=LISTED, start=False)
    async with watching(owner, PROJECT, project) as subscriber:
        await subscriber.frame()
        await db.execute("update crawl_jobs set status = 'failed'")
        frame = await subscriber.frame()
    assert (frame["changed"], frame["crawlJob"]["status"]) == (job, "FAILED")
    assert RECENT_S >= 30


async def test_the_projects_deletion_is_the_end(owner: Person) -> None:
    project = await owner.project()
    async with watching(owner, PROJECT, project) as subscriber:
        await subscriber.frame()
        await owner.do(verb("deleteProject", "deletedId"), id=project)
        await subscriber.all()
        assert subscriber.ended_by == "complete"
    await until(nobody_watches)


@pytest.mark.parametrize("key", ["", "Project:0", "CrawlJob:1", "Project:2000000000"])
async def test_what_is_missing_or_anothers_is_not_found(owner: Person, stranger: Person, key: str) -> None:
    project = await owner.project()
    async with watching(stranger, PROJECT, key or project) as subscriber:
        assert await subscriber.all() == []
    assert [error["extensions"]["code"] for error in subscriber.errors] == ["NOT_FOUND"]
    await until(nobody_watches)


async def test_news_come_at_most_ten_times_a_second_of_a_job_and_the_last_wins(
    owner: Person, db: asyncpg.Connection
) -> None:
    project = await owner.project()
    job = await owner.crawl(projectId=project, sources=LISTED, start=False)
    async with watching(owner, PROJECT, project) as subscriber:
        await subscriber.frame()
        for number in range(1, 61):
            await db.execute("update crawl_jobs set progress = $1", number)
            await publish_change("CrawlJob", key_of(job))
        while (await subscriber.frame())["crawlJob"]["progress"] != 60:
            pass
    for start in subscriber.heard_s[1:]:
        assert sum(1 for moment in subscriber.heard_s[1:] if start <= moment < start + 0.9) <= 10


async def test_a_watcher_who_is_slow_holds_one_entry_a_job() -> None:
    topic = ProjectTopic()
    slow = topic.add()
    for revision in range(100):
        for job in range(3):
            topic.take(JobNews("CrawlJob", job, revision, final=False))
        topic._tell()
    assert {key: news.revision for key, news in slow.waiting.items()} == {("CrawlJob", job): 99 for job in range(3)}
    assert topic.remove(slow)
