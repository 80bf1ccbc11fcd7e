"""The validation task: stored measures to verdicts, in batches, without fetching again."""

from __future__ import annotations

import functools
from typing import Any

from app.jobs import validation
from app.log import log
from workers.engine import Engine
from workers.unexpected import told


async def validate(ctx: dict[str, Any], validation_job_id: int) -> None:
    """Judge a validation job's images, if it is due and nobody does."""
    engine: Engine = ctx["engine"]
    claimed = await validation.claim(validation_job_id, engine.settings.lease_s)
    if claimed is None:
        return
    last_id: int | None = 0
    async with told(functools.partial(validation.fail, claimed), validation_job=validation_job_id):
        while last_id is not None:
            last_id = await validation.judge_after(claimed, last_id)
    log.info("validation_ended", validation_job=validation_job_id, job=claimed.crawl_job_id)
