"""Who sees what: one rule per table, as structure.

The reads make SQL of it at every level (`schema/reading/`), the writes use `predicate()`; nobody writes another.
A profile sees itself and what hangs below it; whoever sees a crawl job sees all below it; an administrator sees all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.values import Viewer


@dataclass(frozen=True, slots=True)
class Owner:
    """Seen by the viewer whose id stands in `column`."""

    column: str


@dataclass(frozen=True, slots=True)
class Through:
    """Seen by whoever sees the row of `table` that `column` points at."""

    column: str
    table: str


Visible = Owner | Through

VISIBLE: Mapping[str, Visible] = {
    "profiles": Owner("id"),
    "projects": Owner("user_id"),
    "crawl_jobs": Through("project_id", "projects"),
    "images": Through("crawl_job_id", "crawl_jobs"),
    "validation_jobs": Through("crawl_job_id", "crawl_jobs"),
    "export_jobs": Through("crawl_job_id", "crawl_jobs"),
    "activity_logs": Owner("user_id"),
}


def predicate(table: str, alias: str, viewer: str) -> str:
    """SQL that is true for the rows of `table` (named `alias`) that a viewer sees who does not see everything.

    `viewer` is the placeholder of the viewer's id, with its cast, e.g. `$2::uuid`.
    """
    rule = VISIBLE[table]
    if isinstance(rule, Owner):
        return f"{alias}.{rule.column} = {viewer}"
    above = f"{alias}_{rule.table}"
    inner = predicate(rule.table, above, viewer)
    return f"exists (select 1 from {rule.table} {above} where {above}.id = {alias}.{rule.column} and {inner})"  # noqa: S608 - names of ours


def seen_by(table: str, alias: str, viewer: Viewer, placeholder: str) -> str:
    """`predicate()`, or `true` for a viewer who sees everything; the placeholder stays bound either way."""
    if viewer.everything:
        return f"{placeholder} is not null"
    return predicate(table, alias, placeholder)
