"""What state jobs are in: the few numbers of a row that its watchers are woken by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from app.database import acquire
from app.values import JobNews

RECENT_S = 60
"""How long after a change a watched project's sweep still finds it, seconds: sweeps come each second."""

# Per kind: the revision, whether it is final, and the running totals of images and bytes that rates are made of.
STATES = {
    "CrawlJob": (
        "select t.id, t.revision, t.status in ('completed', 'failed', 'cancelled') as final,"
        " coalesce((t.options->>'final')::bigint, 0) as images, coalesce((t.options->>'bytes')::bigint, 0) as bytes,"
        " greatest(0, case when (t.options->>'seeking')::bool then (t.max_images - t.valid_images)::bigint"
        " else t.total_images - (t.options->>'final')::bigint end) as remaining, t.project_id as project"
        " from crawl_jobs t"
    ),
    "ValidationJob": (
        "select t.id, t.revision, t.status in ('completed', 'failed', 'cancelled') as final,"
        " t.validated_images::bigint as images, 0::bigint as bytes,"
        " greatest(0, t.total_images - t.validated_images)::bigint as remaining, j.project_id as project"
        " from validation_jobs t join crawl_jobs j on j.id = t.crawl_job_id"
    ),
    "ExportJob": (
        "select t.id, t.revision, t.status in ('completed', 'failed', 'cancelled', 'expired') as final,"
        " t.exported_images::bigint as images,"
        " coalesce(t.file_size, (t.export_options->>'written')::bigint, 0) as bytes,"
        " greatest(0, t.total_images - t.exported_images)::bigint as remaining, j.project_id as project"
        " from export_jobs t join crawl_jobs j on j.id = t.crawl_job_id"
    ),
}
BY_ID = " where t.id = any($1::int[])"
BY_PROJECT = {
    kind: f" where {owner}.project_id = any($1::int[]) and t.updated_at > now() - interval '{RECENT_S} s'"
    for kind, owner in (("CrawlJob", "t"), ("ValidationJob", "j"), ("ExportJob", "j"))
}


@dataclass(frozen=True, slots=True)
class Projects:
    """What there is of the projects that were asked for, and the jobs of theirs that changed lately."""

    asked: frozenset[int]
    there: frozenset[int]
    news: list[JobNews]


async def read_states(kind: str, ids: Iterable[int]) -> dict[int, JobNews]:
    """The state of the rows `ids` of one kind, from the database; a missing row is absent."""
    async with acquire() as connection:
        rows = await connection.fetch(STATES[kind] + BY_ID, list(ids))
    return {row["id"]: _news(kind, row) for row in rows}


async def read_projects(ids: Iterable[int]) -> Projects:
    """Which of the projects are there, and the state of each of their jobs that changed in the last `RECENT_S`."""
    asked = list(ids)
    async with acquire() as connection:
        there = await connection.fetch("select id from projects where id = any($1::int[])", asked)
        news = [
            _news(kind, row)
            for kind, sql in STATES.items()
            for row in await connection.fetch(sql + BY_PROJECT[kind], asked)
        ]
    return Projects(frozenset(asked), frozenset(row["id"] for row in there), news)


def _news(kind: str, row: asyncpg.Record) -> JobNews:
    return JobNews(
        kind,
        row["id"],
        row["revision"],
        row["final"],
        row["images"],
        row["bytes"],
        row["remaining"] or 0,
        row["project"],
    )
