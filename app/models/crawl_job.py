"""A crawl: what is asked, and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from app.models.base import EMPTY_ARRAY, EMPTY_OBJECT, Stamped, not_negative, one_of, percent
from app.models.project import Project
from app.models.states import CrawlJobStatus

if TYPE_CHECKING:
    from app.models.export_job import ExportJob
    from app.models.image import Image
    from app.models.validation_job import ValidationJob


class CrawlJob(Stamped):
    """A crawl job; `app/jobs/crawl.py` says what its `options` document holds."""

    id = fields.IntField(primary_key=True)
    project: fields.ForeignKeyRelation[Project] = fields.ForeignKeyField(
        "models.Project", related_name="crawl_jobs", on_delete=fields.CASCADE
    )
    project_id: int
    name = fields.CharField(max_length=100)
    keywords: fields.JSONField[list[str]] = fields.JSONField()
    max_images = fields.IntField(default=1000, db_default=1000)
    status = fields.CharField(max_length=20, default="pending", db_default="pending")
    progress = fields.IntField(default=0, db_default=0)
    total_images = fields.IntField(default=0, db_default=0)
    downloaded_images = fields.IntField(default=0, db_default=0)
    valid_images = fields.IntField(default=0, db_default=0)
    started_at = fields.DatetimeField(null=True)
    completed_at = fields.DatetimeField(null=True)
    total_chunks = fields.IntField(default=0, db_default=0)
    active_chunks = fields.IntField(default=0, db_default=0)
    completed_chunks = fields.IntField(default=0, db_default=0)
    failed_chunks = fields.IntField(default=0, db_default=0)
    task_ids: fields.JSONField[list[str]] = fields.JSONField(default=list, db_default=EMPTY_ARRAY)
    options: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict, db_default=EMPTY_OBJECT)
    leases: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict, db_default=EMPTY_OBJECT)
    error_message = fields.TextField(null=True)
    revision = fields.BigIntField(default=0, db_default=0)
    idempotency_key = fields.CharField(max_length=100, null=True)

    images: fields.ReverseRelation[Image]
    validation_jobs: fields.ReverseRelation[ValidationJob]
    export_jobs: fields.ReverseRelation[ExportJob]

    @property
    def chunk_progress(self) -> int:
        """Finished chunks, percent."""
        return 100 * self.completed_chunks // self.total_chunks if self.total_chunks else 0

    class Meta:
        table = "crawl_jobs"
        indexes = (
            Index(fields=("status",), name="ix_crawl_job_status"),
            Index(fields=("project_id",), name="ix_crawl_jobs_project_id"),
            Index(fields=("project_id", "status"), name="ix_crawl_job_project_status"),
        )
        constraints = (
            one_of("crawl_jobs", "status", tuple(CrawlJobStatus)),
            percent("crawl_jobs"),
            *not_negative(
                "crawl_jobs",
                "max_images",
                "total_images",
                "downloaded_images",
                "valid_images",
                "total_chunks",
                "active_chunks",
                "completed_chunks",
                "failed_chunks",
            ),
            CheckConstraint(check="jsonb_typeof(keywords) = 'array'", name="ck_crawl_jobs_keywords"),
            UniqueConstraint(fields=("project_id", "idempotency_key"), name="uq_crawl_jobs_idempotency_key"),
        )
