"""Statistics: how many rows hang below a row, how many bytes they have, and how they group."""

from __future__ import annotations

import strawberry

from app.models.states import STORED
from schema.reading.declare import document, documents, plain, sql
from schema.reading.tally import buckets, few_groups, groups, total
from schema.types.enums import CrawlJobStatus, ExportJobStatus, ImageStatus, ProjectStatus
from schema.types.scalars import BigInt

SIDES = (64, 128, 256, 512, 1024, 2048, 4096)
"""Where the ranges of widths and heights begin, after the one from 0; pixels."""
SIZES = (4 * 2**10, 16 * 2**10, 64 * 2**10, 256 * 2**10, 2**20, 4 * 2**20, 16 * 2**20)
"""Where the ranges of file sizes begin, after the one from 0; bytes."""

STATUS = "upper({d}->>'key')"
LONG = "Passes over all that the filter finds: of a million images a second or two."
BYTES = "Bytes of them that are stored; duplicates store none of their own."


@strawberry.type(description="Images that have something in common.")
class ImageGroup:
    """An entry of groups of images."""

    key: str | None = plain("What they have in common, as `ImageFilter` takes it; null where it is not known.")
    count: int = plain("Images.")
    bytes: BigInt = plain(BYTES)


@strawberry.type(description="Groups that are counted and not listed.")
class ImageOtherGroups:
    """The rest of groups of images."""

    groups: int = plain("How many groups there are.")
    count: int = plain("Images in them; one that is in several groups counts in each.")
    bytes: BigInt = plain(BYTES)


@strawberry.type(description="Images by what they have in common.")
class ImageGroups:
    """Groups of images."""

    groups: list[ImageGroup] = documents("{d}->'groups'", "The first so many groups, most images first.")
    others: ImageOtherGroups = document("{d}->'others'", "The groups that are not listed.")


@strawberry.type(description="Images in one state.")
class ImageStatusGroup:
    """An entry of images by state."""

    status: ImageStatus = sql(STATUS, "The state.")
    count: int = plain("Images.")
    bytes: BigInt = plain(BYTES)


@strawberry.type(description="Images in one range of a number.")
class ImageBucket:
    """An entry of a histogram."""

    at_least: int = plain("The least number of the range.")
    below: int | None = plain("The number at which the next range begins; null for the last, which has no end.")
    count: int = plain("Images.")
    bytes: BigInt = plain(BYTES)


@strawberry.type(description="Images by the range that a number of theirs lies in.")
class ImageHistogram:
    """A histogram."""

    buckets: list[ImageBucket] = documents("{d}->'buckets'", "Every range, lowest first, also where it holds none.")
    unknown: int = plain("Images of which the number is not known.")


@strawberry.type(description="Images, counted. What is selected is counted in one pass over them, and nothing else.")
class ImageStatistics:
    """Statistics of images."""

    count: int = total("count(*)", "Images.")
    bytes: BigInt = total(f"coalesce(sum({{t}}.file_size) filter (where {{t}}.status in {STORED}), 0)", BYTES)
    by_status: list[ImageStatusGroup] = few_groups("{t}.status", "By state, most images first.")
    by_keyword: ImageGroups = groups("{t}.keyword", "By the keyword that found them.")
    by_source: ImageGroups = groups("{t}.provenance->>'source'", "By the source that found them.")
    by_host: ImageGroups = groups("{t}.fetch->>'host'", "By the host that was asked last.")
    by_license: ImageGroups = groups("{t}.provenance->>'license'", "By license, as the source named it.")
    by_format: ImageGroups = groups("{t}.format", "By format.")
    by_issue: ImageGroups = groups(
        "jsonb_path_query_array({t}.issues, '$[*].code')",
        "By the codes of their issues: those without any are in no group, those with several in each.",
        several=True,
    )
    by_width: ImageHistogram = buckets("{t}.width", SIDES, "By width, pixels: below 64, then doubling up to 4,096.")
    by_height: ImageHistogram = buckets("{t}.height", SIDES, "By height, pixels: below 64, then doubling up to 4,096.")
    by_file_size: ImageHistogram = buckets(
        "{t}.file_size", SIZES, "By file size, bytes: below 4 KiB, then four times as much up to 16 MiB."
    )


@strawberry.type(description="Projects in one state.")
class ProjectStatusGroup:
    """An entry of projects by state."""

    status: ProjectStatus = sql(STATUS, "The state.")
    count: int = plain("Projects.")


@strawberry.type(description="Projects, counted.")
class ProjectStatistics:
    """Statistics of projects."""

    count: int = total("count(*)", "Projects.")
    by_status: list[ProjectStatusGroup] = few_groups("{t}.status", "By state, most projects first.")


IMAGES = "coalesce(sum({t}.%s), 0)"


@strawberry.type(description="Crawl jobs in one state.")
class CrawlJobStatusGroup:
    """An entry of crawl jobs by state."""

    status: CrawlJobStatus = sql(STATUS, "The state.")
    count: int = plain("Crawl jobs.")
    total_images: BigInt = plain("Images that they found, in whatever state.")
    downloaded_images: BigInt = plain("Images with stored bytes of their own.")
    valid_images: BigInt = plain("Usable images: downloaded or valid.")


@strawberry.type(description="Crawl jobs, counted, and what they count themselves: read at once however many images.")
class CrawlJobStatistics:
    """Statistics of crawl jobs."""

    count: int = total("count(*)", "Crawl jobs.")
    total_images: BigInt = total(IMAGES % "total_images", "Images that they found, in whatever state.")
    downloaded_images: BigInt = total(IMAGES % "downloaded_images", "Images with stored bytes of their own.")
    valid_images: BigInt = total(IMAGES % "valid_images", "Usable images: downloaded or valid.")
    by_status: list[CrawlJobStatusGroup] = few_groups("{t}.status", "By state, most jobs first.")


FILES = "Bytes of their files."


@strawberry.type(description="Export jobs in one state.")
class ExportJobStatusGroup:
    """An entry of export jobs by state."""

    status: ExportJobStatus = sql(STATUS, "The state.")
    count: int = plain("Export jobs.")
    bytes: BigInt = plain(FILES)


@strawberry.type(description="Export jobs, counted.")
class ExportJobStatistics:
    """Statistics of export jobs."""

    count: int = total("count(*)", "Export jobs.")
    bytes: BigInt = total("coalesce(sum({t}.file_size) filter (where {t}.status = 'completed'), 0)", FILES)
    by_status: list[ExportJobStatusGroup] = few_groups("{t}.status", "By state, most exports first.")
