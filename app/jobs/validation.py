"""A validation job's life: created, claimed, judged in batches of stored measures, ended.

`started_at` fences: whoever claims anew sets it, and what an earlier claim brings is not recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app import queue
from app.checks.near_duplicates import Comparison
from app.checks.rules import Judged, Rules, check_rules, judge
from app.database import Transaction, acquire, transaction
from app.errors import IllegalTransition
from app.jobs import activity, closing
from app.jobs.change import Kind, change, visible_row
from app.jobs.crawl import CRAWL_JOB_KIND
from app.jobs.images import COUNT_USABLE, by_hand
from app.jobs.limits import NAME_CHARS, check_text
from app.models.states import VALIDATION_JOB
from app.progress import publish_change
from app.values import Viewer

VALIDATION_JOB_KIND = Kind("validation_jobs", "ValidationJob", "validation job", VALIDATION_JOB)
BATCH_ROWS = 5_000
COMPARED = 50
"""Percent of the progress that comparing the images takes, where that is asked; judging them takes the rest."""
ENDED = ("paused", "completed", "failed", "cancelled")

INSERT = "insert into validation_jobs (crawl_job_id, name, validation_rules) values ($1, $2, $3::jsonb) returning id"
# Images whose verdict is a person's are not judged: it stands until it is given back.
_JUDGED = f"i.status in ('downloaded', 'valid', 'invalid') and not {by_hand('i')}"
CLAIM = f"""
update validation_jobs set status = 'running', started_at = clock_timestamp(), validated_images = 0,
    invalid_images = 0, progress = 0,
    total_images = (select count(*) from images i where i.crawl_job_id = validation_jobs.crawl_job_id and {_JUDGED})
where id = $1 and (status = 'pending'
    or status = 'running' and (started_at is null
        or updated_at < clock_timestamp() - make_interval(secs => $2::float8)))
returning crawl_job_id, validation_rules, started_at
"""  # noqa: S608 - text of ours
ROWS = f"""
select i.id, i.width, i.height, i.file_size, i.format, i.quality from images i
where i.crawl_job_id = $1 and i.id > $2 and {_JUDGED} order by i.id limit $3
"""  # noqa: S608 - text of ours
# Each row's new state and reasons; the numbers say how many usable rows the crawl job gained or lost.
JUDGE = f"""
with verdicts as (
    select * from unnest($2::bigint[], $3::text[], $4::text[]) as v(id, status, issues)
), before as (
    select i.id, i.status from images i join verdicts v on v.id = i.id
    where i.crawl_job_id = $1 and {_JUDGED} for no key update of i
), changed as (
    update images i set status = v.status, issues = v.issues::jsonb from verdicts v, before b
    where i.id = v.id and b.id = i.id returning i.status, b.status as was
)
select count(*) as judged, count(*) filter (where status = 'invalid') as invalid,
    count(*) filter (where status = 'valid' and was = 'invalid')
        - count(*) filter (where status = 'invalid' and was in ('downloaded', 'valid')) as gained
from changed
"""  # noqa: S608 - text of ours
COUNT = """
update validation_jobs set validated_images = validated_images + $3, invalid_images = invalid_images + $4,
    progress = least(99, $5 + (100 - $5) * (validated_images + $3) / greatest(total_images, 1))
