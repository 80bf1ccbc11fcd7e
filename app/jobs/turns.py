"""Whose turn it is: of all that is due, what a worker takes next.

Users share workers, not jobs: who has least under way comes first, and of one user's jobs that which has least. Between
equals the order is drawn anew at each question, so that nobody waits behind the same ones for ever. Each question is
one statement over the rows; who is quickest to claim the answer has it. Of a job's first chunks a worker takes the one
whose hosts it knows, see `ring`; once it has its part of the rows that are left, it leaves the rest to the others, so
that all come to the job's end together.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from app.database import acquire
from app.jobs.ring import Seat
from app.queue import Discover, Export, Validate

LOOK_AHEAD = 32
"""Among so many of a job's chunks, the first ones that are due, a worker finds those of hosts that it knows."""
ENOUGH_ROWS = 100
"""With fewer rows in hand a worker may soon be idle: then it takes a chunk, whatever is left for the others."""
# `$1` is chance; `$2`: only users with nothing under way; `$3`: chunks to choose from, each with the URL of one of its
# rows. `$4`, `$5`: jobs of which the worker has rows in hand, and how many; `$6`: among how many workers rows are
# shared; `$7`: ENOUGH_ROWS. The first pending chunks without a lease are found by hops over the partial index: the
# number of chunks costs, not their rows.
CHUNK = """
with loads as (
    select p.user_id, sum(j.active_chunks) as load from crawl_jobs j join projects p on p.id = j.project_id
    where j.status in ('running', 'paused') and j.active_chunks > 0 group by p.user_id
), line as (
    select j.id, j.leases, j.active_chunks, coalesce(l.load, 0) as load,
        md5(p.user_id::text || $1) as of_user, md5(j.id::text || $1) as of_job,
        coalesce(hand.rows * $6::int >= greatest($7 * $6::int, j.total_images - (j.options->>'final')::bigint), false)
            as of_others
    from crawl_jobs j join projects p on p.id = j.project_id left join loads l on l.user_id = p.user_id
        left join unnest($4::bigint[], $5::int[]) as hand(job, rows) on hand.job = j.id
    where j.status = 'running' and (j.options->>'final')::bigint < j.total_images and (l.load is null or not $2)
    order by of_others, load, of_user, j.active_chunks, of_job
)
select line.id, line.of_others, c.chunks, c.urls from line cross join lateral (
    with recursive hop as (
        (select chunk from images where crawl_job_id = line.id and status = 'pending' order by chunk limit 1)
        union all
        select (select i.chunk from images i where i.crawl_job_id = line.id and i.status = 'pending'
            and i.chunk > hop.chunk order by i.chunk limit 1)
        from hop where hop.chunk is not null
    )
    select array_agg(due.chunk) as chunks, array_agg(due.url) as urls from (
        select hop.chunk, i.original_url as url from hop cross join lateral (
            select original_url from images
            where crawl_job_id = line.id and chunk = hop.chunk and status = 'pending' limit 1
        ) i
        where not line.leases ? hop.chunk::text limit $3
    ) due
) c
where c.chunks is not null
order by line.of_others, line.load, line.of_user, line.active_chunks, line.of_job limit 1
"""
DISCOVERY = """
with seekers as (
    select p.user_id, count(*) as load from crawl_jobs j join projects p on p.id = j.project_id
    where j.status = 'running'
        and (j.options->'seeker'->>'until')::float8 >= extract(epoch from clock_timestamp()) group by p.user_id
)
select j.id from crawl_jobs j join projects p on p.id = j.project_id left join seekers s on s.user_id = p.user_id
where (j.status = 'pending' and not (j.options->>'held')::bool
    or j.status = 'running' and (j.options->>'seeking')::bool
        and j.max_images - j.valid_images - (j.total_images - (j.options->>'final')::bigint) > 0)
    and coalesce((j.options->'seeker'->>'until')::float8, 0) < extract(epoch from clock_timestamp())
    and (s.load is null or not $2)
order by coalesce(s.load, 0), md5(p.user_id::text || $1), md5(j.id::text || $1) limit 1
"""
# Validations count for the owner of the crawl job, exports for whoever asked. `$3`: seconds after which a silent one is
# lost.
DATASET = """
with tasks as (
    select 'validation' as kind, v.id, p.user_id, v.status = 'running' and v.started_at is not null
        and v.updated_at >= clock_timestamp() - make_interval(secs => $3::float8) as active
    from validation_jobs v join crawl_jobs j on j.id = v.crawl_job_id join projects p on p.id = j.project_id
    where v.status in ('pending', 'running')
    union all
    select 'export', e.id, e.user_id, e.status = 'running' and e.started_at is not null
        and e.updated_at >= clock_timestamp() - make_interval(secs => $3::float8)
    from export_jobs e where e.status in ('pending', 'running')
), loads as (
    select user_id, count(*) as load from tasks where active group by user_id
)
select t.kind, t.id from tasks t left join loads l on l.user_id = t.user_id
where not t.active and (l.load is null or not $2)
order by coalesce(l.load, 0), md5(t.user_id::text || $1), t.kind desc, t.id limit 1
"""


@dataclass(frozen=True, slots=True)
class DueChunk:
    """A chunk without a lease, of which rows are pending."""

    crawl_job_id: int
    chunk: int
    of_others: bool
    """Whether the worker that asked has its part of the job's rows already."""


async def next_chunk(seat: Seat, in_hand: Mapping[int, int], *, newcomers: bool) -> DueChunk | None:
    """The chunk whose turn it is; with `newcomers` only one of a user who has none under way.

    Which job it is of, users and jobs decide; which of that job's, the `seat` of the worker that asks. `in_hand`: the
    rows, by job, that this worker is fetching. A chunk that is others' to take comes after all that are not.
    """
    look_ahead, mine = (LOOK_AHEAD, in_hand) if seat.of > 1 else (1, {})
    asked = secrets.token_hex(4), newcomers, look_ahead, list(mine), list(mine.values()), seat.of, ENOUGH_ROWS
    async with acquire() as connection:
        row = await connection.fetchrow(CHUNK, *asked)
    if row is None:
        return None
    return DueChunk(row["id"], seat.nearest(zip(row["chunks"], row["urls"], strict=True)), row["of_others"])


async def next_discovery(*, newcomers: bool) -> Discover | None:
    """The crawl job whose turn it is to seek candidates; with `newcomers` only of a user for whom nobody seeks."""
    async with acquire() as connection:
        row = await connection.fetchrow(DISCOVERY, secrets.token_hex(4), newcomers)
    return Discover(row["id"]) if row else None


async def next_dataset(lease_s: float, *, newcomers: bool) -> Validate | Export | None:
    """The validation or export whose turn it is; with `newcomers` only of a user for whom none is under way.

    A running one that has shown no life for `lease_s` seconds is due again.
    """
    async with acquire() as connection:
        row = await connection.fetchrow(DATASET, secrets.token_hex(4), newcomers, lease_s)
    if row is None:
        return None
    return Export(row["id"]) if row["kind"] == "export" else Validate(row["id"])
