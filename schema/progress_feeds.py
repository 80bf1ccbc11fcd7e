"""The feeds of live progress: one job's, and that of all jobs of a project."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TypeVar

import strawberry

from app.jobs.watching import state
from app.progress import Watch, hub
from app.project_news import ProjectWatch
from app.values import JobNews
from schema.feeds import Event, Feed
from schema.payloads import ProjectProgress
from schema.reading.declare import ref
from schema.reading.ids import global_id

E = TypeVar("E", bound=Event)


class JobFeed(Feed[E]):
    """A job's states until the final one."""

    _watch: Watch

    def __init__(self, kind: str, key: int, frame: Callable[[JobNews, Watch], E]) -> None:
        self.of = (kind, key)
        self._kind, self._key = kind, key
        self._frame = frame

    def open(self) -> None:
        """Watch the job."""
        self._watch = hub().watch(self._kind, self._key)

    def close(self) -> None:
        """Watch it no more."""
        hub().leave(self._watch)

    async def first(self) -> E:
        """Its state in the database."""
        found = await state(self._kind, self._key)
        self._watch.start(found)
        return self._made(found)

    async def __aiter__(self) -> AsyncGenerator[E, None]:
        """Its newer states."""
        async with aclosing(self._watch.news()) as news:
            async for one in news:
                yield self._made(one)

    def _made(self, news: JobNews) -> E:
        frame = self._frame(news, self._watch)
        frame.of, frame.revision, frame.final = self.of, news.revision, news.final
        return frame


class ProjectFeed(Feed[ProjectProgress]):
    """A project, then its jobs as they change, until it is deleted."""

    _watch: ProjectWatch

    def __init__(self, key: int) -> None:
        self.of = ("Project", key)
        self._key = key

    def open(self) -> None:
        """Watch the project's jobs."""
        self._watch = hub().watch_project(self._key)

    def close(self) -> None:
        """Watch them no more."""
        hub().leave_project(self._key, self._watch)

    async def first(self) -> ProjectProgress:
        """The project, without a job."""
        await hub().begin_project(self._key)
        return ProjectProgress(at=datetime.now(UTC), project=ref("Project", self._key))

    async def __aiter__(self) -> AsyncGenerator[ProjectProgress, None]:
        """The jobs that change."""
        async with aclosing(self._watch.news()) as news:
            async for one in news:
                row = ref(one.kind, one.id, one.revision)
                yield ProjectProgress(
                    of=(one.kind, one.id),
                    revision=one.revision,
                    at=datetime.now(UTC),
                    changed=strawberry.ID(global_id(one.kind, one.id)),
                    project=ref("Project", self._key),
                    crawl_job=row if one.kind == "CrawlJob" else None,
                    validation_job=row if one.kind == "ValidationJob" else None,
                    export_job=row if one.kind == "ExportJob" else None,
                )
