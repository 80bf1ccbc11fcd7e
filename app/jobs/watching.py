"""Who may watch a row, and its state when they begin."""

from __future__ import annotations

from app.access import seen_by
from app.database import acquire
from app.jobs.change import Kind
from app.jobs.crawl import CRAWL_JOB_KIND
from app.jobs.export import EXPORT_JOB_KIND
from app.jobs.validation import VALIDATION_JOB_KIND
from app.progress import read_states
from app.values import JobNews, Viewer

KINDS: dict[str, Kind] = {kind.type_name: kind for kind in (CRAWL_JOB_KIND, VALIDATION_JOB_KIND, EXPORT_JOB_KIND)}


async def state(viewer: Viewer, type_name: str, key: int | None) -> JobNews:
    """The row's state now; NotFound where it is missing or not seen."""
    kind = KINDS[type_name]
    if key is None:
        raise kind.missing()
    sql = f"select 1 from {kind.table} t where t.id = $1 and {seen_by(kind.table, 't', viewer, '$2::uuid')}"  # noqa: S608 - names of ours
    async with acquire() as connection:
        seen = await connection.fetchval(sql, key, viewer.id)
    found = (await read_states(type_name, [key])).get(key) if seen else None
    if found is None:
        raise kind.missing()
    return found
