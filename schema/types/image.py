"""The type of `images`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from app.jobs.difference import VERDICT
from app.jobs.image_filter import CONDITIONS
from app.models.image import Image as Row
from schema.reading.declare import column, derived, document, documents, one, plain, reads, sql, where
from schema.reading.ids import int_key
from schema.types.enums import ImageDifference, ImageStatus
from schema.types.links import signed
from schema.types.near_duplicates import NearDuplicateConnection, near_duplicates
from schema.types.paging import Node, OrderDirection, after, before, direction
from schema.types.scalars import JSON, URL, BigInt

if TYPE_CHECKING:
    from schema.types.crawl_job import CrawlJob


def crawl_job_key(given: str) -> int | None:
    """The key in a crawl job's global id; None, which keeps nothing, for an id that can name none."""
    return int_key(given, "CrawlJob")


def _by(name: str, description: str, bind: Callable[[Any], Any] | None = None) -> Any:
    """The condition of that name, which exports and bulk changes have too."""
    return where(CONDITIONS[name], description, bind)


@strawberry.input(description="Which images. Fields are ANDed, the values of a list are ORed.")
class ImageFilter:
    """Which images."""

    status: list[ImageStatus] | None = _by("status", "In one of these states.")
    keyword: list[str] | None = _by("keyword", "Found by one of these keywords.")
    format: list[str] | None = _by("format", "Of one of these formats by content: `jpeg`, `png`, `webp` ….")
    issue: list[str] | None = _by("issue", "With one of these codes among its issues.")
    license: list[str] | None = _by("license", "Under one of these licenses, as the source named them.")
    source: list[str] | None = _by("source", "From one of these sources.")
    url_contains: str | None = _by("url_contains", "Found at an address that holds this text, whatever its case.")
    host: list[str] | None = _by("host", "Asked for at one of these hosts last, whatever its case.")
    http_status: list[int] | None = _by("http_status", "Answered with one of these HTTP statuses last.")
    min_width: int | None = _by("min_width", "At least this wide, pixels.")
    max_width: int | None = _by("max_width", "At most this wide, pixels.")
    min_height: int | None = _by("min_height", "At least this high, pixels.")
    max_height: int | None = _by("max_height", "At most this high, pixels.")
    min_file_size: int | None = _by("min_file_size", "At least this large, bytes.")
    max_file_size: int | None = _by("max_file_size", "At most this large, bytes.")
    min_brightness: float | None = _by("min_brightness", "At least this bright, 0 to 1.")
    max_brightness: float | None = _by("max_brightness", "At most this bright, 0 to 1.")
    min_contrast: float | None = _by("min_contrast", "Of at least this contrast, 0 to 0.5.")
    max_contrast: float | None = _by("max_contrast", "Of at most this contrast, 0 to 0.5.")
    min_entropy: float | None = _by("min_entropy", "Of at least this entropy, bits.")
    max_entropy: float | None = _by("max_entropy", "Of at most this entropy, bits.")
    min_sharpness: float | None = _by("min_sharpness", "At least this sharp, variance of the Laplacian.")
    max_sharpness: float | None = _by("max_sharpness", "At most this sharp, to find what is blurred.")
    grayscale: bool | None = _by("grayscale", "Whether it has one channel only.")
    created_after: datetime | None = after()
    created_before: datetime | None = before()
    updated_after: datetime | None = _by("updated_after", "Changed later than this moment.")
    updated_before: datetime | None = _by("updated_before", "Changed earlier than this moment.")
    difference: list[ImageDifference] | None = _by("difference", "In a re-crawl: that compare so with the former job.")
    gone_in: strawberry.ID | None = _by(
        "gone_in",
        "Stored, and gone in this crawl job, a re-crawl of theirs: it could not fetch them any more, or did not find"
        " them although every source ran dry. Reads all of the job's images, if few are.",
        crawl_job_key,
    )


@strawberry.enum(description="What images can be ordered by.")
class ImageOrderField(Enum):
    """What images can be ordered by."""

    CREATED_AT = strawberry.enum_value("created_at", description="When it was found.")
    UPDATED_AT = strawberry.enum_value("updated_at", description="When it was last changed.")
    FILENAME = strawberry.enum_value("filename", description="Its file name.")
    FILE_SIZE = strawberry.enum_value("file_size", description="Its size in bytes; unknown counts as largest.")
    WIDTH = strawberry.enum_value("width", description="Its width in pixels; unknown counts as widest.")
    HEIGHT = strawberry.enum_value("height", description="Its height in pixels; unknown counts as highest.")
    KEYWORD = strawberry.enum_value("keyword", description="Its class; none counts as last.")
    STATUS = strawberry.enum_value("status", description="Its state, by name.")
    FORMAT = strawberry.enum_value("format", description="Its format, by name; unknown counts as last.")
    BRIGHTNESS = strawberry.enum_value(
        "quality.brightness", description="How bright it is; unknown counts as brightest."
    )
    CONTRAST = strawberry.enum_value("quality.contrast", description="Its contrast; unknown counts as greatest.")
    ENTROPY = strawberry.enum_value("quality.entropy", description="Its entropy; unknown counts as greatest.")
    SHARPNESS = strawberry.enum_value("quality.sharpness", description="How sharp it is; unknown counts as sharpest.")


