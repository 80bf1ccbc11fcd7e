"""Where a task ends: what nobody expected is logged under an id, and told to the job's owner with that id.

Without it such a job would be hinted, and fail, for ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from app.database import DATABASE_ERRORS
from app.log import log, new_id


@contextlib.asynccontextmanager
async def told(fail: Callable[[str], Awaitable[object]], **ids: int) -> AsyncIterator[None]:
    """Call `fail(message)` where the body raises what it should not; a database that is away waits for the next try."""
    try:
        yield
    except DATABASE_ERRORS as error:
        log.warning("task_interrupted", error=str(error), **ids)
    except Exception:  # noqa: BLE001 - here a task ends
        error_id = new_id()
        log.exception("task_failed", error_id=error_id, **ids)
        await fail(f"Something unexpected happened; the log has it under {error_id}.")
