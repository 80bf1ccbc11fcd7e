"""A judgement of a crawl job's images by a set of rules."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.indexes import Index

from app.models.base import EMPTY_OBJECT, Stamped, not_negative, one_of, percent
from app.models.crawl_job import CrawlJob
from app.models.states import ValidationJobStatus


class ValidationJob(Stamped):
    """A validation job."""

    id = fields.IntField(primary_key=True)
    crawl_job: fields.ForeignKeyRelation[CrawlJob] = fields.ForeignKeyField(
        "models.CrawlJob", related_name="validation_jobs", on_delete=fields.CASCADE
    )
    crawl_job_id: int
    name = fields.CharField(max_length=100)
    status = fields.CharField(max_length=20, default="pending", db_default="pending")
    progress = fields.IntField(default=0, db_default=0)
    total_images = fields.IntField(default=0, db_default=0)
    validated_images = fields.IntField(default=0, db_default=0)
    invalid_images = fields.IntField(default=0, db_default=0)
    validation_rules: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict, db_default=EMPTY_OBJECT)
    started_at = fields.DatetimeField(null=True)
    completed_at = fields.DatetimeField(null=True)
    error_message = fields.TextField(null=True)
    revision = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "validation_jobs"
        indexes = (
            Index(fields=("status",), name="ix_validation_job_status"),
            Index(fields=("crawl_job_id",), name="ix_validation_job_crawl_job_id"),
        )
        constraints = (
            one_of("validation_jobs", "status", tuple(ValidationJobStatus)),
            percent("validation_jobs"),
            *not_negative("validation_jobs", "total_images", "validated_images", "invalid_images"),
        )
