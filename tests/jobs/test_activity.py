"""Each mutation writes its one activity line, in its own transaction; one that is refused writes none."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from app.database import transaction
from app.jobs import activity, project
from app.values import Viewer
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, EXPORT, VALIDATE, exported, good, refusal, urls, validated, verb
from tests.support.service import CREATE, Person, entries, running_worker

LISTED = entries("http://127.0.0.1:9/a.jpg")
LINE = "select action, resource_type, resource_id, metadata_, user_id from activity_logs order by id desc limit 1"


class Lines:
    """The activity log, read line by line."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self.db = db
        self.known = 0

    async def one(self) -> tuple[str, str]:
        """What the one new line says: the action and the global id of its row."""
        assert await self.none() is False
        self.known += 1
        assert await self.none()
        row = await self.db.fetchrow(LINE)
        return row["action"], f"{row['resource_type']}:{row['resource_id']}"

    async def none(self) -> bool:
        """Whether no line is new."""
        return bool(await self.db.fetchval("select count(*) from activity_logs") == self.known)


async def test_each_mutation_of_a_project_and_a_job_writes_exactly_its_line(
    owner: Person, db: asyncpg.Connection
) -> None:
    lines = Lines(db)
    cats = await owner.project()
    assert await lines.one() == ("project.created", cats)

    async def does(mutation: str, action: str, key: str, **variables: Any) -> None:
        answer = await owner.do(mutation, **variables)
        assert answer["errors"] == []
        assert await lines.one() == (action, key)

    update = f"mutation($input: UpdateProjectInput!) {{ updateProject(input: $input) {{ {ERRORS} }} }}"
    await does(update, "project.updated", cats, input={"id": cats, "name": "Dogs"})
    for name in ("archive", "restore"):
        await does(verb(f"{name}Project", "project { id }"), f"project.{name}d", cats, id=cats)
    job = await owner.crawl(projectId=cats, sources=LISTED, start=False)
    assert await lines.one() == ("crawl_job.created", job)
    change = f"mutation($input: UpdateCrawlJobInput!) {{ updateCrawlJob(input: $input) {{ {ERRORS} }} }}"
    await does(change, "crawl_job.updated", job, input={"id": job, "maxImages": 5})
    for name, action in (
        ("start", "started"),
        ("pause", "paused"),
        ("resume", "resumed"),
        ("cancel", "cancelled"),
        ("retry", "retried"),
        ("cancel", "cancelled"),
    ):
        await does(verb(f"{name}CrawlJob"), f"crawl_job.{action}", job, id=job)
    judged = (await owner.do(VALIDATE, input={"crawlJobId": job, "rules": {}}))["validationJob"]["id"]
    assert await lines.one() == ("validation_job.created", judged)
    await does(verb("cancelValidationJob", "validationJob { id }"), "validation_job.cancelled", judged, id=judged)
    dataset = (await owner.do(EXPORT, input={"crawlJobId": job}))["exportJob"]["id"]
    assert await lines.one() == ("export_job.created", dataset)
    await does(verb("cancelExportJob", "exportJob { id }"), "export_job.cancelled", dataset, id=dataset)
    await does(verb("deleteExportJob", "deletedId"), "export_job.deleted", dataset, id=dataset)
    await does(verb("deleteCrawlJob", "deletedId"), "crawl_job.deleted", job, id=job)
    await does(verb("deleteProject", "deletedId"), "project.deleted", cats, id=cats)
    assert len({row["user_id"] for row in await db.fetch("select user_id from activity_logs")}) == 1


async def test_changing_ones_profile_and_asking_for_an_upload_write_a_line_too(
    owner: Person, db: asyncpg.Connection
) -> None:
    lines = Lines(db)
    rename = f'mutation {{ updateProfile(input: {{fullName: "Ann"}}) {{ profile {{ id }} {ERRORS} }} }}'
    me = (await owner.do(rename))["profile"]["id"]
    assert await lines.one() == ("profile.updated", me)
    upload = f'mutation {{ createUrlListUpload(input: {{filename: "list.csv"}}) {{ uploadId {ERRORS} }} }}'
    upload_id = (await owner.do(upload))["uploadId"]
    assert await lines.one() == ("upload.created", f"UrlListUpload:{upload_id.partition('/')[2]}")


async def test_what_a_worker_ends_stands_under_the_owner(owner: Person, db: asyncpg.Connection) -> None:
    async with MisbehavingHost(good(2)) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, 0, 1)))
        await owner.ended(job)
        await validated(owner, job)
        await exported(owner, job)
    rows = await db.fetch("select action, user_id from activity_logs order by id")
    assert [row["action"] for row in rows] == [
        "project.created",
        "crawl_job.created",
        "crawl_job.started",
        "crawl_job.completed",
        "validation_job.created",
        "validation_job.completed",
        "export_job.created",
        "export_job.completed",
    ]
    assert len({row["user_id"] for row in rows}) == 1


async def test_a_refused_mutation_writes_no_line(owner: Person, stranger: Person, db: asyncpg.Connection) -> None:
    lines = Lines(db)
    cats = await owner.project()
    job = await owner.crawl(projectId=cats, sources=LISTED, start=False)
    lines.known = 2
    assert await lines.none()
    await refusal(stranger, verb("deleteProject", "deletedId"), id=cats)
    await refusal(owner, verb("pauseCrawlJob"), id=job)
    await refusal(owner, verb("restoreProject", "project { id }"), id=cats)
    await refusal(owner, VALIDATE, input={"crawlJobId": job, "rules": {}})
    await refusal(owner, EXPORT, input={"crawlJobId": job})
    await refusal(owner, CREATE, input={"projectId": cats, "name": "", "sources": LISTED})
    await refusal(owner, 'mutation { createUrlListUpload(input: {filename: "x"}) { uploadId errors { code } } }')
    assert await lines.none()


async def test_a_change_that_cannot_be_logged_is_not_made(
    owner: Person, db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = Viewer(await db.fetchval("select id from profiles"))
    cats = await project.create(me, "Cats", None)
    monkeypatch.setattr(activity, "INSERT", "select 1 / 0, $1::uuid, $2::text, $3::text, $4::text, $5::text")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await project.archive(me, cats)
    assert await db.fetchval("select status from projects") == "active"


async def test_what_follows_a_commit_is_not_sent_where_the_transaction_is_rolled_back(db: asyncpg.Connection) -> None:
    sent: list[str] = []

    async def send(what: str) -> None:
        sent.append(what)

    async def fail() -> None:
        async with transaction() as tx:
            tx.after_commit(send, "never")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with transaction() as tx:
        tx.after_commit(send, "now")
        assert sent == []
    assert sent == ["now"]
