"""Live progress: a snapshot from the database, then what is newer, then the final state and the end.

The rows themselves are read by the compiled reads, shared among those who watch the same revision.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated

import strawberry

from app.errors import Invalid
from app.jobs.watching import activity, seen_job, seen_project
from app.progress import Watch
from app.values import JobNews
from schema.context import Context
from schema.payloads import (
    ActivityAdded,
    CrawlJobProgress,
    ExportJobProgress,
    ProjectProgress,
    ValidationJobProgress,
)
from schema.progress_feeds import JobFeed, ProjectFeed
from schema.reading.declare import ref
from schema.reading.ids import int_key

Info = strawberry.Info[Context, None]


@strawberry.type(description="Live progress of jobs: at most 10 frames a second, the last of them final.")
class Subscription:
    """All subscriptions."""

    @strawberry.subscription(description="A crawl job's progress until its end.")
    async def crawl_job_progress(self, info: Info, id: strawberry.ID) -> AsyncIterable[CrawlJobProgress]:
        key = await seen_job(info.context.viewer, "CrawlJob", int_key(str(id), "CrawlJob"))
        return JobFeed("CrawlJob", key, _crawl_frame)

    @strawberry.subscription(description="A validation job's progress until its end.")
    async def validation_job_progress(self, info: Info, id: strawberry.ID) -> AsyncIterable[ValidationJobProgress]:
        key = await seen_job(info.context.viewer, "ValidationJob", int_key(str(id), "ValidationJob"))
        return JobFeed("ValidationJob", key, _validation_frame)

    @strawberry.subscription(description="An export job's progress until its end.")
    async def export_job_progress(self, info: Info, id: strawberry.ID) -> AsyncIterable[ExportJobProgress]:
        key = await seen_job(info.context.viewer, "ExportJob", int_key(str(id), "ExportJob"))
        return JobFeed("ExportJob", key, _export_frame)

    @strawberry.subscription(
        description="What happens to the jobs of a project, those made later too. The first frame is the project as it"
        " is, each later one names the job that changed; the end comes with the project's deletion."
    )
    async def project_progress(self, info: Info, id: strawberry.ID) -> AsyncIterable[ProjectProgress]:
        return ProjectFeed(await seen_project(info.context.viewer, int_key(str(id), "Project")))

    @strawberry.subscription(
        description="Lines of the activity log as they are written, in order. None is left out: whoever comes back"
        " gives the id of the last line they have as `after`."
    )
    async def activity_added(
        self,
        info: Info,
        project_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only lines about this project and its jobs.")
        ] = None,
        after: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Begin after this line rather than with the next; one may come again."),
        ] = None,
    ) -> AsyncGenerator[ActivityAdded, None]:
        project, begin = None, None
        if project_id is not None:
            project = await seen_project(info.context.viewer, int_key(str(project_id), "Project"), "projectId")
        if after is not None:
            begin = int_key(str(after), "ActivityLog")
            if begin is None:
                raise Invalid("`after` is the id of a line of the activity log.", path=["after"])
        async with aclosing(activity(info.context.viewer, project, begin)) as lines:
            async for key in lines:
                yield ActivityAdded(of=("ActivityLog", key), activity_log=ref("ActivityLog", key))


def _crawl_frame(news: JobNews, watch: Watch) -> CrawlJobProgress:
    images, size = watch.rates()
    return CrawlJobProgress(
        version=news.revision,
        at=datetime.now(UTC),
        images_per_second=images,
        bytes_per_second=size,
        eta_seconds=int(news.remaining / images) + 1 if images and not news.final else None,
        crawl_job=ref("CrawlJob", news.id, news.revision),
    )


def _validation_frame(news: JobNews, _: Watch) -> ValidationJobProgress:
    row = ref("ValidationJob", news.id, news.revision)
    return ValidationJobProgress(version=news.revision, at=datetime.now(UTC), validation_job=row)


def _export_frame(news: JobNews, watch: Watch) -> ExportJobProgress:
    _, size = watch.rates()
    row = ref("ExportJob", news.id, news.revision)
    return ExportJobProgress(version=news.revision, at=datetime.now(UTC), bytes_per_second=size, export_job=row)
