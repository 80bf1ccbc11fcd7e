"""What was done, by whom: one line per mutation and per end of a job."""

from __future__ import annotations

import uuid
from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from app.models.base import NOW
from app.models.profile import Profile


class ActivityLog(Model):
    """A line of the activity log; it outlives the profile that it names."""

    id = fields.IntField(primary_key=True)
    user: fields.ForeignKeyNullableRelation[Profile] = fields.ForeignKeyField(
        "models.Profile", related_name="activity_logs", null=True, on_delete=fields.SET_NULL
    )
    user_id: uuid.UUID | None
    action = fields.TextField()
    resource_type = fields.CharField(max_length=50, null=True)
    resource_id = fields.CharField(max_length=50, null=True)
    metadata_: fields.JSONField[dict[str, Any] | None] = fields.JSONField(null=True)
    timestamp = fields.DatetimeField(db_default=NOW)

    class Meta:
        table = "activity_logs"
        indexes = (
            Index(fields=("user_id",), name="ix_activity_log_user_id"),
            Index(fields=("timestamp",), name="ix_activity_log_timestamp"),
        )
