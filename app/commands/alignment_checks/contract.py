"""The contract with everyone who reads this database by plain SQL: the seven tables, as data.

Written from the contract itself and not from the models, so that the report can catch the models too. Knows no
database; types and defaults are spelled as `catalogue.py` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SEQUENCE = "sequence"
"""A default that counts up: an identity column or the next value of a sequence that the column owns."""
NOW = "now()"

BOOKKEEPING = "aerich"
"""The migration tool's own table, which is no business table."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `default` is SQL without casts, None where there is none."""

    name: str
    type: str
    nullable: bool = False
    default: str | None = None
    key: str = ""
    """`primary key` or `unique` where the column alone is that, or `references table.column on delete rule`."""

    def __str__(self) -> str:
        null = "null" if self.nullable else "not null"
        default = f" default {self.default}" if self.default is not None else ""
        return f"{self.type} {null}{default}" + (f", {self.key}" if self.key else "")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the contract and the model that stands for it."""

    name: str
    model: str
    columns: tuple[Column, ...]
    checks: tuple[tuple[str, str], ...] = ()
    """What is checked (a column's name) and the condition."""
    touches: tuple[str, ...] = ()
    """The columns that every UPDATE moves on."""


def _required(name: str, kind: str, default: str | None = None, key: str = "") -> Column:
    return Column(name, kind, False, default, key)


def _optional(name: str, kind: str) -> Column:
    return Column(name, kind, True)


def _parent(name: str, kind: str, target: str) -> Column:
    return Column(name, kind, False, None, f"references {target} on delete cascade")


def _counters(*names: str) -> tuple[Column, ...]:
    return tuple(_required(name, "integer", "0") for name in names)


def _moments(*names: str) -> tuple[Column, ...]:
    return tuple(_optional(name, "timestamptz") for name in names)


def _one_of(column: str, *values: str) -> tuple[str, str]:
    return column, f"{column} IN ({', '.join(repr(value) for value in values)})"


def _at_least_zero(*columns: str) -> tuple[tuple[str, str], ...]:
    return tuple((column, f"{column} >= 0") for column in columns)


_NUMBER = _required("id", "integer", SEQUENCE, "primary key")
_STAMPS = (_required("created_at", "timestamptz", NOW), _required("updated_at", "timestamptz", NOW))
_NAME = _required("name", "varchar(100)")
_PENDING = _required("status", "varchar(20)", "'pending'")
_REVISION = _required("revision", "bigint", "0")
_ERROR = _optional("error_message", "text")
_PROGRESS = ("progress", "progress BETWEEN 0 AND 100")
_JOB_TOUCHES = ("updated_at", "revision")

PROFILES = Table(
    "profiles",
    "Profile",
    (
        _required("id", "uuid", key="primary key"),
        _required("email", "varchar(255)", key="unique"),
        _optional("full_name", "varchar(100)"),
        _optional("avatar_url", "text"),
        _required("role", "varchar(20)", "'user'"),
        *_STAMPS,
    ),
    (_one_of("role", "user", "admin"),),
    ("updated_at",),
)
PROJECTS = Table(
    "projects",
    "Project",
    (
        _NUMBER,
        _NAME,
        _optional("description", "text"),
        _parent("user_id", "uuid", "profiles.id"),
        _required("status", "varchar(20)", "'active'"),
        *_STAMPS,
    ),
    (_one_of("status", "active", "archived"),),
    ("updated_at",),
)
_CHUNKS = ("total_chunks", "active_chunks", "completed_chunks", "failed_chunks")
CRAWL_JOBS = Table(
    "crawl_jobs",
    "CrawlJob",
    (
        _NUMBER,
        _parent("project_id", "integer", "projects.id"),
        _NAME,
        _required("keywords", "jsonb"),
        _required("max_images", "integer", "1000"),
        _PENDING,
        *_counters("progress", "total_images", "downloaded_images", "valid_images"),
        *_moments("started_at", "completed_at"),
        *_counters(*_CHUNKS),
        _required("task_ids", "jsonb", "'[]'"),
        *_STAMPS,
        _required("options", "jsonb", "'{}'"),
        _required("leases", "jsonb", "'{}'"),
        _ERROR,
        _REVISION,
        _optional("idempotency_key", "varchar(100)"),
    ),
    (
        _one_of("status", "pending", "running", "paused", "completed", "failed", "cancelled"),
        _PROGRESS,
        *_at_least_zero("max_images", "total_images", "downloaded_images", "valid_images", *_CHUNKS),
        ("keywords", "jsonb_typeof(keywords) = 'array'"),
    ),
    _JOB_TOUCHES,
)
IMAGES = Table(
    "images",
    "Image",
    (
        _required("id", "bigint", SEQUENCE, "primary key"),
        _parent("crawl_job_id", "integer", "crawl_jobs.id"),
        _required("original_url", "text"),
        _required("filename", "varchar(255)"),
        _optional("storage_url", "text"),
        _optional("width", "integer"),
        _optional("height", "integer"),
        _optional("file_size", "integer"),
        _optional("format", "varchar(10)"),
        _PENDING,
        _required("chunk", "integer"),
        _optional("keyword", "text"),
        _optional("sha256", "bytea"),
        _optional("phash", "bigint"),
        _required("issues", "jsonb", "'[]'"),
        _required("provenance", "jsonb", "'{}'"),
        _optional("quality", "jsonb"),
        _required("fetch", "jsonb", "'{}'"),
        *_STAMPS,
    ),
    (
        _one_of("status", "pending", "downloaded", "valid", "invalid", "duplicate", "failed"),
        ("sha256", "octet_length(sha256) = 32"),
        *_at_least_zero("chunk"),
    ),
    ("updated_at",),
)
ACTIVITY_LOGS = Table(
    "activity_logs",
    "ActivityLog",
    (
        _NUMBER,
        Column("user_id", "uuid", True, None, "references profiles.id on delete set null"),
        _required("action", "text"),
        _optional("resource_type", "varchar(50)"),
        _optional("resource_id", "varchar(50)"),
        _optional("metadata_", "jsonb"),
        _required("timestamp", "timestamptz", NOW),
    ),
)
VALIDATION_JOBS = Table(
    "validation_jobs",
    "ValidationJob",
    (
        _NUMBER,
        _parent("crawl_job_id", "integer", "crawl_jobs.id"),
        _NAME,
        _PENDING,
        *_counters("progress", "total_images", "validated_images", "invalid_images"),
        _required("validation_rules", "jsonb", "'{}'"),
        *_moments("started_at", "completed_at"),
        _ERROR,
        *_STAMPS,
        _REVISION,
    ),
    (
        _one_of("status", "pending", "running", "completed", "failed", "cancelled"),
        _PROGRESS,
        *_at_least_zero("total_images", "validated_images", "invalid_images"),
    ),
    _JOB_TOUCHES,
)
EXPORT_JOBS = Table(
    "export_jobs",
    "ExportJob",
    (
        _NUMBER,
        _parent("crawl_job_id", "integer", "crawl_jobs.id"),
        _parent("user_id", "uuid", "profiles.id"),
        _NAME,
        _PENDING,
        *_counters("progress"),
        _required("format", "varchar(20)", "'zip'"),
        *_counters("total_images", "exported_images"),
        _optional("file_size", "bigint"),
        _optional("download_url", "text"),
        _required("export_options", "jsonb", "'{}'"),
        *_moments("started_at", "completed_at", "expires_at"),
        _ERROR,
        *_STAMPS,
        _REVISION,
    ),
    (
        _one_of("status", "pending", "running", "completed", "failed", "cancelled", "expired"),
        _PROGRESS,
        *_at_least_zero("total_images", "exported_images"),
    ),
    _JOB_TOUCHES,
)

TABLES: Sequence[Table] = (PROFILES, PROJECTS, CRAWL_JOBS, IMAGES, ACTIVITY_LOGS, VALIDATION_JOBS, EXPORT_JOBS)

RELATIONS: Sequence[tuple[str, str, str, str]] = (
    ("Profile", "projects", "Project", "user"),
    ("Profile", "activity_logs", "ActivityLog", "user"),
    ("Profile", "export_jobs", "ExportJob", "user"),
    ("Project", "crawl_jobs", "CrawlJob", "project"),
    ("CrawlJob", "images", "Image", "crawl_job"),
    ("CrawlJob", "validation_jobs", "ValidationJob", "crawl_job"),
    ("CrawlJob", "export_jobs", "ExportJob", "crawl_job"),
)
"""Parent model, its list, child model, its link."""

CHUNK_COLUMNS = (*_CHUNKS, "task_ids", "leases")
CHUNK_PROGRESS = "CASE WHEN total_chunks = 0 THEN 0 ELSE 100 * completed_chunks / total_chunks END"
