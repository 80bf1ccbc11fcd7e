"""News of jobs: published after the commit, gathered by one hub per process, handed to whoever watches.

News is only a nudge with a revision. The hub also asks the database, once a sweep for all that is watched, so a lost
Redis costs latency and never a final state.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass, field

import orjson

from app.activity_news import ActivityFeed
from app.database import DATABASE_ERRORS
from app.job_states import STATES, read_projects, read_states
from app.log import log
from app.pace import SPACING_S, Pace
from app.project_news import ProjectTopic, ProjectWatch
from app.queue import REDIS_ERRORS, redis, redis_settings
from app.values import JobNews

CHANNEL = "pixcrawler:news:"
"""With the number of the Redis database: publishing ignores databases, but two services may share a server."""
SWEEP_S = 1.0
RATE_WINDOW_S = 5.0
RECONNECT_S = 0.5

Key = tuple[str, int]


async def publish_change(kind: str, key: int) -> None:
    """Tell the world what the row's state is now; a failure is logged and swallowed: sweeps find it too.

    Also the database's: the change is committed, and whoever made it must not hear that it failed.
    """
    try:
        state = (await read_states(kind, [key])).get(key)
    except DATABASE_ERRORS as error:
        log.warning("news_lost", kind=kind, id=key, error=str(error))
        return
    if state is not None:
        await publish(state)


def channel_name() -> str:
    """The channel of this service's news."""
    return f"{CHANNEL}{redis_settings().database}"


async def publish(news: JobNews) -> None:
    """Tell the world; a failure is logged and swallowed: sweeps find the change too."""
    try:
        await redis().publish(channel_name(), orjson.dumps(asdict(news)))
    except REDIS_ERRORS as error:
        log.warning("news_lost", kind=news.kind, id=news.id, error=str(error))


@dataclass(slots=True)
class Topic:
    """One watched row: its latest news, when it was told, and samples for rates."""

    latest: JobNews | None = None
    told: JobNews | None = None
    """What the watchers were last woken for: they never see `latest` before its time."""
    gone: bool = False
    watchers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    pace: Pace = field(default_factory=Pace)
    timer: asyncio.TimerHandle | None = None
    samples: deque[tuple[float, int, int]] = field(default_factory=deque)

    def take(self, news: JobNews) -> None:
        """Keep `news` if it is newer, and wake the watchers now or when the pace allows."""
        if self.latest is not None and news.revision <= self.latest.revision:
            return
        now = self._keep(news)
        if self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(self.pace.turn_s(now) - now, self.wake)

    def begin(self, state: JobNews) -> None:
        """Begin from what the first watcher was told: it takes no turn from what changes next."""
        self._keep(state)
        self.told = state

    def _keep(self, news: JobNews) -> float:
        """Keep what is newest, and what it tells of rates; now, seconds."""
        self.latest = news
        now = time.monotonic()
        self.samples.append((now, news.images, news.bytes))
        while self.samples and now - self.samples[0][0] > RATE_WINDOW_S:
            self.samples.popleft()
        return now

    def wake(self) -> None:
        """Wake every watcher."""
        self.timer = None
        self.told = self.latest
        self.changed.set()
        self.changed = asyncio.Event()

    def rates(self) -> tuple[float, float]:
        """Images and bytes a second over the last seconds."""
        if len(self.samples) < 2:
            return 0.0, 0.0
        (start, images, size), (end, images_now, size_now) = self.samples[0], self.samples[-1]
        seconds = max(end - start, SPACING_S)
        return max(0.0, (images_now - images) / seconds), max(0.0, (size_now - size) / seconds)


