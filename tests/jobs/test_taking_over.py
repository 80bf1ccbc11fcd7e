"""A re-crawl takes over what its former job stored while that one's rows are deleted or judged.

Symptom: a job was not deleted, or a re-crawl's batch was tried again and again: the two waited for each other. Cause:
the re-crawl locked former rows in the order of their ids, the database deletes a job's in an order of its own. Rule:
whoever takes over waits for nothing while it holds something.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from app.jobs import chunk
from app.jobs.results import record_results
from app.jobs.validation import JUDGE
from app.measures import Measures
from app.values import Fetch, Fetched, Lease
from tests.stand_ins.changing import ChangingHost
from tests.support.asking import key_of
from tests.support.recrawling import begun_again, crawled, tagged
from tests.support.service import Person, running_worker, until

FOUND = """
with found as (
    insert into images (crawl_job_id, original_url, filename, chunk)
    select $1, f.original_url, 'x', 1 from images f order by f.id returning 1
)
update crawl_jobs set status = 'running', total_images = 2, total_chunks = 1 where id = $1
"""


async def taken_over(owner: Person, db: asyncpg.Connection) -> tuple[str, Lease, list[Fetched]]:
    """A job of two images; the lease on its re-crawl's rows, and what is heard of them: that they are unchanged."""
    async with ChangingHost(tagged(0, 1)) as host, running_worker():
        former = await crawled(owner, host)
    rows = await db.fetch("select id, sha256, file_size, storage_url from images order by id")
    job = await begun_again(owner, former)
    await db.execute(FOUND, key_of(job))
    lease = Lease(key_of(job), 1, "now")
    assert await chunk.claim(lease, "test", 60.0)
    heard = [
        Fetched(waiting.image_id, waiting.url, row["sha256"], row["file_size"], Measures(1, 1, "jpeg", 1),
                row["storage_url"], Fetch(), row["id"], row["sha256"])
        for waiting, row in zip(await chunk.pending_rows(lease), rows, strict=True)
    ]  # fmt: skip
    return former, lease, heard


async def test_rows_that_are_being_deleted_are_taken_over_by_nobody_and_waited_for_by_nobody(
    owner: Person, db: asyncpg.Connection, database: str
) -> None:
    """The database deletes a job's rows in any order: whoever held one and waited for another would stop it."""
    former, lease, heard = await taken_over(owner, db)
    other = await asyncpg.connect(database)
    async with other.transaction():
        await other.execute("delete from images where id = $1", heard[1].former_id)
        recorded = await record_results(lease, heard)
        await other.execute("delete from crawl_jobs where id = $1", key_of(former))
    await other.close()
    assert recorded is not None
    assert recorded.reasons == (("downloaded", ""),)
    assert await db.fetchval("select array_agg(status order by id) from images") == ["downloaded", "pending"]


async def test_while_the_former_job_is_being_deleted_results_wait_and_hold_nothing(
    owner: Person, db: asyncpg.Connection, database: str
) -> None:
    former, lease, heard = await taken_over(owner, db)
    other = await asyncpg.connect(database)
    async with other.transaction():
        await other.execute("delete from crawl_jobs where id = $1", key_of(former))
        recording = asyncio.create_task(record_results(lease, heard))

        async def waits() -> Any:
            return await db.fetchval("select count(*) from pg_locks where not granted")

        await until(waits)
        await db.execute("select 1 from crawl_jobs where id = $1 for update nowait", lease.crawl_job_id)
    await other.close()
    recorded = await recording
    assert recorded is not None
    assert recorded.reasons == ()
    assert await db.fetchval("select array_agg(status) from images") == ["pending", "pending"]


async def test_images_that_are_being_judged_are_taken_over(
    owner: Person, db: asyncpg.Connection, database: str
) -> None:
    """A verdict does not take the bytes away."""
    former, lease, heard = await taken_over(owner, db)
    ids = [one.former_id for one in heard]
    other = await asyncpg.connect(database)
    async with other.transaction():
        await other.execute(JUDGE, key_of(former), ids, ["valid"] * 2, ["[]"] * 2)
        recorded = await record_results(lease, heard)
    await other.close()
    assert recorded is not None
    assert recorded.reasons == (("downloaded", ""),) * 2
