"""What a person may do to a crawl job: create, rename, start, pause, resume, cancel, retry, delete.

The document `crawl_jobs.options`:

- `sources`: what was asked, `[{"name", "options"}]`; never changed.
- `discovery`: how each of them stands, in the same order: `{"found", "state", "message", "cursor", "skip"}` with
  `state` pending, running, done or failed; `cursor` continues the source, `skip` leaves out what was taken of a page.
- `chunk_size`: rows a chunk; `held`: waits for `startCrawlJob`; `seeking`: candidates are still sought.
- `seeker`: who discovers now, `{"task", "until"}`; `final`: rows that are not pending; `bytes`: bytes stored.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson

from app import queue
from app.database import Transaction, transaction
from app.errors import AppError, IllegalTransition, Invalid, SourceUnavailable
from app.jobs import activity, closing, upload
from app.jobs.change import Kind, change, explain, remove, visible_row
from app.jobs.limits import (
    CHUNK_SIZE,
    IDEMPOTENCY_KEY_CHARS,
    KEYWORD_CHARS,
    KEYWORDS,
    MAX_IMAGES,
    NAME_CHARS,
    SOURCES,
    check_count,
    check_number,
    check_text,
)
from app.jobs.project import PROJECT_KIND
from app.models.states import CRAWL_JOB
from app.progress import publish_change
from app.settings import settings
from app.sources.registry import SOURCES as KNOWN_SOURCES
from app.storage import storage
from app.values import CrawlSpec, SourceSpec, Viewer

CRAWL_JOB_KIND = Kind("crawl_jobs", "CrawlJob", "crawl job", CRAWL_JOB)

SAME_KEY = """
select j.id from crawl_jobs j join projects p on p.id = j.project_id
where j.idempotency_key = $2 and p.user_id = (select user_id from projects where id = $1)
"""
INSERT = """
insert into crawl_jobs (project_id, name, keywords, max_images, options, idempotency_key)
values ($1, $2, $3::jsonb, $4, $5::jsonb, $6)
on conflict (project_id, idempotency_key) do nothing returning id
"""
UPDATE = "update crawl_jobs set name = coalesce($2, name), max_images = coalesce($3, max_images) where id = $1"
# Failed rows wait again; what they were refused for is forgotten, since it may not be so any more.
FAILED_TO_PENDING = """
update images set status = 'pending', issues = '[]' where crawl_job_id = $1 and status = 'failed' returning chunk
"""
PENDING_CHUNKS = "select count(distinct chunk) from images where crawl_job_id = $1 and status = 'pending'"
RETRY = """
update crawl_jobs set status = 'running', completed_at = null, error_message = null, progress = least(progress, 99),
    leases = '{}', active_chunks = 0, task_ids = '[]', failed_chunks = 0,
    completed_chunks = total_chunks - $2, options = options || $3::jsonb
where id = $1
"""
NO_LEASES = "leases = '{}', active_chunks = 0, task_ids = '[]'"


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


async def create(viewer: Viewer, spec: CrawlSpec) -> int:
    """A new crawl job of a project that the viewer sees; its id. The same idempotency key gives the same job."""
    spec = _checked(spec)
    await _check_uploads(viewer, spec)
    async with transaction() as tx:
        await open_project(tx, viewer, spec.project_id, ["input", "projectId"])
        if spec.idempotency_key is not None:
            known = await tx.connection.fetchval(SAME_KEY, spec.project_id, spec.idempotency_key)
            if known is not None:
                return int(known)
        key = await _insert(tx, spec)
        about = {"name": spec.name, "project_id": spec.project_id}
        await activity.write(tx, viewer.id, "crawl_job.created", "CrawlJob", key, about)
        if spec.start:
            tx.after_commit(queue.hint, queue.Discover(key))
    return key


async def _insert(tx: Transaction, spec: CrawlSpec) -> int:
    options = {
        "sources": [{"name": source.name, "options": dict(source.options)} for source in spec.sources],
        "discovery": [fresh_discovery() for _ in spec.sources],
        "chunk_size": spec.chunk_size,
        "held": not spec.start,
        "seeking": True,
        "seeker": None,
        "final": 0,
        "bytes": 0,
    }
    key = await tx.connection.fetchval(
        INSERT,
        spec.project_id,
        spec.name,
        _dumps(spec.keywords),
        spec.max_images,
        _dumps(options),
        spec.idempotency_key,
    )
    if key is None:  # another request with the same key came first
        key = await tx.connection.fetchval(SAME_KEY, spec.project_id, spec.idempotency_key)
    return int(key)


def fresh_discovery() -> dict[str, Any]:
    """How a source stands before it was asked."""
    return {"found": 0, "state": "pending", "message": None, "cursor": None, "skip": 0}


def _checked(spec: CrawlSpec) -> CrawlSpec:
    name = check_text(spec.name, ["input", "name"], NAME_CHARS)
    check_count(spec.keywords, ["input", "keywords"], 0, KEYWORDS)
    keywords = tuple(
        check_text(word, ["input", "keywords", str(place)], KEYWORD_CHARS) for place, word in enumerate(spec.keywords)
    )
    check_number(spec.max_images, ["input", "maxImages"], 1, MAX_IMAGES)
    check_number(spec.chunk_size, ["input", "chunkSize"], 1, CHUNK_SIZE)
    check_count(spec.sources, ["input", "sources"], 1, SOURCES)
    idempotency_key = spec.idempotency_key
    if idempotency_key is not None:
        idempotency_key = check_text(idempotency_key, ["input", "idempotencyKey"], IDEMPOTENCY_KEY_CHARS)
    sources = tuple(_checked_source(source, place) for place, source in enumerate(spec.sources))
    if any(KNOWN_SOURCES[source.name].needs_keywords for source in sources) and not keywords:
        raise Invalid(
            "Give at least one keyword: a source of this job searches by keyword.", path=["input", "keywords"]
        )
    return CrawlSpec(
        spec.project_id, name, keywords, sources, spec.max_images, spec.chunk_size, spec.start, idempotency_key
    )


def _checked_source(spec: SourceSpec, place: int) -> SourceSpec:
    """The source with its options as it will use them; errors name the field from `input` down."""
    path = ["input", "sources", str(place), _camel(spec.name)]
    source = KNOWN_SOURCES.get(spec.name)
    if source is None:
        raise SourceUnavailable(f"There is no source {spec.name}.", path=path)
    available, reason = source.available(settings())
    if not available:
        raise SourceUnavailable(f"{source.title} cannot be used: {reason}", path=path)
    try:
        return SourceSpec(spec.name, source.check(spec.options))
    except AppError as error:
        error.path = (*path, *error.path)
        raise


async def _check_uploads(viewer: Viewer, spec: CrawlSpec) -> None:
    """Invalid where a URL list names a file that is not the viewer's, or that was never uploaded."""
    for place, source in enumerate(spec.sources):
        upload_id = source.options.get("upload_id")
        if upload_id is None:
            continue
        path = ["input", "sources", str(place), _camel(source.name), "uploadId"]
        if not upload.is_of(viewer, upload_id) or not await storage().exists(upload.key_of(upload_id)):
            raise Invalid("There is no such upload of yours: PUT the file to its uploadUrl first.", path=path)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


