"""Who may watch what, and its state when they begin."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from app.access import seen_by
from app.database import acquire
from app.job_states import read_states
from app.jobs.change import Kind
from app.jobs.crawl import CRAWL_JOB_KIND
from app.jobs.export import EXPORT_JOB_KIND
from app.jobs.project import PROJECT_KIND
from app.jobs.validation import VALIDATION_JOB_KIND
from app.progress import hub
from app.values import JobNews, Viewer

KINDS: dict[str, Kind] = {kind.type_name: kind for kind in (CRAWL_JOB_KIND, VALIDATION_JOB_KIND, EXPORT_JOB_KIND)}
PAGE = 100
"""Lines of the activity log that are read at once."""

# A line about what is gone is found no more under its project: nothing says where it belonged.
OF_PROJECT = """ and case t.resource_type
    when 'Project' then t.resource_id::int = $4::int
    when 'CrawlJob' then $4::int = (select project_id from crawl_jobs j where j.id = t.resource_id::int)
    when 'ValidationJob' then $4::int = (select j.project_id from validation_jobs v
        join crawl_jobs j on j.id = v.crawl_job_id where v.id = t.resource_id::int)
    when 'ExportJob' then $4::int = (select j.project_id from export_jobs e
        join crawl_jobs j on j.id = e.crawl_job_id where e.id = t.resource_id::int)
    else false end"""


async def state(kind: str, key: int) -> JobNews:
    """A job's state now; NotFound where it is missing. Who asks was let by `seen_job`."""
    found = (await read_states(kind, [key])).get(key)
    if found is None:
        raise KINDS[kind].missing()
    return found


async def seen_job(viewer: Viewer, kind: str, key: int | None) -> int:
    """The job's key; NotFound where it is missing or not seen."""
    return await _seen(viewer, KINDS[kind], key)


async def seen_project(viewer: Viewer, key: int | None, path: str = "id") -> int:
    """The project's key; NotFound, of the argument `path`, where it is missing or not seen."""
    return await _seen(viewer, PROJECT_KIND, key, path)


async def _seen(viewer: Viewer, kind: Kind, key: int | None, path: str = "id") -> int:
    sql = f"select 1 from {kind.table} t where t.id = $1 and {seen_by(kind.table, 't', viewer, '$2::uuid')}"  # noqa: S608 - names of ours
    if key is not None:
        async with acquire() as connection:
            if await connection.fetchval(sql, key, viewer.id):
                return key
    raise kind.missing([path])


async def activity(viewer: Viewer, project: int | None, after: int | None) -> AsyncGenerator[int, None]:
    """The keys of the activity log's lines that the viewer sees, in order: those after `after`, then new ones.

    Without `after` only new ones. `project` leaves those that are about the project and its jobs.
    """
    feed = hub().activity
    async with feed.follow():
        # Above what is settled, a line below `after` may yet come: those above are told a second time rather than lost.
        at = feed.settled if after is None else min(after, feed.settled)
        while True:
            end = await feed.settled_after(at)
            page = await _lines(viewer, project, at, end)
            for key in page:
                yield key
            at = page[-1] if len(page) == PAGE else end


async def _lines(viewer: Viewer, project: int | None, after: int, end: int) -> list[int]:
    sql = (
        "select t.id from activity_logs t where t.id > $1 and t.id <= $2"  # noqa: S608 - names of ours
        f" and {seen_by('activity_logs', 't', viewer, '$3::uuid')}{OF_PROJECT if project is not None else ''}"
        f" order by t.id limit {PAGE}"
    )
    async with acquire() as connection:
        rows = await connection.fetch(sql, after, end, viewer.id, *(() if project is None else (project,)))
    return [row["id"] for row in rows]
