"""Another try for an ended crawl job: all that failed, or the failed images that are chosen by reason and host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from app import queue
from app.database import Transaction, transaction
from app.errors import AppError, IllegalTransition, Invalid
from app.jobs import activity, reviving
from app.jobs.change import explain
from app.jobs.crawl import CRAWL_JOB_KIND, open_project_of
from app.jobs.documents import to_jsonb
from app.jobs.failures import SAYS
from app.jobs.limits import check_count, check_text
from app.jobs.reviving import Part, Reviving
from app.models.states import CRAWL_JOB
from app.progress import publish_change
from app.values import Viewer

HOSTS = 100
HOST_CHARS = 253
"""Characters of a name in the DNS."""

PENDING_CHUNKS = "select count(distinct chunk) from images where crawl_job_id = $1 and status = 'pending'"
RETRY = """
update crawl_jobs set status = 'running', completed_at = null, error_message = null, progress = least(progress, 99),
    leases = '{}', active_chunks = 0, task_ids = '[]', failed_chunks = 0,
    completed_chunks = total_chunks - $2, options = (options - 'reviving') || $3::jsonb
where id = $1
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which failed images are tried again: what is given is ANDed, the values of a list are ORed; None is not asked.

    `retryable`: only those that failed by what may be over later.
    """

    reasons: tuple[str, ...] | None = None
    hosts: tuple[str, ...] | None = None
    retryable: bool = False

    @property
    def path(self) -> list[str]:
        """The argument that chooses, the first of several; empty where none does."""
        given = {"reasons": self.reasons is not None, "hosts": self.hosts is not None, "retryable": self.retryable}
        return [name for name, is_given in given.items() if is_given][:1]

    def checked(self) -> Choice:
        """The choice with hosts as they are recorded; Invalid for an unknown reason, and for too few or too many."""
        for place, code in enumerate(self.reasons or ()):
            if code not in SAYS:
                known = ", ".join(SAYS)
                raise Invalid(
                    f"No image fails for {code[:50]!r}: reasons are {known}.", path=["reasons", str(place)], limit=known
                )
        if self.reasons is not None:
            check_count(self.reasons, ["reasons"], 1, len(SAYS))
        if self.hosts is None:
            return self
        check_count(self.hosts, ["hosts"], 1, HOSTS)
        hosts = (check_text(one, ["hosts", str(place)], HOST_CHARS) for place, one in enumerate(self.hosts))
        return Choice(self.reasons, tuple(host.lower() for host in hosts), self.retryable)

    def told(self) -> dict[str, Any]:
        """The choice as the activity line tells it."""
        told = {"reasons": self.reasons, "hosts": self.hosts, "retryable": self.retryable}
        return {name: value for name, value in told.items() if value}


ALL = Choice()


async def retry(viewer: Viewer, key: int, choice: Choice = ALL) -> int:
    """failed, cancelled or completed → running: failed and pending rows, and failed sources, get another try.

    Of a choice only the rows that it names, beside those that are pending already; failed sources are left then.
    """
    choice = choice.checked()
    async with transaction() as tx:
        row = await open_project_of(tx, viewer, key)
        allowed, _ = CRAWL_JOB["retry"]
        if row["status"] not in allowed:
            await explain(tx, CRAWL_JOB_KIND, "retry", key, viewer, allowed)
        if row["valid_images"] >= row["max_images"]:
            raise _reached(row)
        upto = await reviving.last_failed(tx, key)
        todo = Reviving(upto, reasons=choice.reasons, hosts=choice.hosts, retryable=choice.retryable)
        part = await reviving.revive(tx, key, todo)
        if choice.path and not part.rows:
            raise Invalid("No failed image of this job is such: nothing was tried again.", path=choice.path)
        await _run_again(tx, key, row, part, asking_sources=not choice.path)
        await activity.write(tx, viewer.id, "crawl_job.retried", "CrawlJob", key, choice.told())
        tx.after_commit(publish_change, "CrawlJob", key)
        tx.after_commit(queue.hint, queue.Discover(key))
    return key


async def _run_again(tx: Transaction, key: int, row: asyncpg.Record, part: Part, *, asking_sources: bool) -> None:
    """Set the job running with rows that are not final any more; IllegalTransition where nothing is to be done."""
    chunks = await tx.connection.fetchval(PENDING_CHUNKS, key)
    options = orjson.loads(row["options"])
    discovery = [_asked_again(entry) if asking_sources else entry for entry in options["discovery"]]
    seeking = any(entry["state"] in ("pending", "running") for entry in discovery)
    if not chunks and not seeking:
        raise IllegalTransition(
            "There is nothing to retry: no row is failed or pending, and every source has run dry.",
            path=["id"],
            actual=row["status"].upper(),
            allowed=[state.upper() for state in CRAWL_JOB["retry"][0]],
        )
    changed: dict[str, Any] = {"discovery": discovery, "seeking": seeking, "seeker": None, "held": False}
    changed |= {"final": options["final"] - part.rows} | (part.left.as_options() if part.left else {})
    await tx.connection.execute(RETRY, key, chunks, to_jsonb(changed))


def _reached(row: asyncpg.Record) -> AppError:
    """A job that has its images would end at once, its failures forgotten."""
    return IllegalTransition(
        f"This crawl job has all the images that it was to find: raise maxImages above {row['max_images']:,} first.",
        path=["id"],
        limit=str(row["max_images"]),
        actual=str(row["valid_images"]),
    )


def _asked_again(entry: dict[str, Any]) -> dict[str, Any]:
    """The source as it stands when what failed of it, as a whole or for single terms, is pending again."""
    pending = {"state": "pending", "message": None}
    queries = [one | pending if one["state"] == "failed" else one for one in entry.get("queries", ())]
    failed = entry["state"] == "failed" or queries != entry.get("queries", [])
    return entry | pending | {"queries": queries} if failed else entry
