"""Bytes that no row names any more: images of deleted jobs, files of expired or deleted exports, old uploads.

Only objects older than the grace time are looked at: a fetch writes its bytes anew each time, so what a row is about
to name is younger than that. A re-crawl's row that takes over what a former one stored is written while that one is
held (`app/jobs/results.py`): at every moment one of the two names the bytes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime

from app.database import acquire
from app.storage import Storage, Stored

BATCH = 1_000

SHAPES = {
    "images/": re.compile(r"images/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z]+"),
    "exports/": re.compile(r"exports/[0-9]{1,9}/[^/]+"),
    "uploads/": re.compile(r"uploads/[0-9a-f-]{36}/[^/]+"),
}
"""What we write under each prefix; what looks otherwise is somebody else's and stays."""

# Which of the keys $1 are named: by an image row, an export that has or writes a file, or a job's upload.
NAMED = {
    "images/": "select distinct storage_url from images where sha256 = any(select decode(substring(key from"
    " '([0-9a-f]{64})\\.'), 'hex') from unnest($1::text[]) key) and storage_url is not null",
    "exports/": "select key from unnest($1::text[]) key join export_jobs e"
    " on e.id = split_part(key, '/', 2)::int where e.status in ('pending', 'running') or e.download_url = key",
    "uploads/": "select distinct 'uploads/' || (source->'options'->>'uploadId') from crawl_jobs j,"
    " jsonb_array_elements(j.options->'sources') source"
    " where 'uploads/' || (source->'options'->>'uploadId') = any($1::text[])",
}


async def collect(storage: Storage, older_than: datetime) -> int:
    """Delete every object last written before `older_than` that no row names; how many."""
    removed = 0
    for prefix, named_by in NAMED.items():
        async for keys in _old_keys(storage, prefix, older_than):
            async with acquire() as connection:
                named = {row[0] for row in await connection.fetch(named_by, keys)}
            unnamed = [key for key in keys if key not in named]
            await storage.delete(unnamed)
            removed += len(unnamed)
    return removed


async def _old_keys(storage: Storage, prefix: str, older_than: datetime) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    stored: Stored
    async for stored in storage.list(prefix):
        if stored.modified < older_than and SHAPES[prefix].fullmatch(stored.key):
            batch.append(stored.key)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
