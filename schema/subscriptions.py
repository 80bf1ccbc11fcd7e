"""Live progress: a snapshot from the database, then what is newer, then the final state and the end.

The rows themselves are read by the compiled reads, shared among those who watch the same revision.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import strawberry

from app.jobs.watching import state
from app.progress import Watch, hub
from app.values import JobNews
from schema.context import Context
from schema.payloads import CrawlJobProgress, ExportJobProgress, ValidationJobProgress
from schema.reading.declare import ref
from schema.reading.ids import int_key

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
