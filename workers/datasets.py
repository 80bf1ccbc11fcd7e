"""Validations and exports: taken by whoever has a free place, as the database says whose turn it is.

Each begins anew where its worker died. One that is told to end gives its job back, so that another begins at once.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from app.jobs import export as exports
from app.jobs import validation
from app.jobs.turns import next_dataset
from app.queue import Export
from workers.engine import Engine
from workers.export import export
from workers.keeping import let_go, to_the_end
from workers.line import Work
from workers.validation import validate

TRIES = 10
"""How often others may be quicker to claim a job before this worker waits a moment."""

Claim = TypeVar("Claim")


async def take_dataset(engine: Engine, *, newcomers: bool) -> Work | None:
    """Claim the validation or export whose turn it is; see `workers.line.Take`."""
    lease_s = engine.settings.lease_s
    for _ in range(TRIES):
        found = await next_dataset(lease_s, newcomers=newcomers)
        if found is None:
            return None
        if isinstance(found, Export):
            exporting = await _claimed(exports.claim(found.export_job_id, lease_s), exports.release)
            if exporting is not None:
                return functools.partial(export, engine, exporting)
        else:
            validating = await _claimed(validation.claim(found.validation_job_id, lease_s), validation.release)
            if validating is not None:
                return functools.partial(validate, engine, validating)
    return None


async def _claimed(
    claim: Coroutine[Any, Any, Claim | None], release: Callable[[Claim], Awaitable[object]]
) -> Claim | None:
    """The claim. A worker that is told to end in its midst may have got it without knowing: then it goes back."""
    claiming = asyncio.ensure_future(claim)
    try:
        return await asyncio.shield(claiming)
    except asyncio.CancelledError:
        await to_the_end(_returned(claiming, release))
        raise


async def _returned(claiming: asyncio.Future[Claim | None], release: Callable[[Claim], Awaitable[object]]) -> None:
    found = await claiming
    if found is not None:
        await let_go(functools.partial(release, found))
