"""The validation task: stored measures to verdicts, in batches, without fetching again."""

from __future__ import annotations

import asyncio
import functools

from app.jobs import validation
from app.jobs.near_duplicates import compare
from app.log import log
from workers.engine import Engine
from workers.keeping import keep
from workers.unexpected import told


async def validate(engine: Engine, claimed: validation.Claim) -> None:
    """Judge a validation job's images. Raises Interrupted."""
    key = claimed.validation_job_id
    fail, release = functools.partial(validation.fail, claimed), functools.partial(validation.release, claimed)
    async with told(fail, release, validation_job=key), asyncio.TaskGroup() as tasks:
        held = functools.partial(validation.is_held, claimed)
        keeper = tasks.create_task(keep(held, held, engine.settings.lease_s))
        compared = await compare(claimed)
        last_id: int | None = 0
        while last_id is not None:
            last_id = await validation.judge_after(claimed, last_id, compared)
        keeper.cancel()
        log.info("validation_ended", validation_job=key, job=claimed.crawl_job_id)
