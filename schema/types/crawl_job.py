"""The type of `crawl_jobs`."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.jobs.difference import difference
from app.models.crawl_job import CrawlJob as Row
from schema.reading.declare import Computed, column, documents, many, marked, one, plain, reads, sql, where
from schema.reading.tally import tally
from schema.types.enums import CrawlJobStatus
from schema.types.export_job import ExportJob, ExportJobFilter, ExportJobOrder
from schema.types.failures import Failures, failures, failures_url
from schema.types.image import Image, ImageFilter, ImageOrder
from schema.types.paging import (
    Connection,
    Node,
    OrderDirection,
    after,
    before,
    changed_after,
    changed_before,
    direction,
    in_list,
    name_contains,
)
from schema.types.scalars import JSON, URL
from schema.types.statistics import LONG, ImageStatistics
from schema.types.validation_job import ValidationJob, ValidationJobFilter, ValidationJobOrder

if TYPE_CHECKING:
    from schema.types.project import Project

DISCOVERY = "{t}.options->'discovery'->{i}"
"""How the source at the same place in the job's sources ended; absent before it was asked."""


@strawberry.input(description="Which crawl jobs. Fields are ANDed, the values of a list are ORed.")
class CrawlJobFilter:
    """Which crawl jobs."""

    status: list[CrawlJobStatus] | None = in_list("status", "In one of these states.")
    keyword: list[str] | None = where("{t}.keywords ?| {v}::text[]", "Searches for one of these keywords.")
    source: list[str] | None = where(
        "jsonb_path_query_array({t}.options, '$.sources[*].name') ?| {v}::text[]",
        "Asks one of these sources, by the names that `sources` has.",
    )
    name_contains: str | None = name_contains()
    created_after: datetime | None = after()
    created_before: datetime | None = before()
    updated_after: datetime | None = changed_after()
    updated_before: datetime | None = changed_before()


