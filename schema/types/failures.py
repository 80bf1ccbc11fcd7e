"""A crawl job's failure ledger: the counts by reason and host, and the link to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import strawberry

from app.jobs.failures import COUNTED
from app.storage import sign_download
from schema.reading.declare import Computed, Derived, Given, document, documents, marked, plain
from schema.reading.keyset import DEFAULT_PAGE, MAX_PAGE, page_size


@strawberry.enum(description="What the file of a failure ledger is.")
class FailuresFormat(Enum):
    """The ledger's format."""

    CSV = strawberry.enum_value(
        "csv",
        description="A row an image; a cell that a spreadsheet would run as a formula has an apostrophe before it.",
    )
    JSONL = strawberry.enum_value("jsonl", description="A JSON object an image and line, every text as it is.")


@strawberry.type(description="Images that failed by an answer with this HTTP status.")
class FailureStatus:
    """An entry of a reason's statuses."""

    http_status: int = plain("The status.")
    count: int = plain("Images.")


@strawberry.type(description="Images of a crawl job that failed for one reason.")
class FailureReason:
    """An entry of a ledger's reasons."""

    code: str = plain("The reason, as in `ImageIssue.code`: what `retryCrawlJob` and `ImageFilter.issue` take.")
    message: str = plain("What it says, for people.")
    count: int = plain("Images.")
    retryable: int = plain("How many of them failed by what may be over later: a retry may go otherwise.")
    statuses: list[FailureStatus] = documents(
        "{d}->'statuses'", "Of `http_status`: the answers' statuses, most frequent first. Empty for other reasons."
    )


@strawberry.type(description="Images of one host that failed for one reason.")
class FailureHostReason:
    """An entry of a host's reasons."""

    code: str = plain("The reason.")
    count: int = plain("Images.")


@strawberry.type(description="Images of a crawl job that failed at one host.")
class FailureHost:
    """An entry of a ledger's hosts."""

    host: str | None = plain("The host that was asked last, lower case; null where the address names none.")
    count: int = plain("Images.")
    retryable: int = plain("How many of them failed by what may be over later.")
    by_reason: list[FailureHostReason] = documents("{d}->'by_reason'", "Why, most frequent first.")


@strawberry.type(description="Hosts that are counted and not listed.")
class FailureOtherHosts:
    """The rest of a ledger's hosts."""

    hosts: int = plain("How many there are.")
    count: int = plain("Images that failed at them.")


@strawberry.type(
    description="Why images of a crawl job failed: they could not be fetched, or were refused before they were stored. "
    "What validation refused (`INVALID`) and duplicates are not among them."
)
class Failures:
    """The counts of a job's failure ledger."""

    total: int = plain("Images that failed: those whose status is `FAILED`.")
    retryable: int = plain("How many of them failed by what may be over later: a retry may go otherwise.")
    by_reason: list[FailureReason] = documents("{d}->'by_reason'", "By reason, most frequent first: all of them.")
    by_host: list[FailureHost] = documents("{d}->'by_host'", "By host, most frequent first: the first so many.")
    other_hosts: FailureOtherHosts = document("{d}->'other_hosts'", "The hosts that `byHost` does not list.")


Reasons = Annotated[
    list[str] | None,
    strawberry.argument(description="Only rows that failed for one of these reasons: codes as in `ImageIssue.code`."),
]
Hosts = Annotated[
    list[str] | None,
    strawberry.argument(description="Only rows that failed at one of these hosts: 1 to 100, as in `FailureHost.host`."),
]
Retryable = Annotated[bool, strawberry.argument(description="Only rows that failed by what may be over later.")]
"""What `retryCrawlJob` takes to choose failed rows."""


def failures() -> Any:
    """The field: a job's failures, counted in one pass over its failed rows."""
    return marked(
        Computed(COUNTED, {"most": ("first", Given("int", page_size))}),
        "Why images failed, counted by reason and by host. Takes about a second for a million.",
        first=(int, f"How many hosts are listed: 1 to {MAX_PAGE}. The others are counted.", DEFAULT_PAGE),
    )


def failures_url() -> Any:
    """The field: a signed link to the ledger as a file."""
    return marked(
        Derived(_signed, ("{t}.id", "{form}"), {"form": ("format", Given("text", _chosen))}, nullable=False),
        "A signed, expiring link to all failures as a file, one an image, which is written while it is downloaded.",
        format=(FailuresFormat, "What the file is.", FailuresFormat.CSV),
    )


def _chosen(value: Any, _: Sequence[str]) -> Any:
    return value


def _signed(_context: Any, crawl_job_id: int, form: str) -> str:
    return sign_download(f"failures/{crawl_job_id}.{form}")
