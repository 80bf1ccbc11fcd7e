"""The counters and gauges that `/metrics` shows, whichever process is asked.

Jobs by state are counted in the database when they are asked for; queues and workers are looked at in Redis; outcomes
of images are counted in a Redis hash by the workers that record them, so that one answer speaks for all processes and a
restarted one loses nothing. A lost Redis sets those counters back to 0, which Prometheus takes for a restart. Only the
latency of requests is a process's own.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterable, Iterator

import asyncpg
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.database import DATABASE_ERRORS, acquire
from app.log import log
from app.models.states import CrawlJobStatus, ExportJobStatus, ValidationJobStatus
from app.queue import REDIS_ERRORS, live_workers, queue_depth, redis

REGISTRY = CollectorRegistry()
REQUEST_SECONDS = Histogram(
    "pixcrawler_request_seconds",
    "Time from a request's first byte to its answer's last, seconds.",
    ("route", "method", "status"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
IMAGES_KEY = "pixcrawler:counted:images"
"""Hash: `outcome|reason` → images."""
BYTES_KEY = "pixcrawler:counted:bytes"
KEPT_S = 90 * 86_400
"""Counters that nobody adds to for so long are let go."""
JOBS = """
select 'crawl' as kind, status, count(*) as jobs from crawl_jobs group by status union all
select 'validation', status, count(*) from validation_jobs group by status union all
select 'export', status, count(*) from export_jobs group by status
"""
KINDS = {"crawl": CrawlJobStatus, "validation": ValidationJobStatus, "export": ExportJobStatus}


async def count_outcomes(reasons: Iterable[tuple[str, str]], stored_bytes: int) -> None:
    """Count a recorded batch of images: each one's outcome (its row's status) and reason (a code, or empty), and the
    bytes stored. A failure is logged and swallowed: the batch is recorded."""
    tally = Tally(f"{outcome}|{reason}" for outcome, reason in reasons)
    if not tally:
        return
    try:
        async with redis().pipeline(transaction=False) as batch:
            for name, images in tally.items():
                batch.hincrby(IMAGES_KEY, name, images)
            batch.incrby(BYTES_KEY, stored_bytes)
            batch.expire(IMAGES_KEY, KEPT_S)
            batch.expire(BYTES_KEY, KEPT_S)
            await batch.execute()
    except REDIS_ERRORS as error:
        log.warning("count_lost", images=tally.total(), error=str(error))


async def exposition() -> bytes:
    """All metrics in Prometheus' text format. A part that does not answer is absent and `pixcrawler_scrape_ok` 0."""
    gathered: list[Metric] = []
    answers = GaugeMetricFamily("pixcrawler_scrape_ok", "Whether a part answered.", labels=("part",))
    for part, gather, errors in PARTS:
        try:
            gathered += await gather()
            answers.add_metric((part,), 1)
        except errors as error:
            log.warning("scrape_failed", part=part, error=str(error))
            answers.add_metric((part,), 0)
    return generate_latest(_Gathered([*gathered, answers]))


class _Gathered(CollectorRegistry):
    """What was gathered for one answer, and what the process counts itself."""

    def __init__(self, gathered: list[Metric]) -> None:
        super().__init__()
        self._gathered = gathered

    def collect(self) -> Iterator[Metric]:
        yield from self._gathered
        yield from REGISTRY.collect()


async def _jobs() -> list[Metric]:
    async with acquire() as connection:
        found = {(row["kind"], row["status"]): row["jobs"] for row in await connection.fetch(JOBS)}
    jobs = GaugeMetricFamily("pixcrawler_jobs", "Jobs by kind and state.", labels=("kind", "status"))
    for kind, states in KINDS.items():
        for state in states:
            jobs.add_metric((kind, state.value), found.get((kind, state.value), 0))
    return [jobs]


async def _queues() -> list[Metric]:
    depth = GaugeMetricFamily("pixcrawler_queue_depth", "Hints that wait.", labels=("queue",))
    age = GaugeMetricFamily("pixcrawler_queue_age_seconds", "Age of the oldest hint that waits.", labels=("queue",))
    for queue, (waiting, oldest_s) in (await queue_depth()).items():
        depth.add_metric((queue,), waiting)
        age.add_metric((queue,), oldest_s)
    workers = GaugeMetricFamily("pixcrawler_workers", "Worker processes that live.", value=len(await live_workers()))
    return [depth, age, workers]


async def _counted() -> list[Metric]:
    async with redis().pipeline(transaction=False) as batch:
        batch.hgetall(IMAGES_KEY)
        batch.get(BYTES_KEY)
        outcomes, stored_bytes = await batch.execute()
    images = CounterMetricFamily(
        "pixcrawler_images", "Images recorded, by outcome and reason.", labels=("outcome", "reason")
    )
    for name, number in sorted(outcomes.items()):
        outcome, _, reason = name.decode().partition("|")
        images.add_metric((outcome, reason), int(number))
    stored = CounterMetricFamily("pixcrawler_image_bytes", "Bytes of images stored.", value=int(stored_bytes or 0))
    return [images, stored]


PARTS: tuple[tuple[str, Callable[[], Awaitable[list[Metric]]], tuple[type[Exception], ...]], ...] = (
    ("jobs", _jobs, (*DATABASE_ERRORS, asyncpg.PostgresError)),
    ("queues", _queues, REDIS_ERRORS),
    ("images", _counted, REDIS_ERRORS),
)
