"""Validations and exports: taken by whoever has a free place, as the database says whose turn it is.

Each begins anew where its worker died. One that is told to end gives its job back, so that another begins at once.
"""

from __future__ import annotations

import functools

from app.jobs import export as exports
from app.jobs import validation
from app.jobs.turns import next_dataset
from app.queue import Export
from workers.engine import Engine
from workers.export import export
from workers.line import Work
from workers.validation import validate

TRIES = 10
"""How often others may be quicker to claim a job before this worker waits a moment."""


async def take_dataset(engine: Engine, *, newcomers: bool) -> Work | None:
    """Claim the validation or export whose turn it is; see `workers.line.Take`."""
    lease_s = engine.settings.lease_s
    for _ in range(TRIES):
        found = await next_dataset(lease_s, newcomers=newcomers)
        if found is None:
            return None
        if isinstance(found, Export):
            exporting = await exports.claim(found.export_job_id, lease_s)
            if exporting is not None:
                return functools.partial(export, engine, exporting)
        else:
            validating = await validation.claim(found.validation_job_id, lease_s)
            if validating is not None:
                return functools.partial(validate, engine, validating)
    return None
