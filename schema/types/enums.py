"""The states of rows as the API spells them; the arrows between them are in `app/models/states.py`."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(description="What a profile may do.")
class Role(Enum):
    """A profile's role."""

    USER = strawberry.enum_value("user", description="Sees and changes what is its own.")
    ADMIN = strawberry.enum_value("admin", description="Sees and changes everything.")


@strawberry.enum(description="A project's state.")
class ProjectStatus(Enum):
    """A project's state."""

    ACTIVE = strawberry.enum_value("active", description="Takes new jobs.")
    ARCHIVED = strawberry.enum_value("archived", description="Read-only but for exporting and deleting.")


@strawberry.enum(description="A crawl job's state.")
class CrawlJobStatus(Enum):
    """A crawl job's state."""

    PENDING = strawberry.enum_value("pending", description="Waits for a worker, or to be started.")
    RUNNING = strawberry.enum_value("running", description="Is under way.")
    PAUSED = strawberry.enum_value("paused", description="Starts no new chunks until it is resumed.")
    COMPLETED = strawberry.enum_value("completed", description="Has its images, or its sources have run dry.")
    FAILED = strawberry.enum_value("failed", description="Could not go on; `errorMessage` says why.")
    CANCELLED = strawberry.enum_value("cancelled", description="Was stopped; `retryCrawlJob` goes on with it.")


@strawberry.enum(description="An image's state.")
class ImageStatus(Enum):
    """An image's state."""

    PENDING = strawberry.enum_value("pending", description="Waits to be fetched.")
    DOWNLOADED = strawberry.enum_value("downloaded", description="Fetched, decoded and stored; not judged yet.")
    VALID = strawberry.enum_value("valid", description="Stored, and passed the last validation, or kept by hand.")
    INVALID = strawberry.enum_value(
        "invalid", description="Stored, and failed the last validation, or was refused by hand; see `issues`."
    )
    DUPLICATE = strawberry.enum_value("duplicate", description="Its bytes are another image's of this job.")
    FAILED = strawberry.enum_value("failed", description="Could not be fetched or taken; see `issues`.")


@strawberry.enum(description="A person's verdict on an image; it stands, whatever validations say.")
class ImageVerdict(Enum):
    """A verdict by hand."""

    VALID = strawberry.enum_value("valid", description="Kept.")
    INVALID = strawberry.enum_value("invalid", description="Refused: no part of datasets.")


@strawberry.enum(description="A validation job's state.")
class ValidationJobStatus(Enum):
    """A validation job's state."""

    PENDING = strawberry.enum_value("pending", description="Waits for a worker.")
    RUNNING = strawberry.enum_value("running", description="Is under way.")
    COMPLETED = strawberry.enum_value("completed", description="Every image is judged.")
    FAILED = strawberry.enum_value("failed", description="Could not go on; `errorMessage` says why.")
    CANCELLED = strawberry.enum_value("cancelled", description="Was stopped.")


@strawberry.enum(description="An export job's state.")
class ExportJobStatus(Enum):
    """An export job's state."""

    PENDING = strawberry.enum_value("pending", description="Waits for a worker.")
    RUNNING = strawberry.enum_value("running", description="Is under way.")
    COMPLETED = strawberry.enum_value("completed", description="The file can be downloaded.")
    FAILED = strawberry.enum_value("failed", description="Could not go on; `errorMessage` says why.")
    CANCELLED = strawberry.enum_value("cancelled", description="Was stopped.")
    EXPIRED = strawberry.enum_value("expired", description="The file is gone, as `expiresAt` said.")


@strawberry.enum(description="What an export's file is.")
class ExportFormat(Enum):
    """An export's format."""

    ZIP = strawberry.enum_value(
        "zip", description="Folders by keyword, `metadata.jsonl` with provenance, `ATTRIBUTION.md`."
    )


@strawberry.enum(description="How an image of a re-crawl compares with what the former job stored of its address.")
class ImageDifference(Enum):
    """An image of a re-crawl beside the former job's."""

    NEW = strawberry.enum_value("new", description="The former job stored nothing of its address.")
    CHANGED = strawberry.enum_value("changed", description="The former job stored other bytes.")
    UNCHANGED = strawberry.enum_value(
        "unchanged", description="The former job stored the same bytes, transferred again or not."
    )
    GONE = strawberry.enum_value(
        "gone", description="The former job stored it, this one was refused it; `goneIn` finds what was not found, too."
    )


@strawberry.enum(description="Where images that look alike are looked for.")
class NearDuplicateScope(Enum):
    """Where near-duplicates are looked for."""

    JOB = strawberry.enum_value("job", description="Among the images of the same crawl job.")
    PROJECT = strawberry.enum_value(
        "project",
        description="Among those of the project's other crawl jobs as well; a validation looks at older ones only.",
    )
