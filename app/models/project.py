"""A folder of crawl jobs that belongs to one profile."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.indexes import Index

from app.models.base import Stamped, one_of
from app.models.profile import Profile
from app.models.states import ProjectStatus

if TYPE_CHECKING:
    from app.models.crawl_job import CrawlJob


class Project(Stamped):
    """A project."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=100)
    description = fields.TextField(null=True)
    user: fields.ForeignKeyRelation[Profile] = fields.ForeignKeyField(
        "models.Profile", related_name="projects", on_delete=fields.CASCADE
    )
    user_id: uuid.UUID
    status = fields.CharField(max_length=20, default="active", db_default="active")

    crawl_jobs: fields.ReverseRelation[CrawlJob]

    class Meta:
        table = "projects"
        indexes = (Index(fields=("user_id",), name="ix_project_user_id"),)
        constraints = (one_of("projects", "status", tuple(ProjectStatus)),)
