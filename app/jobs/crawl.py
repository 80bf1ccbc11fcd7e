"""What a person may do to a crawl job: create, rename, start, pause, resume, cancel, delete.

The document `crawl_jobs.options`:

- `sources`: what was asked, `[{"name", "options"}]`, options spelled as in `SourceInput`; never changed.
- `terms`: what sources that search by keyword are asked for, `[{"keyword", "term", "by"}]`; determined once, so that a
  job that runs again asks the same.
- `discovery`: how each source stands, in the same order: `{"found", "state", "message", "queries"}` with `state`
  pending, running, done or failed; `queries`, once it was asked, one for each term: `{"keyword", "term", "found",
  "state", "message", "total", "cursor", "skip"}`: `cursor` continues the search, `skip` leaves out what was taken.
  `paused_until`, Unix time, where the source asked for a pause.
- `chunk_size`: rows a chunk; `held`: waits for `startCrawlJob`; `seeking`: candidates are still sought.
- `seeker`: who discovers now, `{"task", "until"}`; `final`: rows that are not pending; `bytes`: bytes stored.
- `reviving`: failed rows that are still to become pending (`app/jobs/reviving.py`); absent otherwise.
- `recrawl_of`: the job that this one crawls again (`app/jobs/recrawl.py`), and `recrawl_stored`: the images that it had
  stored; absent from others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from app import queue
from app.database import Transaction, acquire, transaction
from app.errors import IllegalTransition
from app.jobs import activity, closing
from app.jobs.change import Kind, change, remove, visible_row
from app.jobs.crawl_spec import check_uploads, checked
from app.jobs.documents import to_jsonb
from app.jobs.expansion import expanded
from app.jobs.limits import MAX_IMAGES, NAME_CHARS, check_number, check_text
from app.jobs.project import PROJECT_KIND
from app.models.states import CRAWL_JOB
from app.progress import publish_change
from app.values import CrawlSpec, Term, Viewer, camel

CRAWL_JOB_KIND = Kind("crawl_jobs", "CrawlJob", "crawl job", CRAWL_JOB)

SAME_KEY = """
select j.id from crawl_jobs j join projects p on p.id = j.project_id
where j.idempotency_key = $2 and p.user_id = (select user_id from projects where id = $1)
    and ($4 or p.user_id = $3)
"""
# Requests with the same key wait for each other, in whichever projects of one owner they are.
ONE_AT_A_TIME = """
select pg_advisory_xact_lock(hashtextextended(user_id || ' ' || $2::text, 0)) from projects where id = $1
"""
INSERT = """
insert into crawl_jobs (project_id, name, keywords, max_images, options, idempotency_key)
values ($1, $2, $3::jsonb, $4, $5::jsonb, $6) returning id
"""
UPDATE = "update crawl_jobs set name = coalesce($2, name), max_images = coalesce($3, max_images) where id = $1"
ASKED_OPTIONS = ("sources", "terms", "chunk_size")
"""What of a job's `options` was asked, and is asked again by a re-crawl; all else says how far the job has come."""
NO_LEASES = "leases = '{}', active_chunks = 0, task_ids = '[]'"


async def create(viewer: Viewer, spec: CrawlSpec) -> int:
    """A new crawl job of a project that the viewer sees; its id. The same idempotency key gives the same job."""
    spec = checked(spec)
    async with acquire() as connection:
        known = await made_before(connection, viewer, spec.project_id, spec.idempotency_key)
    if known is not None:
        return known  # whatever became of its project and its uploads since
    await check_uploads(viewer, spec.sources)
    terms = await expanded(spec.keywords, spec.expansion)
    async with transaction() as tx:
        await open_project(tx, viewer, spec.project_id, ["input", "projectId"])
        known = await made_before(tx.connection, viewer, spec.project_id, spec.idempotency_key, alone=True)
        if known is not None:
            return known
        key = await _insert(tx, spec, terms)
        about = {"name": spec.name, "project_id": spec.project_id}
        await activity.write(tx, viewer.id, "crawl_job.created", "CrawlJob", key, about)
        if spec.start:
            tx.after_commit(queue.hint, queue.Discover(key))
    return key


async def made_before(
    connection: asyncpg.Connection, viewer: Viewer, project_id: int, key: str | None, *, alone: bool = False
) -> int | None:
    """The job that the project's owner has with this idempotency key already, where the viewer sees it.

    `alone`: whoever asks the same with this key waits until the transaction has ended.
    """
    if key is None:
        return None
    if alone:
        await connection.execute(ONE_AT_A_TIME, project_id, key)
    known = await connection.fetchval(SAME_KEY, project_id, key, viewer.id, viewer.everything)
    return None if known is None else int(known)


async def _insert(tx: Transaction, spec: CrawlSpec, terms: tuple[Term, ...]) -> int:
    options = {
        "sources": [
            {"name": source.name, "options": {camel(name): value for name, value in source.options.items()}}
            for source in spec.sources
        ],
        "terms": [{"keyword": one.keyword, "term": one.text, "by": one.by} for one in terms],
        "chunk_size": spec.chunk_size,
        **unbegun(len(spec.sources), held=not spec.start),
    }
    key = await tx.connection.fetchval(
        INSERT,
        spec.project_id,
        spec.name,
        to_jsonb(spec.keywords),
        spec.max_images,
        to_jsonb(options),
        spec.idempotency_key,
    )
    return int(key)


