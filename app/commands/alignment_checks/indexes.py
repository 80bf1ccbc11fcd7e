"""The contract's indexes, as data beside its tables; spelled as `catalogue.py` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its columns or expressions in order, and the condition of a partial one."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    condition: str = ""
    special: str = ""
    """What is unusual: a method other than btree, deferred uniqueness, NULLs that are equal."""

    def __str__(self) -> str:
        kind = "unique index" if self.unique else "index"
        where = f" where {self.condition}" if self.condition else ""
        special = f" ({self.special})" if self.special else ""
        return f"{kind} on {self.table} ({', '.join(self.columns)}){where}{special}"


NAMED_INDEXES: Sequence[Index] = (
    Index("ix_profiles_email", "profiles", ("email",), unique=True),
    Index("ix_project_user_id", "projects", ("user_id",)),
    Index("ix_crawl_job_status", "crawl_jobs", ("status",)),
    Index("ix_crawl_jobs_project_id", "crawl_jobs", ("project_id",)),
    Index("ix_crawl_job_project_status", "crawl_jobs", ("project_id", "status")),
    # The job first; the id behind it makes a page of a job's images one range of the index.
    Index("ix_image_crawl_job_id", "images", ("crawl_job_id", "id")),
    Index("ix_activity_log_user_id", "activity_logs", ("user_id",)),
    Index("ix_activity_log_timestamp", "activity_logs", ("timestamp",)),
    Index("ix_validation_job_status", "validation_jobs", ("status",)),
    Index("ix_export_job_status", "export_jobs", ("status",)),
    Index("ix_export_job_user_id", "export_jobs", ("user_id",)),
)
"""The eleven that the report has to show by name."""

_STORED = "status IN ('downloaded', 'valid', 'invalid')"
_HASH_KEYS = (
    "(phash >> 42) & 4194303::bigint, 4194304 + ((phash >> 21) & 2097151::bigint),"
    " 8388608 + (phash & 2097151::bigint), crawl_job_id::bigint + 12582912"
)
OTHER_INDEXES: Sequence[Index] = (
    Index("ix_validation_job_crawl_job_id", "validation_jobs", ("crawl_job_id",)),
    Index("ix_export_job_crawl_job_id", "export_jobs", ("crawl_job_id",)),
    Index("uq_crawl_jobs_idempotency_key", "crawl_jobs", ("project_id", "idempotency_key"), unique=True),
    Index("uq_images_job_url", "images", ("crawl_job_id", "md5(original_url)::uuid"), unique=True),
    Index("uq_images_job_sha256", "images", ("crawl_job_id", "sha256"), unique=True, condition=_STORED),
    Index("ix_images_job_status", "images", ("crawl_job_id", "status", "id")),
    Index("ix_images_job_created", "images", ("crawl_job_id", "created_at", "id")),
    Index("ix_images_pending", "images", ("crawl_job_id", "chunk"), condition="status = 'pending'"),
    Index("ix_images_sha256", "images", ("sha256",), condition="sha256 IS NOT NULL"),
    Index("ix_images_hash_keys", "images", (f"ARRAY[{_HASH_KEYS}]",), condition="phash IS NOT NULL", special="gin"),
)
"""The two further ones that the contract names, and those that uniqueness, pages and look-ups need."""
