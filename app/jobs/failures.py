"""The failure ledger of a crawl job: which of its images failed and why, counted, and row by row.

An image has failed where its row is `failed`: it could not be fetched, or was refused before it was stored. What
validation refuses is `invalid`, and equal bytes are a `duplicate`: both are stored, and neither is in the ledger.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import asyncpg
import orjson

from app.database import acquire
from app.exports.ledger import LedgerLine
from app.values import RefusalCode

PAGE_ROWS = 1_000
"""Rows of the ledger that are read at a time: a few hundred kilobytes, whatever the job's size."""

SAYS: Mapping[RefusalCode, str] = {
    RefusalCode.BLOCKED_ADDRESS: "The address is not public.",
    RefusalCode.BAD_URL: "It is no address that may be fetched.",
    RefusalCode.DNS_FAILURE: "The host's name has no address.",
    RefusalCode.CONNECT_FAILED: "The host takes no connection.",
    RefusalCode.TLS_FAILED: "The host's certificate or TLS does not hold.",
    RefusalCode.TIMEOUT: "The image did not arrive in time.",
    RefusalCode.TOO_MANY_REDIRECTS: "It was redirected more often than allowed.",
    RefusalCode.HTTP_STATUS: "The host answered with an error.",
    RefusalCode.ROBOTS: "The host's robots.txt says no, or cannot be had.",
    RefusalCode.OPT_OUT: "The host reserves the image against this use.",
    RefusalCode.TOO_LARGE: "The file has more bytes than allowed.",
    RefusalCode.EMPTY: "The answer has no bytes.",
    RefusalCode.TRUNCATED: "The file ends too early.",
    RefusalCode.NOT_AN_IMAGE: "The content is something else than an image.",
    RefusalCode.UNSUPPORTED_FORMAT: "The image is of no format that is taken.",
    RefusalCode.CORRUPT: "The image cannot be decoded.",
    RefusalCode.TOO_MANY_PIXELS: "The image has more pixels than allowed.",
}
"""The reasons for which an image fails, and what each says of all that have it."""

_WORDS = orjson.dumps({str(code): text for code, text in SAYS.items()}).decode().replace("'", "''")

# Every image has failed for one reason, its first issue; its host is the last one whose turn it was, '' for none.
_GROUPS = """
select coalesce(i$.issues->0->>'code', '') as code, coalesce(i$.fetch->>'host', '') as host,
    case i$.issues->0->>'code' when 'http_status' then (i$.fetch->>'http_status')::int end as status,
    count(*) as n, count(*) filter (where (i$.fetch->>'passing')::bool) as again
from images i$ where i$.crawl_job_id = {t}.id and i$.status = 'failed' group by 1, 2, 3
"""
_REASONS = f"""
select jsonb_agg(jsonb_build_object('code', code, 'count', n, 'retryable', again,
    'message', '{_WORDS}'::jsonb->>code,
    'statuses', (select jsonb_agg(jsonb_build_object('http_status', status, 'count', n) order by n desc, status)
        from (select s$.status, sum(s$.n) as n from g$ s$ where s$.code = r$.code and s$.status > 0 group by 1) q$)
) order by n desc, code)
from (select code, sum(n) as n, sum(again) as again from g$ group by 1) r$
"""  # noqa: S608 - text of ours
_HOSTS = """
select jsonb_agg(jsonb_build_object('host', nullif(host, ''), 'count', n, 'retryable', again, 'by_reason', reasons)
    order by place)
from (select h$.*, jsonb_agg(jsonb_build_object('code', c$.code, 'count', c$.n) order by c$.n desc, c$.code) as reasons
    from h$ join (select host, code, sum(n) as n from g$ group by 1, 2) c$ using (host)
    where place <= {most} group by h$.host, h$.n, h$.again, h$.place) q$
"""
COUNTED = f"""(
with g$ as materialized ({_GROUPS}), h$ as materialized (
    select host, sum(n) as n, sum(again) as again, row_number() over (order by sum(n) desc, host) as place
    from g$ group by host)
select jsonb_build_object('total', coalesce(sum(n), 0), 'retryable', coalesce(sum(again), 0),
    'by_reason', ({_REASONS}), 'by_host', ({_HOSTS}), 'other_hosts', jsonb_build_object(
        'hosts', count(*) filter (where place > {{most}}),
        'count', coalesce(sum(n) filter (where place > {{most}}), 0)))
from h$)"""  # noqa: S608 - text of ours
"""SQL: a job's failures as one JSON object; `{t}` is the job's row, `{most}` how many hosts are listed."""

LEDGER = """
select id, original_url, keyword, provenance->>'source' as source, issues->0 as issue, "fetch", updated_at from images
where crawl_job_id = $1 and status = 'failed' and id > $2 order by id limit $3
"""
THERE = "select exists (select 1 from crawl_jobs where id = $1)"


async def is_there(crawl_job_id: int) -> bool:
    """Whether there is such a job."""
    async with acquire() as connection:
        return bool(await connection.fetchval(THERE, crawl_job_id))


async def ledger(crawl_job_id: int) -> AsyncIterator[list[LedgerLine]]:
    """The job's failed images by id, page by page; no connection is held between two pages.

    Rows that are retried meanwhile are missing from later pages.
    """
    beyond = 0
    while True:
        async with acquire() as connection:
            rows = await connection.fetch(LEDGER, crawl_job_id, beyond, PAGE_ROWS)
        if not rows:
            return
        beyond = rows[-1]["id"]
        yield [_line(row) for row in rows]


def _line(row: asyncpg.Record) -> LedgerLine:
    issue = orjson.loads(row["issue"] or "{}")
    fetch = orjson.loads(row["fetch"])
    return LedgerLine(
        url=row["original_url"],
        host=fetch.get("host"),
        keyword=row["keyword"],
        source=row["source"],
        reason=issue.get("code"),
        message=issue.get("message"),
        measured=issue.get("measured"),
        allowed=issue.get("limit"),
        attempts=fetch.get("attempts", 0),
        http_status=fetch.get("http_status"),
        final_url=fetch.get("final_url"),
        retryable=bool(fetch.get("passing")),
        at=row["updated_at"],
    )
