"""What statistics cost: a job of so many images, in a project with a few small jobs.

    python -m tests.bench.statistics [IMAGES]

On a database of its own, on the server that DATABASE_URL names or on the embedded default. Prints PostgreSQL's CPU and
the time of each selection, the least of three runs, beside `totalCount` and a bare pass that adds up file sizes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg

from app.database import acquire, connected
from app.embedded import start, stop
from tests.bench.crawl import say
from tests.bench.scratch import BACKENDS, OWNER, drop, fill, spent_s

IMAGES = 1_000_000
RUNS = 3
GROUPS = "{ groups { key count bytes } others { groups count bytes } }"
BUCKETS = "{ buckets { atLeast below count bytes } unknown }"
WHOLE = f"""count bytes byStatus {{ status count bytes }} byKeyword {GROUPS} bySource {GROUPS} byHost {GROUPS}
  byLicense {GROUPS} byFormat {GROUPS} byIssue {GROUPS} byWidth {BUCKETS} byHeight {BUCKETS} byFileSize {BUCKETS}"""
ISSUE = f"""count bytes byStatus {{ status count }} byKeyword {GROUPS} byLicense {GROUPS} byFormat {GROUPS}
  byIssue {GROUPS} byFileSize {BUCKETS}"""
JOB = '{ crawlJob(id: "CrawlJob:1") { %s } }'
SELECTIONS = {
    "images { totalCount }": JOB % "images { totalCount }",
    "count": JOB % "imageStatistics { count }",
    "count bytes": JOB % "imageStatistics { count bytes }",
    "byStatus": JOB % "imageStatistics { byStatus { status count } }",
    "byLicense": JOB % f"imageStatistics {{ byLicense {GROUPS} }}",
    "byIssue": JOB % f"imageStatistics {{ byIssue {GROUPS} }}",
    "six groups, count, bytes": JOB % f"imageStatistics {{ {ISSUE} }}",
    "everything": JOB % f"imageStatistics {{ {WHOLE} }}",
    "everything, of the tenth that failed": JOB % f"imageStatistics(filter: {{status: [FAILED]}}) {{ {WHOLE} }}",
    "everything, of the project": f'{{ project(id: "Project:1") {{ imageStatistics {{ {WHOLE} }} }} }}',
    "everything, of a job of 1,000": f'{{ crawlJob(id: "CrawlJob:2") {{ imageStatistics {{ {WHOLE} }} }} }}',
    "viewer: projects, jobs, exports": """{ viewer { projectStatistics { count byStatus { status count } }
      crawlJobStatistics { count totalImages downloadedImages byStatus { status count } }
      exportJobStatistics { count bytes byStatus { status count } } } }""",
}
PICK = "(array[%s])[1 + n %% %d]"
STATES = "'downloaded','valid','valid','valid','invalid','downloaded','downloaded','valid','failed','duplicate'"
WORN = '[{"code": "width", "message": "Too narrow."}, {"code": "height", "message": "Too low."}]'
FILL = (
    f"insert into profiles (id, email) values ('{OWNER.id}', '1@x.org')",
    f"insert into projects (name, user_id) values ('project', '{OWNER.id}')",
    "insert into crawl_jobs (project_id, name, keywords) select 1, 'job ' || n, '[]' from generate_series(0, 20) n",
    f"""insert into images (crawl_job_id, original_url, filename, storage_url, width, height, file_size, format, status,
        chunk, keyword, sha256, issues, provenance, quality, "fetch")
    select case when n < $images then 1 else 2 + n % 20 end,
        'https://img' || n % 5000 || '.x.org/photos/' || n || '.jpg',
        md5(n::text) || md5(n::text) || '.jpg', case when n % 10 < 8 then 'blobs/' || md5(n::text) end,
        case when n % 10 < 8 then (40 + random() ^ 2 * 5000)::int end,
        case when n % 10 < 8 then (40 + random() ^ 2 * 4000)::int end,
        case when n % 10 < 8 then (1000 + exp(random() * 16))::int end,
        case when n % 10 < 8 then {PICK % ("'jpeg','jpeg','png','webp'", 4)} end, {PICK % (STATES, 10)},
        n / 500, 'keyword ' || (random() * random() * 200)::int, case when n % 10 < 8 then sha256(n::text::bytea) end,
        case n % 10 when 4 then '{WORN}' when 8 then jsonb_build_array(jsonb_build_object('code',
            {PICK % ("'http_status','timeout','robots'", 3)}, 'message', 'The host answered with an error.'))
            else '[]' end,
        jsonb_build_object('source', {PICK % ("'openverse','commons','url_list'", 3)}, 'license',
            {PICK % ("'by 2.0','by-sa 4.0','cc0 1.0','by-nc 2.0'", 4)}, 'title', 'A picture of something ' || n,
            'creator', 'person ' || n % 10000, 'landing_url', 'https://x.org/page/' || n),
        case when n % 10 < 8 then jsonb_build_object('brightness', 0.5, 'contrast', 0.25, 'entropy', 7.125,
            'sharpness', 321.5, 'grayscale', false) end,
        jsonb_build_object('host', 'img' || n % 5000 || '.x.org', 'attempts', 1, 'http_status', 200,
            'etag', md5(n::text))
    from generate_series(0, $images + 19999) n""",
    "vacuum analyze",
)


async def ask(query: str) -> None:
    """Run an operation."""
    from schema.context import Context
    from schema.root import schema

    result = await schema.execute(query, None, Context(OWNER))
    if result.errors:
        raise RuntimeError(result.errors)


async def bare() -> None:
    """What any pass over the rows costs."""
    async with acquire() as connection:
        # Not shared between processes, as what is read below a row is not either.
        await connection.execute("set max_parallel_workers_per_gather = 0")
        await connection.fetchval("select sum(file_size) from images where crawl_job_id = 1")
        await connection.execute("reset max_parallel_workers_per_gather")


async def measure() -> None:
    """Print a line for each selection."""
    say(f"{'selection':40} {'PG CPU ms':>10} {'ms':>8}")
    runs: dict[str, Callable[[], Awaitable[None]]] = {"(bare pass)": bare}
    runs |= {name: lambda query=query: ask(query) for name, query in SELECTIONS.items()}  # type: ignore[misc] # mypy does not type a lambda's default
    admin = await asyncpg.connect(os.environ["DATABASE_URL"])
    for name, run in runs.items():
        await run()
        rows = await admin.fetch(BACKENDS)
        pids: list[Any] = [row[0] for row in rows]
        spent, took = [], []
        for _ in range(RUNS):
            before, begun = spent_s(pids), time.monotonic()
            await run()
            spent.append(spent_s(pids) - before)
            took.append(time.monotonic() - begun)
        say(f"{name:40} {1000 * min(spent):10.0f} {1000 * min(took):8.0f}")
    await admin.close()


async def whole() -> None:
    """Measure on an open pool."""
    async with connected(role="bench"):
        await measure()


def main() -> None:
    """Fill, measure, clean up."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    home = Path(tempfile.mkdtemp(prefix="pixcrawler-bench-"))
    os.environ.update(PIXCRAWLER_HOME=str(home), PIXCRAWLER_SIGNING_KEY="a key for the bench only, of 32 bytes or more")
    embedded = not os.environ.get("DATABASE_URL")
    server = start(home).database_url if embedded else os.environ["DATABASE_URL"]
    name = f"bench_statistics_{os.getpid()}"
    try:
        filling = [statement.replace("$images", str(images)) for statement in FILL]
        os.environ["DATABASE_URL"] = asyncio.run(fill(server, name, filling))
        asyncio.run(whole())
    finally:
        asyncio.run(drop(server, name))
        if embedded:
            stop(home)
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
