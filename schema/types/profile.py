"""The type of `profiles`."""

from __future__ import annotations

import uuid
from datetime import datetime

import strawberry

from app.models.profile import Profile as Row
from schema.reading.declare import column, many, plain, reads
from schema.reading.tally import tally
from schema.types.activity_log import ActivityLog, ActivityLogFilter, ActivityLogOrder
from schema.types.crawl_job import CrawlJobFilter
from schema.types.enums import Role
from schema.types.export_job import ExportJob, ExportJobFilter, ExportJobOrder
from schema.types.image import ImageFilter
from schema.types.paging import Connection, Node
from schema.types.project import Project, ProjectFilter, ProjectOrder
from schema.types.scalars import URL
from schema.types.statistics import LONG, CrawlJobStatistics, ExportJobStatistics, ImageStatistics, ProjectStatistics


@reads(Row)
@strawberry.type(description="A person or service that holds tokens.")
class Profile(Node):
    """Whoever may ask."""

    database_id: uuid.UUID = column("id", "The key in the database: the `sub` of the identity provider's token.")
    email: str = plain("The address of the token; `<sub>@no-email.invalid` where it has none.")
    full_name: str | None = plain("The name to show.")
    avatar_url: URL | None = plain("A picture to show.")
    role: Role = plain("What the profile may do.")
    created_at: datetime = plain("When the profile was first seen.")
    updated_at: datetime = plain("When it was last changed.")
    projects: Connection[Project] = many(
        "user_id", where=ProjectFilter, order=ProjectOrder, description="The profile's own projects."
    )
    export_jobs: Connection[ExportJob] = many(
        "user_id", where=ExportJobFilter, order=ExportJobOrder, description="Exports that the profile asked for."
    )
    activity_logs: Connection[ActivityLog] = many(
        "user_id", where=ActivityLogFilter, order=ActivityLogOrder, description="What the profile did."
    )
    project_statistics: ProjectStatistics = tally(
        "Project", "user_id", where=ProjectFilter, description="The profile's own projects, counted."
    )
    crawl_job_statistics: CrawlJobStatistics = tally(
        "CrawlJob", "project_id", "user_id", where=CrawlJobFilter, description="Crawl jobs of its projects, counted."
    )
    image_statistics: ImageStatistics = tally(
        *("Image", "crawl_job_id", "project_id", "user_id"),
        where=ImageFilter,
        description="Images of all its projects, counted. " + LONG,
    )
    export_job_statistics: ExportJobStatistics = tally(
        *("ExportJob", "crawl_job_id", "project_id", "user_id"),
        where=ExportJobFilter,
        description="Exports of its projects' jobs, whoever asked for them, counted.",
    )