where id = $1 and status = 'running' and started_at = $2 returning id
"""
COMPLETE = """
update validation_jobs set status = 'completed', progress = 100, completed_at = now(), total_images = validated_images
where id = $1 and status = 'running' and started_at = $2 returning id
"""
SHOW_LIFE = """
update validation_jobs set started_at = started_at where id = $1 and status = 'running' and started_at = $2 returning id
"""
# Told to end: whoever holds nothing is known by no start.
RELEASE = """
update validation_jobs set started_at = null where id = $1 and status = 'running' and started_at = $2
"""
FAIL = """
update validation_jobs set status = 'failed', completed_at = now(), error_message = $3
where id = $1 and status = 'running' and started_at = $2 returning id
"""
OWNER = """
select p.user_id from validation_jobs v join crawl_jobs j on j.id = v.crawl_job_id
join projects p on p.id = j.project_id where v.id = $1
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A validation job that is ours until somebody claims it anew."""

    validation_job_id: int
    crawl_job_id: int
    rules: Rules
    started_at: datetime


async def ended_crawl_job(tx: Transaction, viewer: Viewer, crawl_job_id: int) -> None:
    """NotFound or IllegalTransition unless the viewer sees the crawl job and it is neither pending nor running."""
    path = ["input", "crawlJobId"]
    row = await visible_row(tx, CRAWL_JOB_KIND, crawl_job_id, viewer, "status", lock="for share", path=path)
    if row["status"] not in ENDED:
        raise IllegalTransition(
            f"The crawl job is {row['status']}: wait for its end, or pause it.",
            path=path,
            actual=row["status"].upper(),
            allowed=[state.upper() for state in ENDED],
        )


async def create(viewer: Viewer, crawl_job_id: int, name: str | None, rules: dict[str, Any]) -> int:
    """A new validation job, under way as soon as a worker takes it; its id."""
    checked = check_rules(rules)
    name = check_text(name if name is not None else "Validation", ["input", "name"], NAME_CHARS)
    async with transaction() as tx:
        await ended_crawl_job(tx, viewer, crawl_job_id)
        document = orjson.dumps(checked.as_json()).decode()
        key = int(await tx.connection.fetchval(INSERT, crawl_job_id, name, document))
        await activity.write(tx, viewer.id, "validation_job.created", "ValidationJob", key, {"name": name})
        tx.after_commit(queue.hint, queue.Validate(key))
    return key


async def cancel(viewer: Viewer, key: int) -> int:
    """pending or running → cancelled; verdicts that were given stay."""
    async with transaction() as tx:
        await change(tx, VALIDATION_JOB_KIND, "cancel", key, viewer, also="completed_at = now()")
        await activity.write(tx, viewer.id, "validation_job.cancelled", "ValidationJob", key)
        tx.after_commit(publish_change, "ValidationJob", key)
    return key


async def claim(key: int, lease_s: float) -> Claim | None:
    """Take the job if it waits, or if its worker has shown no progress for `lease_s` seconds; it begins anew then."""
    async with transaction() as tx:
        row = await tx.connection.fetchrow(CLAIM, key, lease_s)
        if row is None:
            return None
        tx.after_commit(publish_change, "ValidationJob", key)
    rules = Rules.from_json(orjson.loads(row["validation_rules"]))
    return Claim(key, row["crawl_job_id"], rules, row["started_at"])


async def judge_after(claimed: Claim, last_id: int, compared: Comparison | None) -> int | None:
    """Judge the next batch after the row `last_id`; the batch's last id, or None when there is no more to do."""
    async with acquire() as connection:
        rows = await connection.fetch(ROWS, claimed.crawl_job_id, last_id, BATCH_ROWS)
    if not rows:
        await _complete(claimed)
        return None
    verdicts = [_verdict(row["id"], Judged.from_row(row), claimed.rules, compared) for row in rows]
    try:
        await _record(claimed, verdicts, COMPARED if compared else 0)
    except Fenced:
        return None
    return int(rows[-1]["id"])


def _verdict(key: int, measures: Judged, rules: Rules, compared: Comparison | None) -> tuple[int, str, str]:
    issues = judge(measures, rules)
    if compared and not issues and (issue := compared.issue_of(key)):
        issues = [issue]
    status = "invalid" if issues else "valid"
    return key, status, orjson.dumps([issue.as_json() for issue in issues]).decode()


async def _record(claimed: Claim, verdicts: Sequence[tuple[int, str, str]], begun: int) -> None:
    """Write the verdicts; Fenced where the job was cancelled or claimed anew, and then nothing is written.

    `begun` is the progress before the first, percent.
    """
    ids, states, issues = (list(column) for column in zip(*verdicts, strict=True))
    async with transaction() as tx:
        # The crawl job's row first, as whoever deletes it does: the other way round the two could wait for each other.
        if await closing.lock(tx, claimed.crawl_job_id) is None:
            raise Fenced
        row = await tx.connection.fetchrow(JUDGE, claimed.crawl_job_id, ids, states, issues)
        counted = await tx.connection.fetchval(
            COUNT, claimed.validation_job_id, claimed.started_at, row["judged"], row["invalid"], begun
        )
        if counted is None:
            raise Fenced
        await tx.connection.execute(COUNT_USABLE, claimed.crawl_job_id, row["gained"])
        tx.after_commit(publish_change, "ValidationJob", claimed.validation_job_id)


class Fenced(Exception):
    """The job was cancelled or claimed anew: the transaction must not stand."""


async def _complete(claimed: Claim) -> None:
    await _end(claimed, "completed", COMPLETE)


async def is_held(claimed: Claim) -> bool:
    """Show life; False where the job was cancelled, deleted or claimed anew."""
    async with acquire() as connection:
        return await connection.fetchval(SHOW_LIFE, claimed.validation_job_id, claimed.started_at) is not None


async def release(claimed: Claim) -> None:
    """Give a running job back: it begins anew with whoever claims it next, at once."""
    async with acquire() as connection:
        await connection.execute(RELEASE, claimed.validation_job_id, claimed.started_at)


async def fail(claimed: Claim, message: str) -> None:
    """running → failed, with the reason; verdicts that were given stay."""
    await _end(claimed, "failed", FAIL, message)


async def _end(claimed: Claim, state: str, statement: str, *more: str) -> None:
    async with transaction() as tx:
        ended = await tx.connection.fetchval(statement, claimed.validation_job_id, claimed.started_at, *more)
        if ended is None:
            return
        owner = await tx.connection.fetchval(OWNER, claimed.validation_job_id)
        await activity.write(tx, owner, f"validation_job.{state}", "ValidationJob", claimed.validation_job_id)
        tx.after_commit(publish_change, "ValidationJob", claimed.validation_job_id)
        tx.after_commit(publish_change, "CrawlJob", claimed.crawl_job_id)
