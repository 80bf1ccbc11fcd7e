"""What the database knows of how many images there are, kept near the truth while a job brings in a great many.

The database looks at a table by itself about once a minute. Discovery fills an empty one with a million rows before
that, and plans made for an empty table pass over all of it for every chunk.
"""

from __future__ import annotations

from app.database import DATABASE_ERRORS, acquire
from app.log import log

LEAST_ROWS = 1_000
STALE = "select 2 * greatest(reltuples, 0) < $1 from pg_class where oid = 'images'::regclass"
LOOK = "analyze (skip_locked) images"


async def look_if_doubled(rows: int) -> None:
    """Have the images looked at where one job alone has twice as many as were known of; a failure costs time only."""
    if rows < LEAST_ROWS:
        return
    try:
        async with acquire() as connection:
            if await connection.fetchval(STALE, rows):
                await connection.execute(LOOK)
    except DATABASE_ERRORS as error:
        log.warning("statistics_failed", error=str(error))
