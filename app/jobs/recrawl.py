"""Crawling again: a new job that asks what an ended one asked, and fetches only what is new or changed since.

The new job names the former one in `options.recrawl_of`; what it finds is compared with it as its rows are recorded.
The former job may be deleted at any time: what was not fetched by then counts as new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app import queue
from app.database import Transaction, transaction
from app.errors import IllegalTransition, Invalid
from app.jobs import activity, upload
from app.jobs.change import visible_row
from app.jobs.crawl import ASKED_OPTIONS, CRAWL_JOB_KIND, made_before, open_project, unbegun
from app.jobs.crawl_spec import require_available
from app.jobs.documents import to_jsonb
from app.jobs.limits import IDEMPOTENCY_KEY_CHARS, NAME_CHARS, check_text
from app.models.states import CRAWL_FINAL
from app.storage import storage
from app.values import Viewer

PATH = ("input", "id")

# Of a list given in the mutation the addresses stay where they are.
ASKED = """
project_id, jsonb_path_query_array(options, '$.sources[*].name') as sources,
    jsonb_path_query_array(options, '$.sources[*].options.uploadId') as uploads
"""
# All that was asked is copied; how far the former job came is not.
INSERT = """
insert into crawl_jobs (project_id, name, keywords, max_images, options, idempotency_key)
select project_id, coalesce($2, name), keywords, max_images,
    (select jsonb_object_agg(key, value) from jsonb_each(options) where key = any($5::text[])) || $3::jsonb, $4
from crawl_jobs where id = $1
returning id, name
"""


STORED_BY = """
select count(*) from images where crawl_job_id = $1 and status in ('downloaded', 'valid', 'invalid', 'duplicate')
"""


@dataclass(frozen=True, slots=True)
class Again:
    """Which job is crawled again, and how the new one is called: like the former one unless told."""

    former: int
    name: str | None = None
    idempotency_key: str | None = None


async def create(viewer: Viewer, asked: Again) -> int:
    """A new crawl job like an ended one; its id. The same idempotency key gives the same job again.

    Raises NotFound, IllegalTransition where the job has not ended or its project is archived, SourceUnavailable for a
    source that cannot be used any more, and Invalid for an uploaded list that is gone.
    """
    asked = _checked(asked)
    async with transaction() as tx:
        former = await visible_row(tx, CRAWL_JOB_KIND, asked.former, viewer, ASKED, path=PATH)
        project: int = former["project_id"]
        known = await made_before(tx.connection, viewer, project, asked.idempotency_key)
    if known is not None:
        return known
    sources = orjson.loads(former["sources"])
    await _check_usable(sources, orjson.loads(former["uploads"]))
    async with transaction() as tx:
        await open_project(tx, viewer, project, list(PATH))
        known = await made_before(tx.connection, viewer, project, asked.idempotency_key, alone=True)
        if known is not None:
            return known
        return await _insert(tx, viewer, asked, project, len(sources))


def _checked(asked: Again) -> Again:
    name, key = asked.name, asked.idempotency_key
    return Again(
        asked.former,
        None if name is None else check_text(name, ["input", "name"], NAME_CHARS),
        None if key is None else check_text(key, ["input", "idempotencyKey"], IDEMPOTENCY_KEY_CHARS),
    )


async def _check_usable(sources: Sequence[str], uploads: Sequence[str]) -> None:
    for name in sources:
        require_available(name, PATH)
    for one in uploads:
        if not await storage().exists(upload.key_of(one)):
            raise Invalid("The list that the job was made of is gone: upload it for a new job.", path=PATH)


async def _insert(tx: Transaction, viewer: Viewer, asked: Again, project: int, sources: int) -> int:
    """The new job's row. The former one can neither begin again nor be deleted until the commit."""
    row: Any = await visible_row(tx, CRAWL_JOB_KIND, asked.former, viewer, "status", lock="for share", path=PATH)
    if row["status"] not in CRAWL_FINAL:
        raise IllegalTransition(
            f"This crawl job is {row['status']}: one can crawl it again when it is {' or '.join(CRAWL_FINAL)}.",
            path=PATH,
            actual=row["status"].upper(),
            allowed=[state.upper() for state in CRAWL_FINAL],
        )
    stored = await tx.connection.fetchval(STORED_BY, asked.former)
    begun = to_jsonb(unbegun(sources, held=False) | {"recrawl_of": asked.former, "recrawl_stored": stored})
    given = (asked.former, asked.name, begun, asked.idempotency_key, list(ASKED_OPTIONS))
    made = await tx.connection.fetchrow(INSERT, *given)
    about = {"name": made["name"], "project_id": project, "recrawl_of": asked.former}
    await activity.write(tx, viewer.id, "crawl_job.created", "CrawlJob", made["id"], about)
    tx.after_commit(queue.hint, queue.Discover(made["id"]))
    return int(made["id"])
