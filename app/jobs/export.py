"""An export job's life: created, claimed, its rows streamed, ended, expired.

`started_at` fences: whoever claims anew sets it, and an earlier claim can neither report nor end the job.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from app import queue
from app.database import acquire, transaction
from app.errors import StorageRefused
from app.exports.base import ExportImage
from app.jobs import activity
from app.jobs.change import Kind, change, visible_row
from app.jobs.documents import to_jsonb
from app.jobs.image_filter import where
from app.jobs.limits import NAME_CHARS, check_text
from app.jobs.validation import ended_crawl_job
from app.log import log
from app.models.states import EXPORT_JOB
from app.progress import publish_change
from app.storage import storage
from app.values import Viewer

EXPORT_JOB_KIND = Kind("export_jobs", "ExportJob", "export job", EXPORT_JOB)
CURSOR_ROWS = 500

INSERT = """
insert into export_jobs (crawl_job_id, user_id, name, format, export_options)
values ($1, $2, $3, $4, $5::jsonb) returning id
"""
CLAIM = """
update export_jobs set status = 'running', started_at = clock_timestamp(), exported_images = 0, progress = 0
where id = $1 and (status = 'pending'
    or status = 'running' and (started_at is null
        or updated_at < clock_timestamp() - make_interval(secs => $2::float8)))
returning crawl_job_id, name, format, export_options, started_at
"""
CHOSEN = "from images i where i.crawl_job_id = $1 and i.status in ('downloaded', 'valid')"
TOTAL = f"select count(*) {CHOSEN}"
ROWS = (
    "select i.id, i.sha256, i.storage_url, i.filename, i.width, i.height, i.file_size, i.format, i.keyword,"
    f" i.original_url, i.phash, i.provenance {CHOSEN}"
)
SET_TOTAL = """
update export_jobs set total_images = $3 where id = $1 and status = 'running' and started_at = $2 returning id
"""
REPORT = """
update export_jobs set exported_images = $3::int,
    progress = least(99, 100::bigint * $3::int / greatest(total_images, 1))
where id = $1 and status = 'running' and started_at = $2 returning id
"""
COMPLETE = """
update export_jobs e set status = 'completed', progress = 100, completed_at = now(), exported_images = $3,
    file_size = $4, download_url = $5, expires_at = now() + make_interval(secs => $6::float8)
where id = $1 and status = 'running' and started_at = $2 returning user_id
"""
# Told to end: whoever holds nothing is known by no start.
RELEASE = """
update export_jobs set started_at = null where id = $1 and status = 'running' and started_at = $2
"""
FAIL = """
update export_jobs set status = 'failed', completed_at = now(), error_message = $3
where id = $1 and status = 'running' and started_at = $2 returning user_id
"""
EXPIRE = """
update export_jobs set status = 'expired', download_url = null
where status = 'completed' and expires_at < now() returning id, user_id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """An export job that is ours until somebody claims it anew."""

    export_job_id: int
    crawl_job_id: int
    name: str
    format: str
    chosen: Mapping[str, Any]
    """The filter, by the names of `app/jobs/image_filter.py`."""
    started_at: datetime


async def create(viewer: Viewer, crawl_job_id: int, name: str | None, form: str, chosen: dict[str, Any]) -> int:
    """A new export job; `chosen` is a filter of `app/jobs/image_filter.py`. Its id."""
    name = check_text(name if name is not None else "Export", ["input", "name"], NAME_CHARS)
    options = to_jsonb({"filter": chosen})
    async with transaction() as tx:
        await ended_crawl_job(tx, viewer, crawl_job_id)
        key = int(await tx.connection.fetchval(INSERT, crawl_job_id, viewer.id, name, form, options))
        await activity.write(tx, viewer.id, "export_job.created", "ExportJob", key, {"name": name, "format": form})
        tx.after_commit(queue.hint, queue.Export(key))
    return key


async def cancel(viewer: Viewer, key: int) -> int:
    """pending or running → cancelled; the worker drops what it has written."""
    async with transaction() as tx:
        await change(tx, EXPORT_JOB_KIND, "cancel", key, viewer, also="completed_at = now()")
        await activity.write(tx, viewer.id, "export_job.cancelled", "ExportJob", key)
        tx.after_commit(publish_change, "ExportJob", key)
    return key


