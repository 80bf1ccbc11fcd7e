"""The type of `export_jobs`."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.models.export_job import ExportJob as Row
from schema.reading.declare import column, derived, one, plain, reads
from schema.types.enums import ExportFormat, ExportJobStatus
from schema.types.links import signed
from schema.types.paging import (
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
from schema.types.scalars import JSON, URL, BigInt

if TYPE_CHECKING:
    from schema.types.crawl_job import CrawlJob
    from schema.types.profile import Profile

FILE_KEY = """case when {t}.status = 'completed' and ({t}.expires_at is null or {t}.expires_at > now())
 then {t}.download_url end"""


@strawberry.input(description="Which export jobs. Fields are ANDed, the values of a list are ORed.")
class ExportJobFilter:
    """Which export jobs."""

    status: list[ExportJobStatus] | None = in_list("status", "In one of these states.")
    format: list[ExportFormat] | None = in_list("format", "Of one of these formats.")
    name_contains: str | None = name_contains()
    created_after: datetime | None = after()
    created_before: datetime | None = before()
    updated_after: datetime | None = changed_after()
    updated_before: datetime | None = changed_before()


@strawberry.enum(description="What export jobs can be ordered by.")
class ExportJobOrderField(Enum):
    """What export jobs can be ordered by."""

    CREATED_AT = strawberry.enum_value("created_at", description="When it was created.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="When it was last changed.")
    NAME = strawberry.enum_value("name", description="Its name.")
    STARTED_AT = strawberry.enum_value("started_at", description="When it began; not begun counts as latest.")
    COMPLETED_AT = strawberry.enum_value("completed_at", description="When it ended; not ended counts as latest.")
    STATUS = strawberry.enum_value("status", description="Its state, by name.")
    PROGRESS = strawberry.enum_value("progress", description="Its progress, percent.")
    EXPIRES_AT = strawberry.enum_value("expires_at", description="When its file is deleted; never counts as latest.")
    EXPORTED_IMAGES = strawberry.enum_value("exported_images", description="How many images it has.")
    FILE_SIZE = strawberry.enum_value("file_size", description="Its size in bytes; unknown counts as largest.")


@strawberry.input(description="An order of export jobs.")
class ExportJobOrder:
    """An order of export jobs."""

    field: ExportJobOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = direction()


@reads(Row)
@strawberry.type(description="A dataset made of a crawl job's usable images, as one file.")
class ExportJob(Node):
    """An export job."""

    database_id: int = column("id", "The key in the database.")
    name: str = plain("Its name.")
    status: ExportJobStatus = plain("How it stands.")
    progress: int = plain("Percent of the images that are exported.")
    format: ExportFormat = plain("What the file is.")
    total_images: int = plain("Images to export.")
    exported_images: int = plain("Images exported so far.")
    file_size: BigInt | None = plain("The file's size, bytes.")
    download_url: URL | None = derived(
        signed, FILE_KEY, description="A signed, expiring link to the file; null until completed and after expiry."
    )
    export_options: JSON = plain("What was asked: the filter and the format's options.")
    error_message: str | None = plain("What went wrong.")
    started_at: datetime | None = plain("When it began.")
    completed_at: datetime | None = plain("When it ended.")
    expires_at: datetime | None = plain("When the file is deleted.")
    created_at: datetime = plain("When it was created.")
    updated_at: datetime = plain("When it was last changed.")
    crawl_job: Annotated[CrawlJob, strawberry.lazy("schema.types.crawl_job")] = one(
        "crawl_job_id", description="The crawl that it is made of."
    )
    user: Annotated[Profile, strawberry.lazy("schema.types.profile")] | None = one(
        "user_id", description="Who asked for it; null where they are not visible to the reader."
    )