async def open_project(tx: Transaction, viewer: Viewer, project_id: int, path: list[str]) -> None:
    """NotFound or IllegalTransition unless the project is seen and active; it stays so until the commit."""
    try:
        row = await visible_row(tx, PROJECT_KIND, project_id, viewer, "status", lock="for share")
    except AppError as error:
        error.path = tuple(path)
        raise
    if row["status"] != "active":
        raise IllegalTransition(
            "The project is archived: restore it first.", path=path, actual="archived", allowed=["ACTIVE"]
        )


async def _open_project_of(tx: Transaction, viewer: Viewer, key: int) -> asyncpg.Record:
    row = await visible_row(tx, CRAWL_JOB_KIND, key, viewer, "project_id, status, options", lock="for update")
    await open_project(tx, viewer, row["project_id"], ["id"])
    return row


async def update(viewer: Viewer, key: int, *, name: str | None, max_images: int | None) -> int:
    """Rename, or move the goal of a job that is not final yet; `None` leaves."""
    name = None if name is None else check_text(name, ["input", "name"], NAME_CHARS)
    if max_images is not None:
        check_number(max_images, ["input", "maxImages"], 1, MAX_IMAGES)
    async with transaction() as tx:
        await visible_row(tx, CRAWL_JOB_KIND, key, viewer, "id", lock="for update")
        await tx.connection.execute(UPDATE, key, name, max_images)
        await activity.write(tx, viewer.id, "crawl_job.updated", "CrawlJob", key)
        await closing.close_if_over(tx, key)
        tx.after_commit(queue.hint, queue.Discover(key))
        tx.after_commit(publish_change, "CrawlJob", key)
    return key


async def start(viewer: Viewer, key: int) -> int:
    """pending → running, also where the job was held."""
    async with transaction() as tx:
        await _open_project_of(tx, viewer, key)
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
    """paused → running; the reconciler hints the chunks again."""
    async with transaction() as tx:
        await _open_project_of(tx, viewer, key)
        await change(tx, CRAWL_JOB_KIND, "resume", key, viewer, also="error_message = null")
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


async def retry(viewer: Viewer, key: int) -> int:
    """failed, cancelled or completed → running: failed and pending rows, and failed sources, get another try."""
    async with transaction() as tx:
        row = await _open_project_of(tx, viewer, key)
        allowed, _ = CRAWL_JOB["retry"]
        if row["status"] not in allowed:
            await explain(tx, CRAWL_JOB_KIND, "retry", key, viewer, allowed)
        revived = len(await tx.connection.fetch(FAILED_TO_PENDING, key))
        chunks = await tx.connection.fetchval(PENDING_CHUNKS, key)
        options = orjson.loads(row["options"])
        discovery = [_asked_again(entry) for entry in options["discovery"]]
        seeking = any(entry["state"] != "done" for entry in discovery)
        if not chunks and not seeking:
            raise IllegalTransition(
                "There is nothing to retry: no row is failed or pending, and every source has run dry.",
                path=["id"],
                actual=row["status"],
                allowed=[state.upper() for state in allowed],
            )
        changed = {"discovery": discovery, "seeking": seeking, "seeker": None, "held": False}
        changed["final"] = options["final"] - revived
        await tx.connection.execute(RETRY, key, chunks, _dumps(changed))
        await _told(tx, viewer, key, "crawl_job.retried")
        tx.after_commit(queue.hint, queue.Discover(key))
    return key


def _asked_again(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"state": "pending", "message": None} if entry["state"] == "failed" else entry


async def delete(viewer: Viewer, key: int) -> int:
    """Delete the job and all below it."""
    async with transaction() as tx:
        await remove(tx, CRAWL_JOB_KIND, key, viewer)
        await activity.write(tx, viewer.id, "crawl_job.deleted", "CrawlJob", key)
    return key


async def _told(tx: Transaction, viewer: Viewer, key: int, action: str) -> None:
    await activity.write(tx, viewer.id, action, "CrawlJob", key)
    tx.after_commit(publish_change, "CrawlJob", key)
