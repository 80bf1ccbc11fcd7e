"""The activity log: one line per change, in the change's own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from app.database import Transaction

INSERT = """
insert into activity_logs (user_id, action, resource_type, resource_id, metadata_) values ($1, $2, $3, $4, $5::jsonb)
"""


async def write(
    tx: Transaction, user_id: UUID | None, action: str, kind: str, key: object, metadata: dict[str, Any] | None = None
) -> None:
    """Write that `user_id` did `action` (`crawl_job.paused`) to the row `key` of the GraphQL type `kind`."""
    text = orjson.dumps(metadata).decode() if metadata is not None else None
    await tx.connection.execute(INSERT, user_id, action, kind, str(key), text)
