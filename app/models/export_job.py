"""A dataset made of a crawl job's usable images, as one file."""

from __future__ import annotations

import uuid
from typing import Any

from tortoise import fields
from tortoise.indexes import Index

from app.models.base import EMPTY_OBJECT, Stamped, not_negative, one_of, percent
from app.models.crawl_job import CrawlJob
from app.models.profile import Profile
from app.models.states import ExportJobStatus


class ExportJob(Stamped):
    """An export job; `download_url` is the file's storage key, signed when it is read."""

    id = fields.IntField(primary_key=True)
    crawl_job: fields.ForeignKeyRelation[CrawlJob] = fields.ForeignKeyField(
        "models.CrawlJob", related_name="export_jobs", on_delete=fields.CASCADE
    )
    crawl_job_id: int
    user: fields.ForeignKeyRelation[Profile] = fields.ForeignKeyField(
        "models.Profile", related_name="export_jobs", on_delete=fields.CASCADE
    )
    user_id: uuid.UUID
    name = fields.CharField(max_length=100)
    status = fields.CharField(max_length=20, default="pending", db_default="pending")
    progress = fields.IntField(default=0, db_default=0)
    format = fields.CharField(max_length=20, default="zip", db_default="zip")
    total_images = fields.IntField(default=0, db_default=0)
    exported_images = fields.IntField(default=0, db_default=0)
    file_size = fields.BigIntField(null=True)
    download_url = fields.TextField(null=True)
    export_options: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict, db_default=EMPTY_OBJECT)
    started_at = fields.DatetimeField(null=True)
    completed_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True)
    error_message = fields.TextField(null=True)
    revision = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "export_jobs"
        indexes = (
            Index(fields=("status",), name="ix_export_job_status"),
            Index(fields=("user_id",), name="ix_export_job_user_id"),
            Index(fields=("crawl_job_id",), name="ix_export_job_crawl_job_id"),
        )
        constraints = (
            one_of("export_jobs", "status", tuple(ExportJobStatus)),
            percent("export_jobs"),
            *not_negative("export_jobs", "total_images", "exported_images"),
        )
