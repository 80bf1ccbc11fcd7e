"""One image of a crawl job, from pending row to stored bytes."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint

from app.models.base import EMPTY_ARRAY, EMPTY_OBJECT, SqlIndex, Stamped, one_of
from app.models.crawl_job import CrawlJob
from app.models.states import ImageStatus

HASHED = "phash IS NOT NULL"


def band_keys(phash: str) -> str:
    """SQL, an array: the three bands of a hash as numbers, as `reach` of `app/checks/hamming.py` cuts them."""
    return f"ARRAY[{_bands(phash)}]"


def job_key(job: str) -> str:
    """SQL: the number of a crawl job, beyond those of all bands."""
    return f"{job}::bigint + 12582912"


def hash_keys(job: str, phash: str) -> str:
    """SQL, an array: under which numbers the index holds a hash, those of its bands and that of its crawl job.

    A look-up asks for both, so that it reads no other job's rows. `job` and `phash` are SQL.
    """
    return f"(ARRAY[{_bands(phash)}, {job_key(job)}])"


def _bands(phash: str) -> str:
    return f"({phash} >> 42 & 4194303), 4194304 + ({phash} >> 21 & 2097151), 8388608 + ({phash} & 2097151)"


class Image(Stamped):
    """An image; equal URLs within a job are one row, equal bytes within a job are stored by one row."""

    id = fields.BigIntField(primary_key=True)
    crawl_job: fields.ForeignKeyRelation[CrawlJob] = fields.ForeignKeyField(
        "models.CrawlJob", related_name="images", on_delete=fields.CASCADE
    )
    crawl_job_id: int
    original_url = fields.TextField()
    filename = fields.CharField(max_length=255)
    storage_url = fields.TextField(null=True)
    width = fields.IntField(null=True)
    height = fields.IntField(null=True)
    file_size = fields.IntField(null=True)
    format = fields.CharField(max_length=10, null=True)
    status = fields.CharField(max_length=20, default="pending", db_default="pending")
    chunk = fields.IntField()
    keyword = fields.TextField(null=True)
    sha256 = fields.BinaryField(null=True)
    phash = fields.BigIntField(null=True)
    issues: fields.JSONField[list[dict[str, str]]] = fields.JSONField(default=list, db_default=EMPTY_ARRAY)
    provenance: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict, db_default=EMPTY_OBJECT)
    quality: fields.JSONField[dict[str, Any] | None] = fields.JSONField(null=True)
    fetch: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict, db_default=EMPTY_OBJECT)

    class Meta:
        table = "images"
        indexes = (
            SqlIndex(fields=("crawl_job_id", "id"), name="ix_image_crawl_job_id"),
            SqlIndex(fields=("crawl_job_id", "status", "id"), name="ix_images_job_status"),
            SqlIndex(fields=("crawl_job_id", "created_at", "id"), name="ix_images_job_created"),
            SqlIndex(fields=("crawl_job_id", "chunk"), name="ix_images_pending", condition="status = 'pending'"),
            SqlIndex(fields=("sha256",), name="ix_images_sha256", condition="sha256 IS NOT NULL"),
            SqlIndex(
                fields=("crawl_job_id", "phash"),
                columns=hash_keys("crawl_job_id", "phash"),
                name="ix_images_hash_keys",
                condition=HASHED,
                method="gin",
                # New rows wait unsorted, and every look-up reads all that wait: few may.
                storage="gin_pending_list_limit=64",
            ),
            SqlIndex(
                fields=("crawl_job_id", "original_url"),
                columns='"crawl_job_id", (md5(original_url)::uuid)',
                name="uq_images_job_url",
                unique=True,
            ),
            SqlIndex(
                fields=("crawl_job_id", "sha256"),
                name="uq_images_job_sha256",
                unique=True,
                condition="status IN ('downloaded', 'valid', 'invalid')",
            ),
        )
        constraints = (
            one_of("images", "status", tuple(ImageStatus)),
            CheckConstraint(check="octet_length(sha256) = 32", name="ck_images_sha256"),
            CheckConstraint(check="chunk >= 0", name="ck_images_chunk"),
        )
