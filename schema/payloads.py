"""What mutations and subscriptions give: the object as the client selects it, or errors as data."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from app.errors import AppError
from schema.feeds import Event
from schema.reading.declare import one
from schema.types.activity_log import ActivityLog
from schema.types.crawl_job import CrawlJob
from schema.types.export_job import ExportJob
from schema.types.profile import Profile
from schema.types.project import Project
from schema.types.scalars import URL, BigInt
from schema.types.validation_job import ValidationJob


@strawberry.enum(description="Why something was refused.")
class ErrorCode(Enum):
    """The codes of `app/errors.py` that a client can meet."""

    INVALID = strawberry.enum_value("INVALID", description="An input is wrong; `path` names it.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="No such row, or none that you see.")
    ILLEGAL_TRANSITION = strawberry.enum_value(
        "ILLEGAL_TRANSITION", description="The state forbids it; `allowed` has the states from which it may be done."
    )
    CONFLICT = strawberry.enum_value("CONFLICT", description="Another row holds what was asked for.")
    QUOTA_EXCEEDED = strawberry.enum_value("QUOTA_EXCEEDED", description="A quota was passed.")
    SOURCE_UNAVAILABLE = strawberry.enum_value(
        "SOURCE_UNAVAILABLE", description="A source is switched off, or lacks its key."
    )
    UNAUTHENTICATED = strawberry.enum_value("UNAUTHENTICATED", description="No token, or one that does not hold.")
    FORBIDDEN = strawberry.enum_value("FORBIDDEN", description="You may not do this.")
    RATE_LIMITED = strawberry.enum_value("RATE_LIMITED", description="Too many requests.")


@strawberry.type(description="One thing that is wrong with what was asked.")
class UserError:
    """An `AppError` as data."""

    code: ErrorCode = strawberry.field(description="Why, for a program.")
    message: str = strawberry.field(description="Why, for a person.")
    path: list[str] = strawberry.field(description="The field that is wrong, from the argument's name down.")
    limit: str | None = strawberry.field(description="The limit that was passed.", default=None)
    actual: str | None = strawberry.field(description="What was given or found.", default=None)
    allowed: list[str] | None = strawberry.field(description="The states from which it may be done.", default=None)


def user_error(error: AppError) -> UserError:
    """`error` as data."""
    return UserError(
        code=ErrorCode(error.code),
        message=error.message,
        path=list(error.path),
        limit=error.limit,
        actual=error.actual,
        allowed=list(error.allowed) if error.allowed is not None else None,
    )


_ERRORS = "What was wrong; empty if it was done."


@strawberry.type(description="A project, or why not.")
class ProjectPayload:
    """The answer to a mutation of a project."""

    project: Project | None = one(description="The project as it is now; null if `errors` is not empty.")
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="A crawl job, or why not.")
class CrawlJobPayload:
    """The answer to a mutation of a crawl job."""

    crawl_job: CrawlJob | None = one(description="The crawl job as it is now; null if `errors` is not empty.")
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="A validation job, or why not.")
class ValidationJobPayload:
    """The answer to a mutation of a validation job."""

    validation_job: ValidationJob | None = one(
        description="The validation job as it is now; null if `errors` is not empty."
    )
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="An export job, or why not.")
class ExportJobPayload:
    """The answer to a mutation of an export job."""

    export_job: ExportJob | None = one(description="The export job as it is now; null if `errors` is not empty.")
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="Your profile, or why not.")
class ProfilePayload:
    """The answer to a mutation of a profile."""

    profile: Profile | None = one(description="Your profile as it is now; null if `errors` is not empty.")
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="What was deleted, or why not.")
class DeletePayload:
    """The answer to a deletion."""

    deleted_id: strawberry.ID | None = strawberry.field(description="The id that is no more.", default=None)
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="How many of a crawl job's images were changed, or why none.")
class ImagesPayload:
    """The answer to a mutation of many images."""

    count: int | None = strawberry.field(
        description="Images that were changed, beside those that were so already; null if `errors` is not empty.",
        default=None,
    )
    has_more: bool | None = strawberry.field(
        description="Whether there are more to change: ask the same again until there are none.", default=None
    )
    crawl_job: CrawlJob | None = one(description="Their crawl job as it is now; null if `errors` is not empty.")
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="What was done of what was asked, row by row, and why the rest was not.")
class ManyPayload:
    """The answer to a mutation of many rows, each for itself."""

    ids: list[strawberry.ID] = strawberry.field(
        description="The ids of those that it was done to, in their order.", default_factory=list
    )
    errors: list[UserError] = strawberry.field(
        description="What was wrong with others; `path` names their places. Empty if all was done.",
        default_factory=list,
    )


@strawberry.type(description="Where to PUT a URL list, or why not.")
class UrlListUploadPayload:
    """The answer to a request for an upload."""

    upload_id: strawberry.ID | None = strawberry.field(
        description="Names the file in `UrlListInput` once it is uploaded.", default=None
    )
    upload_url: URL | None = strawberry.field(description="PUT the file here.", default=None)
    expires_at: datetime | None = strawberry.field(description="Until when.", default=None)
    errors: list[UserError] = strawberry.field(description=_ERRORS, default_factory=list)


@strawberry.type(description="A crawl job at one moment.")
class CrawlJobProgress(Event):
    """A frame of `crawlJobProgress`."""

    version: BigInt = strawberry.field(description="The row's revision; it only grows.")
    at: datetime = strawberry.field(description="When this frame was made.")
    images_per_second: float = strawberry.field(description="Rows ended a second, over the last seconds.")
    bytes_per_second: float = strawberry.field(description="Bytes stored a second, over the last seconds.")
    eta_seconds: int | None = strawberry.field(description="Seconds until the end at this rate; null if unknown.")
    crawl_job: CrawlJob = one(description="The crawl job.")


@strawberry.type(description="A validation job at one moment.")
class ValidationJobProgress(Event):
    """A frame of `validationJobProgress`."""

    version: BigInt = strawberry.field(description="The row's revision; it only grows.")
    at: datetime = strawberry.field(description="When this frame was made.")
    validation_job: ValidationJob = one(description="The validation job.")


@strawberry.type(description="An export job at one moment.")
class ExportJobProgress(Event):
    """A frame of `exportJobProgress`."""

    version: BigInt = strawberry.field(description="The row's revision; it only grows.")
    at: datetime = strawberry.field(description="When this frame was made.")
    bytes_per_second: float = strawberry.field(description="Bytes written a second, over the last seconds.")
    export_job: ExportJob = one(description="The export job.")


@strawberry.type(description="A project at one moment, and which of its jobs changed.")
class ProjectProgress(Event):
    """A frame of `projectProgress`."""

    at: datetime = strawberry.field(description="When this frame was made.")
    changed: strawberry.ID | None = strawberry.field(
        description="The id of the job that changed or was made; null in the first frame.", default=None
    )
    project: Project = one(description="The project.")
    crawl_job: CrawlJob | None = one(description="The job that changed, if it is a crawl job.")
    validation_job: ValidationJob | None = one(description="The job that changed, if it is a validation job.")
    export_job: ExportJob | None = one(description="The job that changed, if it is an export job.")


@strawberry.type(description="A line that was added to the activity log.")
class ActivityAdded(Event):
    """A frame of `activityAdded`."""

    activity_log: ActivityLog | None = one(description="The line; null if it is no longer there.")
