"""What a person does to many images of a crawl job at once: judge by hand, label anew, delete.

A verdict by hand stands: its image has one issue, `by_hand`, and no validation looks at it until the verdict is given
back. One request changes at most `AT_ONCE` images in one transaction; the next one goes on with those that are left,
since what is as it should be already is passed over.

Locks are taken in the order of everyone who records: the project, the job's row, then images by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from app import queue
from app.database import Transaction, transaction
from app.errors import IllegalTransition, Invalid, NotFound
from app.jobs import activity, closing
from app.jobs.change import visible_row
from app.jobs.crawl import CRAWL_JOB_KIND, open_project_of
from app.jobs.image_filter import where
from app.jobs.limits import KEYWORD_CHARS, check_count, check_text
from app.models.states import DECIDED, STORED
from app.progress import publish_change
from app.values import Issue, RefusalCode, Viewer

IDS = 100
"""Images that one request names."""
AT_ONCE = 5_000
"""Images that one request changes: about a second of the database's, and as long workers of the job wait."""
REASON_CHARS = 200


def by_hand(t: str) -> str:
    """SQL: whether the verdict on the image's row `t` is a person's."""
    return f"""{t}.issues @> '[{{"code": "{RefusalCode.BY_HAND}"}}]'"""


NAMED = "select id, status from images where crawl_job_id = $1 and id = any($2::bigint[])"
CHOSEN = "select t.id from images t where t.crawl_job_id = $1 and t.status = any($2::text[])"
# $3: whether a verdict is given; $4 and $5: state and issues. $6: whether there is a keyword, $7: which one.
DIFFERS = (
    "($3::bool and (t.status <> $4::text or t.issues <> $5::jsonb)"
    f" and ($4::text <> 'downloaded' or {by_hand('t')})"
    " or $6::bool and t.keyword is distinct from $7::text)"
)
CHANGE = f"""
with before as (
    select t.id, t.status, t.issues, $3::bool and ($4::text <> 'downloaded' or {by_hand("t")}) as judged
    from images t where t.crawl_job_id = $1 and t.id = any($2::bigint[])
), changed as (
    update images i set status = case when b.judged then $4::text else i.status end,
        issues = case when b.judged then $5::jsonb else i.issues end,
        keyword = case when $6::bool then $7::text else i.keyword end
    from before b where i.id = b.id returning i.status, b.status as was
)
select count(*) filter (where status in ('downloaded', 'valid'))
    - count(*) filter (where was in ('downloaded', 'valid')) as gained from changed
"""  # noqa: S608 - text of ours
COUNT_USABLE = "update crawl_jobs set valid_images = valid_images + $2 where id = $1"
SAME_BYTES = """
select d.id from images d where d.crawl_job_id = $1 and d.status = 'duplicate' and d.sha256 = any(array(
    select s.sha256 from images s where s.id = any($2::bigint[]) and s.status in ('downloaded', 'valid', 'invalid')))
order by d.id limit $3
"""
LOCK = "select id from images where id = any($1::bigint[]) order by id for update"
DELETE = """
with gone as (
    delete from images where crawl_job_id = $1 and id = any($2::bigint[]) returning status, "fetch"->>'difference' as d
)
select count(*) as images, count(*) filter (where status in ('downloaded', 'valid', 'invalid')) as stored,
    count(*) filter (where status in ('downloaded', 'valid')) as usable,
    count(*) filter (where d in ('unchanged', 'changed', 'gone')) as compared
from gone
"""
# What a re-crawl's former job had stored counts as missing unless it is compared: what is deleted was.
COUNT_DELETED = """
update crawl_jobs set total_images = total_images - $2::int, downloaded_images = downloaded_images - $3::int,
    valid_images = valid_images - $4::int,
    options = options || jsonb_build_object('final', (options->>'final')::bigint - $2::int)
        || case when options ? 'recrawl_stored' then jsonb_build_object('recrawl_stored',
            greatest(0, (options->>'recrawl_stored')::bigint - $5::int)) else '{}' end
where id = $1
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which images of a job: these, by their keys, or those that a filter of `app/jobs/image_filter.py` keeps.

    A key is None where what was given can name no image.
    """

    ids: Sequence[int | None] | None = None
    chosen: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What images become. `status` is valid, invalid, or downloaded to give a verdict back; None leaves it."""

    status: str | None = None
    reason: str | None = None
    keyword: str | None = None
    relabels: bool = False

    def checked(self) -> Wanted:
        """The same with texts checked; Invalid where nothing is wanted, or a text is too long or not storable."""
        reason, word = self.reason, self.keyword
        if self.status is None and not self.relabels:
            raise Invalid("There is nothing to change: give a verdict, a keyword or both.", path=["input"])
        if reason is not None and self.status not in DECIDED:
            raise Invalid("A reason goes with a verdict.", path=["input", "reason"])
        if reason is not None:
            reason = check_text(reason, ["input", "reason"], REASON_CHARS)
        if word is not None:
            word = check_text(word, ["input", "keyword"], KEYWORD_CHARS)
        return Wanted(self.status, reason, word, self.relabels)

    def issues(self) -> str:
        """The issues of an image with this verdict, as JSON."""
        if self.status not in DECIDED:
            return "[]"
        said = "Kept by hand" if self.status == "valid" else "Refused by hand"
        issue = Issue(RefusalCode.BY_HAND, f"{said}: {self.reason}" if self.reason else f"{said}.")
        return orjson.dumps([issue.as_json()]).decode()

    def bound(self) -> tuple[bool, str | None, str, bool, str | None]:
        """$3 to $7 of the statements."""
        return self.status is not None, self.status, self.issues(), self.relabels, self.keyword

    def told(self) -> dict[str, Any]:
        """As the activity line tells it."""
        told = {"status": self.status and self.status.upper(), "reason": self.reason}
        return {name: value for name, value in told.items() if value} | (
            {"keyword": self.keyword} if self.relabels else {}
        )


@dataclass(frozen=True, slots=True)
class Done:
    """How many images were changed, and whether there are more to change: then the same is asked again."""

    crawl_job_id: int
    images: int
    more: bool


async def update(viewer: Viewer, key: int, choice: Choice, wanted: Wanted) -> Done:
    """Judge or label images of the job `key`, of an active project; raises the `AppError` that says what was wrong."""
    wanted = wanted.checked()
    states = STORED if wanted.status else ("pending", "duplicate", "failed", *STORED)
    async with transaction() as tx:
        await open_project_of(tx, viewer, key, ("input", "crawlJobId"))
        ids = await _named(tx, key, choice, states) if choice.ids is not None else None
        ids, more = await _matching(tx, key, states, ids, choice.chosen, f" and {DIFFERS}", wanted.bound())
        if not ids:
            return Done(key, 0, False)
        gained = await tx.connection.fetchval(CHANGE, key, ids, *wanted.bound())
        await tx.connection.execute(COUNT_USABLE, key, gained)
        await _told(tx, viewer, key, "images.updated", wanted.told() | {"images": len(ids)})
    return Done(key, len(ids), more)


async def delete(viewer: Viewer, key: int, choice: Choice) -> Done:
    """Delete images of the job `key` and, with each, the rows of the same bytes; the bytes are the collector's.

    Rows that wait to be fetched are the workers', and stay.
    """
    final = ("duplicate", "failed", *STORED)
    async with transaction() as tx:
        path = ("input", "crawlJobId")
        await visible_row(tx, CRAWL_JOB_KIND, key, viewer, "id", lock="for update", path=path)
        ids = await _named(tx, key, choice, final) if choice.ids is not None else None
        ids, more = await _matching(tx, key, final, ids, choice.chosen)
        same = [row["id"] for row in await tx.connection.fetch(SAME_BYTES, key, ids, AT_ONCE + 1)]
        if len(same) > AT_ONCE:
            # The duplicates first: without the image whose bytes they have nothing would find them.
            ids, same, more = [], same[:AT_ONCE], True
        doomed = sorted({*ids, *same})
        if not doomed:
            return Done(key, 0, False)
        await tx.connection.fetch(LOCK, doomed)
        gone = await tx.connection.fetchrow(DELETE, key, doomed)
        await tx.connection.execute(
            COUNT_DELETED, key, gone["images"], gone["stored"], gone["usable"], gone["compared"]
        )
        await _told(tx, viewer, key, "images.deleted", {"images": gone["images"]})
    return Done(key, gone["images"], more)


async def _named(tx: Transaction, key: int, choice: Choice, states: Sequence[str]) -> list[int]:
    """The images that are named; NotFound or IllegalTransition, which names the first that is wrong."""
    path = ["input", "images", "ids"]
    check_count(choice.ids or (), path, 1, IDS)
    ids = [one for one in choice.ids or () if one is not None]
    rows: list[asyncpg.Record] = await tx.connection.fetch(NAMED, key, ids)
    found = {row["id"]: row["status"] for row in rows}
    for place, one in enumerate(choice.ids or ()):
        status = found.get(one)
        if status is None:
            raise NotFound("No such image in this crawl job.", path=[*path, str(place)])
        if status not in states:
            raise IllegalTransition(
                f"This image is {status}: that can be done when it is {' or '.join(states)}.",
                path=[*path, str(place)],
                actual=status.upper(),
                allowed=[state.upper() for state in states],
            )
    return ids


async def _matching(
    tx: Transaction,
    key: int,
    states: Sequence[str],
    ids: Sequence[int] | None,
    chosen: Mapping[str, Any] | None,
    differs: str = "",
    bound: Sequence[Any] = (),
) -> tuple[list[int], bool]:
    """The first `AT_ONCE` images by id that are to be changed, and whether there are more."""
    values: list[Any] = [key, list(states), *bound]
    text = CHOSEN + differs
    if ids is not None:
        values.append(list(ids))
        text += f" and t.id = any(${len(values)}::bigint[])"
    more, given = where(chosen or {}, "t", len(values))
    rows = await tx.connection.fetch(f"{text}{more} order by t.id limit {AT_ONCE + 1}", *values, *given)
    return [row["id"] for row in rows[:AT_ONCE]], len(rows) > AT_ONCE


async def _told(tx: Transaction, viewer: Viewer, key: int, action: str, about: dict[str, Any]) -> None:
    """The activity line; the job goes on or ends by its new counts, and its subscribers hear of them."""
    await activity.write(tx, viewer.id, action, CRAWL_JOB_KIND.type_name, key, about)
    await closing.close_if_over(tx, key)
    tx.after_commit(queue.hint, queue.Discover(key))
    tx.after_commit(publish_change, CRAWL_JOB_KIND.type_name, key)
