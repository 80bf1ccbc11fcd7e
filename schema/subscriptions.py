"""Live progress: a snapshot from the database, then what is newer, then the final state and the end.

The rows themselves are read by the compiled reads, shared among those who watch the same revision.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated

import strawberry

from app.errors import Invalid
from app.jobs.watching import activity, seen_project, state
from app.progress import Watch, hub
from app.values import JobNews
from schema.context import Context
from schema.payloads import (
    ActivityAdded,
    CrawlJobProgress,
    ExportJobProgress,
    ProjectProgress,
    ValidationJobProgress,
)
from schema.reading.declare import ref
from schema.reading.ids import global_id, int_key

Info = strawberry.Info[Context, None]
Same = tuple[str, int, int] | None


async def _follow(
    info: Info, type_name: str, given: strawberry.ID
) -> AsyncGenerator[tuple[JobNews, Watch, Same], None]:
    """The snapshot, then newer news until the final one. Watched before the snapshot, so that nothing falls between."""
    key = int_key(str(given), type_name)
    async with hub().watch(type_name, key if key is not None else 0) as watch:
        snapshot = await state(info.context.viewer, type_name, key)
        watch.start(snapshot)
        # A row may stand still for hours while people come: what they hear first is made for them.
        yield snapshot, watch, None
        if snapshot.final:
            return
        async for news in watch.news(snapshot.revision):
            yield news, watch, (type_name, news.id, news.revision)


@strawberry.type(description="Live progress of jobs: at most 10 frames a second, the last of them final.")
class Subscription:
    """All subscriptions."""

    @strawberry.subscription(description="A crawl job's progress until its end.")
    async def crawl_job_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[CrawlJobProgress, None]:
        async for news, watch, same in _follow(info, "CrawlJob", id):
            images, size = watch.rates()
            yield CrawlJobProgress(
                same=same,
                version=news.revision,
                at=datetime.now(UTC),
                images_per_second=images,
                bytes_per_second=size,
                eta_seconds=int(news.remaining / images) + 1 if images and not news.final else None,
                crawl_job=ref("CrawlJob", news.id, news.revision),
            )

    @strawberry.subscription(description="A validation job's progress until its end.")
    async def validation_job_progress(
        self, info: Info, id: strawberry.ID
    ) -> AsyncGenerator[ValidationJobProgress, None]:
        async for news, _, same in _follow(info, "ValidationJob", id):
            row = ref("ValidationJob", news.id, news.revision)
            yield ValidationJobProgress(same=same, version=news.revision, at=datetime.now(UTC), validation_job=row)

    @strawberry.subscription(description="An export job's progress until its end.")
    async def export_job_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[ExportJobProgress, None]:
        async for news, watch, same in _follow(info, "ExportJob", id):
            _, size = watch.rates()
            row = ref("ExportJob", news.id, news.revision)
            yield ExportJobProgress(
                same=same, version=news.revision, at=datetime.now(UTC), bytes_per_second=size, export_job=row
            )

    @strawberry.subscription(
        description="What happens to the jobs of a project, those made later too. The first frame is the project as it"
        " is, each later one names the job that changed; the end comes with the project's deletion."
    )
    async def project_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[ProjectProgress, None]:
        key = await seen_project(info.context.viewer, int_key(str(id), "Project"))
        async with hub().watch_project(key) as watch:
            yield ProjectProgress(at=datetime.now(UTC), project=ref("Project", key))
            async for news in watch.news():
                row = ref(news.kind, news.id, news.revision)
                yield ProjectProgress(
                    same=("Project", key, news.kind, news.id, news.revision),
                    at=datetime.now(UTC),
                    changed=strawberry.ID(global_id(news.kind, news.id)),
                    project=ref("Project", key),
                    crawl_job=row if news.kind == "CrawlJob" else None,
                    validation_job=row if news.kind == "ValidationJob" else None,
                    export_job=row if news.kind == "ExportJob" else None,
                )

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
                yield ActivityAdded(same=("ActivityLog", key), activity_log=ref("ActivityLog", key))