class Hub:
    """What this process's subscribers watch. `run()` must be under way; one per process."""

    def __init__(self) -> None:
        self.topics: dict[Key, Topic] = {}
        self.projects: dict[int, ProjectTopic] = {}
        self.activity = ActivityFeed()

    def watch(self, kind: str, key: int) -> Watch:
        """Watch one row, until `leave`."""
        topic = self.topics.setdefault((kind, key), Topic())
        topic.watchers += 1
        return Watch((kind, key), topic)

    def leave(self, watch: Watch) -> None:
        """Watch no more; nothing of a row is held once the last watcher leaves."""
        topic = watch.topic
        topic.watchers -= 1
        if topic.watchers == 0:
            if topic.timer is not None:
                topic.timer.cancel()
            del self.topics[watch.key]

    def watch_project(self, key: int) -> ProjectWatch:
        """Watch all jobs of a project, until `leave_project`. `begin_project` must have ended before anyone is told."""
        topic = self.projects.get(key)
        if topic is None:
            topic = self.projects[key] = ProjectTopic()
        return topic.add()

    async def begin_project(self, key: int) -> None:
        """Learn in which state a watched project's jobs are, unless that is known."""
        topic = self.projects[key]
        if not topic.begun:
            topic.begin((await read_projects([key])).news)

    def leave_project(self, key: int, watch: ProjectWatch) -> None:
        """Watch no more; nothing of a project is held once the last watcher leaves."""
        if self.projects[key].remove(watch):
            del self.projects[key]

    async def run(self) -> None:
        """Gather news from Redis and from the database until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._sweep_often())

    async def _listen(self) -> None:
        while True:
            try:
                async with redis().pubsub() as channel:
                    await channel.subscribe(channel_name())
                    while True:
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=RECONNECT_S)
                        if message is not None:
                            self._take(message["data"])
            except REDIS_ERRORS as error:
                log.warning("news_interrupted", error=str(error))
                await asyncio.sleep(RECONNECT_S)

    def _take(self, data: bytes) -> None:
        """Hand news on. What is none, of another version of ours say, is left: the sweep finds what it meant."""
        try:
            news = JobNews(**orjson.loads(data))
            topic, project = self.topics.get((news.kind, news.id)), self.projects.get(news.project)
        except (ValueError, TypeError) as error:
            log.warning("news_unreadable", error=str(error))
            return
        if topic is not None:
            topic.take(news)
        if project is not None:
            project.take(news)

    async def _sweep_often(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.sweep()
            except DATABASE_ERRORS as error:
                log.warning("sweep_failed", error=str(error))

    async def sweep(self) -> None:
        """Ask the database for all that is watched: one statement a kind of job, and as many for projects."""
        for kind in STATES:
            watched = [key for watched_kind, key in self.topics if watched_kind == kind]
            if not watched:
                continue
            states = await read_states(kind, watched)
            for key in watched:
                topic = self.topics.get((kind, key))
                if topic is None:
                    continue
                if key in states:
                    topic.take(states[key])
                else:
                    topic.gone = True
                    topic.wake()
        await self._sweep_projects()
        await self.activity.sweep()

    async def _sweep_projects(self) -> None:
        begun = [key for key, topic in self.projects.items() if topic.begun]
        if not begun:
            return
        found = await read_projects(begun)
        for news in found.news:
            if news.project in self.projects:
                self.projects[news.project].take(news)
        for key, topic in self.projects.items():
            if key in found.asked and key not in found.there:
                topic.end()


@functools.cache
def hub() -> Hub:
    """The process's hub."""
    return Hub()


class Watch:
    """One watcher's place in a topic, who hears what is told from now on."""

    def __init__(self, key: Key, topic: Topic) -> None:
        self.key = key
        self.topic = topic
        self._heard = -1 if topic.told is None else topic.told.revision

    def start(self, state: JobNews) -> None:
        """Begin from a snapshot of the database."""
        if self.topic.latest is None:
            self.topic.begin(state)

    def rates(self) -> tuple[float, float]:
        """Images and bytes a second over the last seconds."""
        return self.topic.rates()

    async def news(self) -> AsyncGenerator[JobNews, None]:
        """Newer and newer news, at most 10 a second, the last value winning; ends after the final one."""
        while not self.topic.gone:
            told, changed = self.topic.told, self.topic.changed
            if told is None or told.revision <= self._heard:
                await changed.wait()
                continue
            self._heard = told.revision
            yield told
            if told.final:
                return
