"""Where a task ends: what nobody expected is logged under an id, and told to the job's owner with that id.

Without it such a job would be hinted, and fail, for ever.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from app.database import DATABASE_ERRORS
from app.log import log, new_id

Task = Callable[..., Coroutine[Any, Any, None]]


def guarded(task: Task) -> Task:
    """The task as the queue calls it: the queue hears of no failure, since what is left to do is in the database."""

    @functools.wraps(task)
    async def run(ctx: dict[str, Any], *ids: int) -> None:
        try:
            await task(ctx, *ids)
        except DATABASE_ERRORS as error:
            log.warning("task_interrupted", task=task.__name__, ids=ids, error=str(error))
        except Exception:  # noqa: BLE001 - here a task ends
            log.exception("task_failed", error_id=new_id(), task=task.__name__, ids=ids)

    return run


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
