"""The type of `projects`."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.models.project import Project as Row
from schema.reading.declare import column, many, one, plain, reads
from schema.reading.tally import tally
from schema.types.crawl_job import CrawlJob, CrawlJobFilter, CrawlJobOrder
from schema.types.enums import ProjectStatus
from schema.types.image import ImageFilter
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
from schema.types.statistics import LONG, CrawlJobStatistics, ImageStatistics

if TYPE_CHECKING:
    from schema.types.profile import Profile


@strawberry.input(description="Which projects. Fields are ANDed, the values of a list are ORed.")
class ProjectFilter:
    """Which projects."""

    status: list[ProjectStatus] | None = in_list("status", "In one of these states.")
    name_contains: str | None = name_contains()
    created_after: datetime | None = after()
    created_before: datetime | None = before()
    updated_after: datetime | None = changed_after()
    updated_before: datetime | None = changed_before()


@strawberry.enum(description="What projects can be ordered by.")
class ProjectOrderField(Enum):
    """What projects can be ordered by."""

    CREATED_AT = strawberry.enum_value("created_at", description="When it was created.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="When it was last changed.")
    NAME = strawberry.enum_value("name", description="Its name.")
    STATUS = strawberry.enum_value("status", description="Its state, by name.")


@strawberry.input(description="An order of projects.")
class ProjectOrder:
    """An order of projects."""

    field: ProjectOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = direction()


@reads(Row)
@strawberry.type(description="A folder of crawl jobs.")
class Project(Node):
    """A folder of crawl jobs."""

    database_id: int = column("id", "The key in the database.")
    name: str = plain("Its name.")
    description: str | None = plain("What it is for.")
    status: ProjectStatus = plain("Whether it takes new jobs.")
    created_at: datetime = plain("When it was created.")
    updated_at: datetime = plain("When it was last changed.")
    user: Annotated[Profile, strawberry.lazy("schema.types.profile")] = one("user_id", description="Whose it is.")
    crawl_jobs: Connection[CrawlJob] = many(
        "project_id", where=CrawlJobFilter, order=CrawlJobOrder, description="Its crawl jobs."
    )
    crawl_job_statistics: CrawlJobStatistics = tally(
        "CrawlJob", "project_id", where=CrawlJobFilter, description="Its crawl jobs, counted."
    )
    image_statistics: ImageStatistics = tally(
        "Image", "crawl_job_id", "project_id", where=ImageFilter, description="Images of all its jobs, counted. " + LONG
    )
