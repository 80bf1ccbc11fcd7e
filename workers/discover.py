"""The discovery task: taken by whoever has a free place, it keeps the seeker's lease while it seeks."""

from __future__ import annotations

import asyncio
import functools
import secrets

from app.database import DATABASE_ERRORS
from app.jobs import discovery
from app.jobs.discovery import Search
from app.jobs.turns import next_discovery
from app.log import log
from workers.engine import Engine
from workers.keeping import LeaseLost, keep, let_go, to_the_end
from workers.line import Interrupted, Work
from workers.seek import seek
from workers.unexpected import REFUSALS, noted, refused

TRIES = 10
"""How often others may be quicker to claim a job before this worker waits a moment."""


async def take_discovery(engine: Engine, *, newcomers: bool) -> Work | None:
    """Become the seeker of the job whose turn it is, starting it if it was pending; see `workers.line.Take`."""
    for _ in range(TRIES):
        found = await next_discovery(newcomers=newcomers)
        if found is None:
            return None
        search = await discovery.claim(found.crawl_job_id, secrets.token_hex(8), engine.settings.lease_s)
        if search is not None:
            return functools.partial(discover, engine, search)
    return None


async def discover(engine: Engine, search: Search) -> None:
    """Seek candidates for a crawl job, for `seek.STEP_S` seconds at most. Raises Interrupted."""
    crawl_job_id, lease_s = search.crawl_job_id, engine.settings.lease_s
    held = functools.partial(discovery.renew, search, lease_s)
    finished = interrupted = False
    stopped_by: str | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(keep(held, held, lease_s))
            await seek(engine, search)
            await discovery.finish(search)
            finished = True
            keeper.cancel()
            log.info("discovered", job=crawl_job_id, found=[entry["found"] for entry in search.discovery])
    except* LeaseLost:
        log.info("discovery_lost", job=crawl_job_id)
    except* REFUSALS as group:
        stopped_by = refused(group)
        log.error("storage_refused", job=crawl_job_id, error=stopped_by)
    except* DATABASE_ERRORS as group:
        interrupted = True
        log.warning("discovery_interrupted", job=crawl_job_id, error=str(group.exceptions[0]))
    except* Exception as group:  # noqa: BLE001 - here a discovery ends: it would ask its sources, and fail, for ever
        stopped_by = noted("discovery_failed", group, job=crawl_job_id)
    finally:
        if not finished:
            giving_up = functools.partial(discovery.give_up, search, stopped_by=stopped_by)
            await to_the_end(let_go(giving_up, job=crawl_job_id))
    if interrupted:
        raise Interrupted
