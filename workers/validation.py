"""The validation task: stored measures to verdicts, in batches, without fetching again."""

from __future__ import annotations

import asyncio
import functools

from app.jobs import validation
from app.jobs.near_duplicates import compare
from app.log import log
from workers.keeping import let_go, to_the_end
from workers.unexpected import told


async def validate(claimed: validation.Claim) -> None:
    """Judge a validation job's images; told to end, give the job back."""
    key = claimed.validation_job_id
    last_id: int | None = 0
    try:
        async with told(functools.partial(validation.fail, claimed), validation_job=key):
            compared = await compare(claimed)
            while last_id is not None:
                last_id = await validation.judge_after(claimed, last_id, compared)
    except asyncio.CancelledError:
        await to_the_end(let_go(functools.partial(validation.release, claimed), validation_job=key))
        raise
    log.info("validation_ended", validation_job=key, job=claimed.crawl_job_id)
