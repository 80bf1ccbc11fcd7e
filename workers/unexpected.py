"""Where a task ends: what stops a job until somebody makes room, and what nobody expected.

The latter is logged under an id, and told to the job's owner with that id. Without it such a job would be due, and
fail, for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg

from app.database import DATABASE_ERRORS
from app.errors import StorageRefused
from app.log import log, new_id
from workers.keeping import LeaseLost, let_go, to_the_end
from workers.line import Interrupted

REFUSALS = (StorageRefused, asyncpg.DiskFullError)
"""Storage or the database takes nothing more: rows are not to blame, and trying again at once would not help."""


def refused(group: BaseExceptionGroup[Exception]) -> str:
    """The reason that a job's owner is told, of the first of these refusals."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return f"The database has no space left: {first}" if isinstance(first, asyncpg.DiskFullError) else str(first)


def noted(event: str, group: BaseExceptionGroup[Exception], **ids: int) -> str:
    """Log what nobody expected, as `event`; the reason that the job's owner is told."""
    error_id = new_id()
    log.error(event, error_id=error_id, exc_info=group, **ids)
    return f"Something unexpected happened; the log has it under {error_id}."


@contextlib.asynccontextmanager
async def told(
    fail: Callable[[str], Awaitable[object]], release: Callable[[], Awaitable[object]], **ids: int
) -> AsyncIterator[None]:
    """A validation or export: `fail(reason)` where it cannot be done, `release()` where another is to begin anew.

    Another is to where the worker is told to end and where the database was away; then Interrupted is raised.
    """
    interrupted = False
    try:
        try:
            yield
        except* LeaseLost:
            log.info("task_dropped", **ids)
        except* REFUSALS as group:
            reason = refused(group)
            log.error("storage_refused", error=reason, **ids)
            await fail(reason)
        except* DATABASE_ERRORS as group:
            interrupted = True
            log.warning("task_interrupted", error=str(group.exceptions[0]), **ids)
        except* Exception as group:  # noqa: BLE001 - here a task ends
            await fail(noted("task_failed", group, **ids))
    except asyncio.CancelledError:
        await to_the_end(let_go(release, **ids))
        raise
    if interrupted:
        await let_go(release, **ids)
        raise Interrupted