def unbegun(sources: int, *, held: bool) -> dict[str, Any]:
    """What `options` say of a job with so many sources before it has begun."""
    discovery = [fresh_discovery() for _ in range(sources)]
    return {"discovery": discovery, "held": held, "seeking": True, "seeker": None, "final": 0, "bytes": 0}


def fresh_discovery() -> dict[str, Any]:
    """How a source stands before it was asked."""
    return {"found": 0, "state": "pending", "message": None, "queries": []}


async def open_project(tx: Transaction, viewer: Viewer, project_id: int, path: Sequence[str]) -> None:
    """NotFound or IllegalTransition unless the project is seen and active; it stays so until the commit."""
    row = await visible_row(tx, PROJECT_KIND, project_id, viewer, "status", lock="for share", path=path)
    if row["status"] != "active":
        raise IllegalTransition(
            "The project is archived: restore it first.", path=path, actual="ARCHIVED", allowed=["ACTIVE"]
        )


async def open_project_of(tx: Transaction, viewer: Viewer, key: int, path: Sequence[str] = ("id",)) -> asyncpg.Record:
    """The job's row, locked, of an active project. The project is locked first, as whoever deletes it does."""
    row = await visible_row(tx, CRAWL_JOB_KIND, key, viewer, "project_id", path=path)
    await open_project(tx, viewer, row["project_id"], path)
    columns = "status, options, valid_images, max_images"
    locked: asyncpg.Record = await visible_row(tx, CRAWL_JOB_KIND, key, viewer, columns, lock="for update", path=path)
    return locked


async def update(viewer: Viewer, key: int, *, name: str | None, max_images: int | None) -> int:
    """Rename, or move the goal, in whatever state: one that is over may be retried then. `None` leaves."""
    name = None if name is None else check_text(name, ["input", "name"], NAME_CHARS)
    if max_images is not None:
        check_number(max_images, ["input", "maxImages"], 1, MAX_IMAGES)
    async with transaction() as tx:
        await visible_row(tx, CRAWL_JOB_KIND, key, viewer, "id", lock="for update", path=["input", "id"])
        await tx.connection.execute(UPDATE, key, name, max_images)
        await activity.write(tx, viewer.id, "crawl_job.updated", "CrawlJob", key)
        await closing.close_if_over(tx, key)
        tx.after_commit(queue.hint, queue.Discover(key))
        tx.after_commit(publish_change, "CrawlJob", key)
    return key


async def start(viewer: Viewer, key: int) -> int:
    """pending → running, also where the job was held."""
    async with transaction() as tx:
        await open_project_of(tx, viewer, key)
        also = "started_at = coalesce(started_at, now()), options = options || '{\"held\": false}'"
        await change(tx, CRAWL_JOB_KIND, "start", key, viewer, also=also)
        await _told(tx, viewer, key, "crawl_job.started")
        tx.after_commit(queue.hint, queue.Discover(key))
    return key


async def pause(viewer: Viewer, key: int) -> int:
    """running → paused: no new chunks; those under way finish."""
    async with transaction() as tx:
        await change(tx, CRAWL_JOB_KIND, "pause", key, viewer)
        await _told(tx, viewer, key, "crawl_job.paused")
    return key


async def resume(viewer: Viewer, key: int) -> int:
    """paused → running; workers find the chunks by themselves.

    Who sought before is fenced out: it may have gone at the pause, and its lease must not be waited for.
    """
    async with transaction() as tx:
        await open_project_of(tx, viewer, key)
        also = "error_message = null, options = options || '{\"seeker\": null}'"
        await change(tx, CRAWL_JOB_KIND, "resume", key, viewer, also=also)
        await _told(tx, viewer, key, "crawl_job.resumed")
        tx.after_commit(queue.hint, queue.Discover(key))
    return key


async def cancel(viewer: Viewer, key: int) -> int:
    """pending, running or paused → cancelled; leases are taken away, which fences out who still works."""
    async with transaction() as tx:
        also = f"completed_at = now(), {NO_LEASES}, options = options || '{{\"seeker\": null}}'"
        await change(tx, CRAWL_JOB_KIND, "cancel", key, viewer, also=also)
        await _told(tx, viewer, key, "crawl_job.cancelled")
    return key


async def delete(viewer: Viewer, key: int) -> int:
    """Delete the job and all below it."""
    async with transaction() as tx:
        await remove(tx, CRAWL_JOB_KIND, key, viewer)
        await activity.write(tx, viewer.id, "crawl_job.deleted", "CrawlJob", key)
    return key


async def _told(tx: Transaction, viewer: Viewer, key: int, action: str) -> None:
    await activity.write(tx, viewer.id, action, "CrawlJob", key)
    tx.after_commit(publish_change, "CrawlJob", key)
