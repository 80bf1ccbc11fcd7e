"""Events with fields: one JSON object a line on stderr, with the ids that tie them together, and no secrets.

`event("chunk_recorded", job=17, chunk=3, downloaded=480)`; ERROR only when a person is needed.
"""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

SECRET_WORDS = ("token", "secret", "password", "authorization", "signing_key", "api_key")
HIDDEN = "[hidden]"
OVERHEARD = ("arq", "asyncpg.pool")
"""Libraries whose complaints repeat, with a traceback each, what our own events say."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the fields whose names say that they are secret."""
    for name in event:
        if any(word in name.lower() for word in SECRET_WORDS):
            event[name] = HIDDEN
    return event


def _to_json(event: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(event, default=str).decode()


def configure(level: str = "INFO", *, as_json: bool = True, process: str = "") -> None:
    """Set the process's logging up: our events, and the libraries' warnings beside them."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_to_json) if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    for name in OVERHEARD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if process:
        structlog.contextvars.bind_contextvars(process=process)


def new_id() -> str:
    """An id that a masked error shows and the log has."""
    return uuid.uuid4().hex[:16]