@strawberry.input(description="An order of images.")
class ImageOrder:
    """An order of images."""

    field: ImageOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = direction()


@strawberry.type(description="One reason for an image's state.")
class ImageIssue:
    """An entry of an image's issues."""

    code: str = plain("What is wrong, for programs: `too_large`, `http_status`, `width` ….")
    message: str = plain("What is wrong, for people.")
    measured: str | None = plain("What was measured, with its unit.")
    limit: str | None = plain("The limit that it passed, with its unit.")


@strawberry.type(description="How the last fetch of an image went; before the first, nothing is known.")
class ImageFetch:
    """An image's fetch."""

    host: str | None = plain("The host that was asked last, or whose rules forbid it; lower case.")
    attempts: int = sql("coalesce(({d}->>'attempts')::int, 0)", "How often it was tried; 0 before it was.")
    http_status: int | None = plain("The status of the last answer; null where there was none.")
    final_url: URL | None = plain("Where redirects led; null without any.")
    etag: str | None = plain("The answer's ETag.")
    last_modified: str | None = plain("The answer's Last-Modified, as it was written.")
    retryable: bool = sql(
        "coalesce(({d}->>'passing')::bool, false)",
        "Whether it failed by what may be over later: a retry may go otherwise.",
    )


@strawberry.type(
    description="Where an image comes from and what one may do with it; null where the source did not say."
)
class Provenance:
    """An image's provenance."""

    source: str | None = plain("The source that found it.")
    landing_url: URL | None = plain("The page that shows it.")
    title: str | None = plain("Its title.")
    creator: str | None = plain("Who made it.")
    creator_url: URL | None = plain("The page of who made it.")
    license: str | None = plain("Its license with version, as the source named it, e.g. `by-sa 4.0`.")
    license_url: URL | None = plain("The text of the license.")
    attribution: str | None = plain("The line that names maker and license.")
    extra: JSON | None = plain("What else the source or the list said.")


@strawberry.type(
    description="What was measured of a picture's lightness, where its lesser side has about 100 to 200 pixels."
)
class ImageQuality:
    """An image's quality."""

    brightness: float = plain("Mean lightness, 0 (black) to 1 (white).")
    contrast: float = plain("Standard deviation of lightness, 0 (one tone) to 0.5 (half black, half white).")
    entropy: float = plain("Entropy of the histogram of 256 levels, 0 to 8 bits.")
    sharpness: float = plain("Variance of the Laplacian, in squared levels of 256.")
    grayscale: bool = plain("Whether the file has one channel, beside transparency.")


@reads(Row)
@strawberry.type(description="An image that a crawl job found, from its address to stored bytes.")
class Image(Node):
    """An image."""

    database_id: BigInt = column("id", "The key in the database.")
    original_url: URL = plain("The address that it was found at.")
    filename: str = plain("The address's last part; once stored, the SHA-256 with the extension of its content.")
    keyword: str | None = plain("The keyword that found it: its class in the dataset.")
    status: ImageStatus = plain("How it stands.")
    width: int | None = plain("Pixels across, as displayed.")
    height: int | None = plain("Pixels down, as displayed.")
    file_size: int | None = plain("Bytes.")
    format: str | None = plain("The format by content: `jpeg`, `png`, `webp` ….")
    sha256: str | None = plain("SHA-256 of the bytes, in lower-case hex.")
    perceptual_hash: str | None = sql(
        "lpad(to_hex({t}.phash), 16, '0')", "A hash of what is to be seen, as 16 hex digits.", nullable=True
    )
    quality: ImageQuality | None = document("{t}.quality", "Measures of the picture; null where no pixel was decoded.")
    chunk: int = plain("The chunk that it is fetched in.")
    issues: list[ImageIssue] = documents(
        "{t}.issues", "Why it is failed, invalid or a duplicate; `by_hand` where a person decided, for it or against."
    )
    fetch: ImageFetch = document("{t}.fetch", "How the last fetch went.")
    provenance: Provenance = document("{t}.provenance", "Where it comes from and what one may do with it.")
    download_url: URL | None = derived(
        signed, "{t}.storage_url", description="A signed, expiring link to its bytes; null while nothing is stored."
    )
    near_duplicates: NearDuplicateConnection = near_duplicates(ImageFilter, ImageOrder)
    difference: ImageDifference | None = sql(
        f"upper({VERDICT})",
        "How it compares with what the former job stored of its address; null where neither stored it, or the job is"
        " no re-crawl.",
        nullable=True,
    )
    created_at: datetime = plain("When it was found.")
    updated_at: datetime = plain("When it was last changed.")
    crawl_job: Annotated[CrawlJob, strawberry.lazy("schema.types.crawl_job")] = one(
        "crawl_job_id", description="The crawl that found it."
    )
