"""The type of `activity_logs`."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.models.activity_log import ActivityLog as Row
from schema.reading.declare import column, one, plain, reads
from schema.types.paging import Node, OrderDirection, after, before, direction, in_list
from schema.types.scalars import JSON

if TYPE_CHECKING:
    from schema.types.profile import Profile


@strawberry.input(description="Which lines. Fields are ANDed, the values of a list are ORed.")
class ActivityLogFilter:
    """Which lines of the activity log."""

    action: list[str] | None = in_list("action", "One of these actions, e.g. `crawl_job.started`.")
    resource_type: list[str] | None = in_list("resource_type", "About one of these kinds, e.g. `CrawlJob`.")
    resource_id: list[str] | None = in_list("resource_id", "About one of these rows, by their keys in the database.")
    created_after: datetime | None = after("timestamp")
    created_before: datetime | None = before("timestamp")


@strawberry.enum(description="What lines can be ordered by.")
class ActivityLogOrderField(Enum):
    """What lines of the activity log can be ordered by."""

    TIMESTAMP = strawberry.enum_value("timestamp", description="When it happened.")
    ACTION = strawberry.enum_value("action", description="What happened.")
    RESOURCE_TYPE = strawberry.enum_value("resource_type", description="To what kind of row; none counts as last.")


@strawberry.input(description="An order of lines.")
class ActivityLogOrder:
    """An order of lines of the activity log."""

    field: ActivityLogOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = direction()


@reads(Row)
@strawberry.type(description="A line of the activity log: what was done, by whom.")
class ActivityLog(Node):
    """A line of the activity log."""

    database_id: int = column("id", "The key in the database.")
    action: str = plain("What was done, e.g. `project.created`.")
    resource_type: str | None = plain("To what kind of row.")
    resource_id: str | None = plain("To which row: its key in the database.")
    metadata: JSON | None = column("metadata_", "What else is known.")
    timestamp: datetime = plain("When.")
    user: Annotated[Profile, strawberry.lazy("schema.types.profile")] | None = one(
        "user_id", description="Who did it; null once their profile is deleted."
    )