async def delete(viewer: Viewer, key: int) -> int:
    """Delete the job and, after the commit, its file: a link to it that is still about must lead nowhere."""
    async with transaction() as tx:
        row = await visible_row(tx, EXPORT_JOB_KIND, key, viewer, "download_url", lock="for update")
        await tx.connection.execute("delete from export_jobs where id = $1", key)
        await activity.write(tx, viewer.id, "export_job.deleted", "ExportJob", key)
        if row["download_url"]:
            tx.after_commit(_drop_file, row["download_url"])
    return key


async def _drop_file(storage_key: str) -> None:
    """Delete a file that no row names any more; where storage does not answer the collector does it."""
    try:
        await storage().delete([storage_key])
    except StorageRefused as error:
        log.warning("file_left", key=storage_key, error=str(error))


async def claim(key: int, lease_s: float) -> Claim | None:
    """Take the job if it waits, or if its worker has shown no progress for `lease_s` seconds; it begins anew then."""
    async with transaction() as tx:
        row = await tx.connection.fetchrow(CLAIM, key, lease_s)
        if row is None:
            return None
        tx.after_commit(publish_change, "ExportJob", key)
    chosen = orjson.loads(row["export_options"]).get("filter") or {}
    return Claim(key, row["crawl_job_id"], row["name"], row["format"], chosen, row["started_at"])


@contextlib.asynccontextmanager
async def chosen_images(claimed: Claim) -> AsyncIterator[AsyncIterator[ExportImage]]:
    """The job's images by id, through a server-side cursor: one snapshot, memory for a few hundred rows."""
    async with acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        chosen, values = where(claimed.chosen, "i", 1)
        total = await connection.fetchval(TOTAL + chosen, claimed.crawl_job_id, *values)
        await _set_total(claimed, total)
        ordered = f"{ROWS}{chosen} order by i.id"
        cursor = connection.cursor(ordered, claimed.crawl_job_id, *values, prefetch=CURSOR_ROWS)
        yield _images(cursor)


async def _images(cursor: AsyncIterator[asyncpg.Record]) -> AsyncIterator[ExportImage]:
    async for row in cursor:
        yield ExportImage(
            image_id=row["id"],
            sha256=row["sha256"],
            storage_key=row["storage_url"],
            filename=row["filename"],
            width=row["width"],
            height=row["height"],
            file_size=row["file_size"],
            format=row["format"],
            keyword=row["keyword"],
            original_url=row["original_url"],
            phash=row["phash"],
            provenance=orjson.loads(row["provenance"]),
        )


async def _set_total(claimed: Claim, total: int) -> None:
    async with acquire() as connection:
        await connection.execute(SET_TOTAL, claimed.export_job_id, claimed.started_at, total)


async def report(claimed: Claim, exported: int) -> bool:
    """Say how many images are written; False where the job was cancelled, deleted or claimed anew."""
    async with acquire() as connection:
        held = await connection.fetchval(REPORT, claimed.export_job_id, claimed.started_at, exported)
    await publish_change("ExportJob", claimed.export_job_id)
    return held is not None


async def complete(claimed: Claim, exported: int, size: int, storage_key: str, ttl_s: float) -> bool:
    """running → completed with the file's size and key; False where the job is not ours any more."""
    async with transaction() as tx:
        owner = await tx.connection.fetchval(
            COMPLETE, claimed.export_job_id, claimed.started_at, exported, size, storage_key, ttl_s
        )
        if owner is None:
            return False
        await activity.write(tx, owner, "export_job.completed", "ExportJob", claimed.export_job_id)
        tx.after_commit(publish_change, "ExportJob", claimed.export_job_id)
    return True


async def release(claimed: Claim) -> None:
    """Give a running job back: it begins anew with whoever claims it next, at once."""
    async with acquire() as connection:
        await connection.execute(RELEASE, claimed.export_job_id, claimed.started_at)


async def fail(claimed: Claim, message: str) -> None:
    """running → failed, with the reason."""
    async with transaction() as tx:
        owner = await tx.connection.fetchval(FAIL, claimed.export_job_id, claimed.started_at, message)
        if owner is None:
            return
        await activity.write(tx, owner, "export_job.failed", "ExportJob", claimed.export_job_id)
        tx.after_commit(publish_change, "ExportJob", claimed.export_job_id)


async def expire() -> list[int]:
    """completed → expired for all whose time is over; their ids. The collector deletes the files."""
    async with transaction() as tx:
        rows = await tx.connection.fetch(EXPIRE)
        for row in rows:
            await activity.write(tx, row["user_id"], "export_job.expired", "ExportJob", row["id"])
            tx.after_commit(publish_change, "ExportJob", row["id"])
    return [row["id"] for row in rows]
