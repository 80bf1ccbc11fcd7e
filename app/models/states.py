"""The states of every row and the arrows between them, as data.

`app/jobs/` walks the arrows, one function each; a test tries every pair that is not an arrow, and the drawing in
`docs/journey.md` is compared with this.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a profile may do."""

    USER = "user"
    ADMIN = "admin"


class ProjectStatus(StrEnum):
    """An archived project is read-only but for exporting and deleting."""

    ACTIVE = "active"
    ARCHIVED = "archived"


class CrawlJobStatus(StrEnum):
    """A crawl job's states."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImageStatus(StrEnum):
    """An image row's states."""

    PENDING = "pending"
    DOWNLOADED = "downloaded"
    VALID = "valid"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    FAILED = "failed"


class ValidationJobStatus(StrEnum):
    """A validation job's states."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ExportJobStatus(StrEnum):
    """An export job's states; an expired one has lost its file."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


Arrows = Mapping[str, tuple[tuple[str, ...], str]]
"""Verb → (states from which, state to which)."""

PROJECT: Arrows = {
    "archive": (("active",), "archived"),
    "restore": (("archived",), "active"),
}
CRAWL_JOB: Arrows = {
    "start": (("pending",), "running"),
    "pause": (("running",), "paused"),
    "resume": (("paused",), "running"),
    "cancel": (("pending", "running", "paused"), "cancelled"),
    "complete": (("running", "paused"), "completed"),
    "fail": (("running", "paused"), "failed"),
    "retry": (("failed", "cancelled", "completed"), "running"),
}
VALIDATION_JOB: Arrows = {
    "start": (("pending",), "running"),
    "complete": (("running",), "completed"),
    "fail": (("pending", "running"), "failed"),
    "cancel": (("pending", "running"), "cancelled"),
}
EXPORT_JOB: Arrows = {
    "start": (("pending",), "running"),
    "complete": (("running",), "completed"),
    "fail": (("pending", "running"), "failed"),
    "cancel": (("pending", "running"), "cancelled"),
    "expire": (("completed",), "expired"),
}
IMAGE: Arrows = {
    "store": (("pending",), "downloaded"),
    "duplicate": (("pending",), "duplicate"),
    "refuse": (("pending",), "failed"),
    "retry": (("failed",), "pending"),
    "accept": (("downloaded", "valid", "invalid"), "valid"),
    "reject": (("downloaded", "valid", "invalid"), "invalid"),
    "give_back": (("valid", "invalid"), "downloaded"),
}

CRAWL_FINAL = ("completed", "failed", "cancelled")
TASK_FINAL = ("completed", "failed", "cancelled", "expired")
"""Final states of validation and export jobs."""
STORED = ("downloaded", "valid", "invalid")
"""Image states with stored bytes of their own."""
USABLE = ("downloaded", "valid")
"""Image states that count towards `max_images`, and that an export takes."""
DECIDED = ("valid", "invalid")
"""Image states that a verdict leads to, a validation's or a person's."""
