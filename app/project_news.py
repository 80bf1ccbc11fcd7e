"""What happens to all jobs of one project, for those who watch the project.

Each watcher has a slot with the newest news of each job that it has not heard of yet: one who is slow costs no more
than one entry a job, and misses nothing but what was over anyway.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable

from app.pace import Pace
from app.values import JobNews

Job = tuple[str, int]


class ProjectWatch:
    """One watcher's slot."""

    def __init__(self, topic: ProjectTopic) -> None:
        self._topic = topic
        self.waiting: dict[Job, JobNews] = {}
        self.changed = asyncio.Event()

    async def news(self) -> AsyncGenerator[JobNews, None]:
        """News of one job after another, of each the newest; ends when the project is gone."""
        while True:
            self.changed.clear()
            while self.waiting:
                yield self.waiting.pop(next(iter(self.waiting)))
            if self._topic.gone:
                return
            await self.changed.wait()


class ProjectTopic:
    """One watched project. Its watchers are told together, at most ten times a second."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._watches: set[ProjectWatch] = set()
        self._fresh: dict[Job, JobNews] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.known: dict[Job, int] = {}
        """The newest revision heard of each job."""
        self.begun = False
        """Whether it is known what was before."""
        self.gone = False

    def add(self) -> ProjectWatch:
        """One more watcher."""
        watch = ProjectWatch(self)
        self._watches.add(watch)
        return watch

    def remove(self, watch: ProjectWatch) -> bool:
        """One watcher less; True if it was the last."""
        self._watches.discard(watch)
        if not self._watches and self._timer is not None:
            self._timer.cancel()
        return not self._watches

    def begin(self, states: Iterable[JobNews]) -> None:
        """What is known before anyone is told: it is no news."""
        self.begun = True
        for state in states:
            job = (state.kind, state.id)
            self.known[job] = max(state.revision, self.known.get(job, 0))

    def take(self, news: JobNews) -> None:
        """Keep `news` if it is newer, and tell the watchers now or when the pace allows."""
        job = (news.kind, news.id)
        if news.revision <= self.known.get(job, -1):
            return
        self.known[job] = news.revision
        self._fresh[job] = news
        if self._timer is None:
            now = time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(self._pace.turn_s(now) - now, self._tell)

    def end(self) -> None:
        """The project is no more."""
        self.gone = True
        self._tell()

    def _tell(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        for watch in self._watches:
            watch.waiting.update(self._fresh)
            watch.changed.set()
        self._fresh = {}
