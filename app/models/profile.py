"""Who uses the service: one row per `sub` of the identity provider's tokens."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint

from app.models.base import Stamped, one_of
from app.models.states import Role

if TYPE_CHECKING:
    from app.models.activity_log import ActivityLog
    from app.models.export_job import ExportJob
    from app.models.project import Project


class Profile(Stamped):
    """A person or a service that holds tokens."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    email = fields.CharField(max_length=255)
    full_name = fields.CharField(max_length=100, null=True)
    avatar_url = fields.TextField(null=True)
    role = fields.CharField(max_length=20, default="user", db_default="user")

    projects: fields.ReverseRelation[Project]
    export_jobs: fields.ReverseRelation[ExportJob]
    activity_logs: fields.ReverseRelation[ActivityLog]

    class Meta:
        table = "profiles"
        constraints = (
            one_of("profiles", "role", tuple(Role)),
            UniqueConstraint(fields=("email",), name="ix_profiles_email"),
        )
