"""The type of `validation_jobs`."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.models.validation_job import ValidationJob as Row
from schema.reading.declare import column, document, one, plain, reads, sql
from schema.types.enums import NearDuplicateScope, ValidationJobStatus
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

if TYPE_CHECKING:
    from schema.types.crawl_job import CrawlJob


@strawberry.input(description="Which validation jobs. Fields are ANDed, the values of a list are ORed.")
class ValidationJobFilter:
    """Which validation jobs."""

    status: list[ValidationJobStatus] | None = in_list("status", "In one of these states.")
    name_contains: str | None = name_contains()
    created_after: datetime | None = after()
    created_before: datetime | None = before()
    updated_after: datetime | None = changed_after()
    updated_before: datetime | None = changed_before()


@strawberry.enum(description="What validation jobs can be ordered by.")
class ValidationJobOrderField(Enum):
    """What validation jobs can be ordered by."""

    CREATED_AT = strawberry.enum_value("created_at", description="When it was created.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="When it was last changed.")
    NAME = strawberry.enum_value("name", description="Its name.")
    STARTED_AT = strawberry.enum_value("started_at", description="When it began; not begun counts as latest.")
    COMPLETED_AT = strawberry.enum_value("completed_at", description="When it ended; not ended counts as latest.")
    STATUS = strawberry.enum_value("status", description="Its state, by name.")
    PROGRESS = strawberry.enum_value("progress", description="Its progress, percent.")
    INVALID_IMAGES = strawberry.enum_value("invalid_images", description="How many images failed.")


@strawberry.input(description="An order of validation jobs.")
class ValidationJobOrder:
    """An order of validation jobs."""

    field: ValidationJobOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = direction()


@strawberry.type(description="The limits that images are judged by; null where none is set.")
class ValidationRules:
    """A validation job's rules."""

    min_width: int | None = plain("Least width, pixels.")
    min_height: int | None = plain("Least height, pixels.")
    max_width: int | None = plain("Greatest width, pixels.")
    max_height: int | None = plain("Greatest height, pixels.")
    min_aspect_ratio: float | None = plain("Least width divided by height.")
    max_aspect_ratio: float | None = plain("Greatest width divided by height.")
    min_file_size: int | None = plain("Least size, bytes.")
    max_file_size: int | None = plain("Greatest size, bytes.")
    formats: list[str] | None = plain("The formats that are taken.")
    min_brightness: float | None = plain("Least mean lightness, 0 to 1.")
    max_brightness: float | None = plain("Greatest mean lightness, 0 to 1.")
    min_contrast: float | None = plain("Least deviation of lightness, 0 to 0.5.")
    max_contrast: float | None = plain("Greatest deviation of lightness, 0 to 0.5.")
    min_entropy: float | None = plain("Least entropy of lightness, 0 to 8 bits.")
    max_entropy: float | None = plain("Greatest entropy of lightness, 0 to 8 bits.")
    min_sharpness: float | None = plain("Least sharpness, the variance of the Laplacian.")
    max_sharpness: float | None = plain("Greatest sharpness, the variance of the Laplacian.")
    grayscale: bool | None = plain("Whether images have to be grayscale (true) or must not be (false).")
    near_duplicate_distance: int | None = plain("Greatest distance of near-duplicates, bits of 64; one image is kept.")
    near_duplicate_scope: NearDuplicateScope | None = sql(
        "upper({d}->>'near_duplicate_scope')", "Where near-duplicates were looked for.", nullable=True
    )
    near_duplicate_mirrored: bool | None = plain("Whether a mirrored picture counts as a near-duplicate.")


@reads(Row)
@strawberry.type(description="A judgement of a crawl job's images by a set of rules.")
class ValidationJob(Node):
    """A validation job."""

    database_id: int = column("id", "The key in the database.")
    name: str = plain("Its name.")
    status: ValidationJobStatus = plain("How it stands.")
    progress: int = plain("Percent of the images that are judged.")
    total_images: int = plain("Images to judge.")
    validated_images: int = plain("Images judged so far.")
    invalid_images: int = plain("Images that failed.")
    validation_rules: ValidationRules = document("{t}.validation_rules", "The rules.")
    error_message: str | None = plain("What went wrong.")
    started_at: datetime | None = plain("When it began.")
    completed_at: datetime | None = plain("When it ended.")
    created_at: datetime = plain("When it was created.")
    updated_at: datetime = plain("When it was last changed.")
    crawl_job: Annotated[CrawlJob, strawberry.lazy("schema.types.crawl_job")] = one(
        "crawl_job_id", description="The crawl whose images are judged."
    )