@strawberry.enum(description="What crawl jobs can be ordered by.")
class CrawlJobOrderField(Enum):
    """What crawl jobs can be ordered by."""

    CREATED_AT = strawberry.enum_value("created_at", description="When it was created.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="When it was last changed.")
    NAME = strawberry.enum_value("name", description="Its name.")
    STARTED_AT = strawberry.enum_value("started_at", description="When it began; not begun counts as latest.")
    COMPLETED_AT = strawberry.enum_value("completed_at", description="When it ended; not ended counts as latest.")
    STATUS = strawberry.enum_value("status", description="Its state, by name.")
    PROGRESS = strawberry.enum_value("progress", description="Its progress, percent.")
    TOTAL_IMAGES = strawberry.enum_value("total_images", description="How many images it found.")
    VALID_IMAGES = strawberry.enum_value("valid_images", description="How many usable images it has.")


@strawberry.input(description="An order of crawl jobs.")
class CrawlJobOrder:
    """An order of crawl jobs."""

    field: CrawlJobOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = direction()


OVER = "{t}.status in ('completed', 'failed', 'cancelled') and {d}->>'state' in ('pending', 'running')"
STOPPED = "There may be more: the job ended before this had run dry."


@strawberry.type(description="What a job's sources are asked for in place of a keyword.")
class CrawlJobTerm:
    """An entry of a job's terms."""

    keyword: str = plain("The keyword that labels what is found.")
    term: str = plain("What is asked for: the keyword itself or a variation of it.")
    by: str = plain("What made it: `keyword`, `synonym`, `plural`, `language` or `template`.")


@strawberry.type(description="What a source gave for one term, and why it ended.")
class CrawlJobSourceKeyword:
    """One search of a source."""

    keyword: str | None = plain("The keyword that labels what is found; null without any.")
    term: str | None = plain("What was asked for; null where the source searches by no keyword.")
    found: int = plain("Candidates that it gave.")
    total: int | None = plain("Results that the source itself counts, where it tells: more than it gives out, often.")
    state: str = plain("`pending`, `running`, `done` or `failed`.")
    message: str | None = sql(
        f"coalesce({{d}}->>'message', case when {OVER} then '{STOPPED}' end)",
        "Why it ended; null while it has not.",
        nullable=True,
    )


@strawberry.type(description="What was asked of a source, and how it ended.")
class CrawlJobSource:
    """An entry of a job's sources with what discovery made of it."""

    name: str = plain("The source's name, as `sources` lists it.")
    options: JSON = plain("What was asked of it: its input's fields in snake case.")
    found: int = sql(f"coalesce(({DISCOVERY}->>'found')::int, 0)", "Candidates that it gave.")
    state: str = sql(f"coalesce({DISCOVERY}->>'state', 'pending')", "`pending`, `running`, `done` or `failed`.")
    message: str | None = sql(f"{DISCOVERY}->>'message'", "Why it failed, or what it said.", nullable=True)
    keywords: list[CrawlJobSourceKeyword] = documents(
        f"{DISCOVERY}->'queries'", "How it stands for each term; empty before it was asked."
    )


@strawberry.type(description="A re-crawl beside the job that it crawls again: images by their addresses.")
class CrawlJobDifference:
    """What a re-crawl found, counted."""

    new: int = plain("Stored; the former job stored nothing of their addresses.")
    changed: int = plain("Stored; the former job stored other bytes of their addresses.")
    unchanged: int = plain("Stored; the former job stored the same bytes, whether or not they were transferred again.")
    gone: int | None = plain(
        "Stored by the former job only: they could not be fetched any more, or were not found although every source"
        " ran dry and every image was fetched. Null once the former job is deleted."
    )
    undecided: int | None = plain(
        "Stored by the former job, and here neither fetched nor refused: the job runs, or ended before every source ran"
        " dry and every image was fetched, by its goal, a failed source or a cancellation. Null once the former job is"
        " deleted."
    )


@reads(Row)
@strawberry.type(description="A crawl: what is asked, and how far it has come.")
class CrawlJob(Node):
    """A crawl and its counters."""

    database_id: int = column("id", "The key in the database.")
    name: str = plain("Its name.")
    keywords: list[str] = plain("What the sources search for; each is a class of the dataset.")
    max_images: int = plain("Usable images at which the crawl is done.")
    status: CrawlJobStatus = plain("How it stands.")
    progress: int = plain("Percent of what is asked; 100 only when completed.")
    total_images: int = plain("Images found so far, in whatever state.")
    downloaded_images: int = plain("Images with stored bytes of their own.")
    valid_images: int = plain("Usable images: downloaded or valid.")
    total_chunks: int = plain("Chunks that the images are fetched in.")
    active_chunks: int = plain("Chunks under way.")
    completed_chunks: int = plain("Chunks that are done.")
    failed_chunks: int = plain("Chunks that could not be done.")
    chunk_progress: int = sql(
        "case when {t}.total_chunks = 0 then 0 else 100 * {t}.completed_chunks::bigint / {t}.total_chunks end",
        "Finished chunks, percent.",
    )
    chunk_size: int = sql("coalesce(({t}.options->>'chunk_size')::int, 500)", "Images of a chunk.")
    sources: list[CrawlJobSource] = documents("{t}.options->'sources'", "What is asked of which source.")
    terms: list[CrawlJobTerm] = documents("{t}.options->'terms'", "What sources that search by keyword are asked for.")
    failures: Failures = failures()
    failures_url: URL = failures_url()
    task_ids: list[str] = plain("The queue's ids of the chunks under way.")
    error_message: str | None = plain("What went wrong, also in part.")
    started_at: datetime | None = plain("When it began.")
    completed_at: datetime | None = plain("When it ended.")
    created_at: datetime = plain("When it was created.")
    updated_at: datetime = plain("When it was last changed.")
    project: Annotated[Project, strawberry.lazy("schema.types.project")] = one(
        "project_id", description="The project that it belongs to."
    )
    recrawl_of: Annotated[CrawlJob, strawberry.lazy("schema.types.crawl_job")] | None = one(
        key="({t}.options->>'recrawl_of')::int",
        description="The job that this one crawls again; null where it is no re-crawl, or that one is deleted.",
    )
    difference: CrawlJobDifference | None = marked(
        Computed(difference("{t}"), {}), "What is new, changed and gone since then; null where it is no re-crawl."
    )
    images: Connection[Image] = many("crawl_job_id", where=ImageFilter, order=ImageOrder, description="What it found.")
    image_statistics: ImageStatistics = tally(
        "Image", "crawl_job_id", where=ImageFilter, description="What it found, counted. " + LONG
    )
    validation_jobs: Connection[ValidationJob] = many(
        "crawl_job_id", where=ValidationJobFilter, order=ValidationJobOrder, description="Judgements of its images."
    )
    export_jobs: Connection[ExportJob] = many(
        "crawl_job_id", where=ExportJobFilter, order=ExportJobOrder, description="Datasets made of it."
    )
