"""JSON as PostgreSQL's `jsonb` takes it: no NUL, no half of a pair, no number that JSON readers disagree about.

Whatever a client or a source brings becomes a document: one odd character must not stop a job for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from app.values import Json

MAX_DEPTH = 32
"""Levels of lists and objects within each other: readers in other languages give up soon after a hundred."""
MAX_INT = 2**63 - 1

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ODD = re.compile(rb"\\u0000|[0-9]{19}")
"""What of a JSON text has to be looked at: NUL, and numbers that may have more than 64 bits."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def to_jsonb(value: Json) -> str:
    """The document of `value`; what jsonb does not take is replaced, what lies too deep is null."""
    try:
        text = orjson.dumps(value)
    except TypeError:  # half of a pair, a number beyond 64 bits, a mapping that is no dict, or far too deep
        return orjson.dumps(plain(value)).decode()
    # Nearly every document is fine as it is: looking at each of its values costs ten times as much.
    if _ODD.search(text) or text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        return orjson.dumps(plain(value)).decode()
    return text.decode()


def plain(value: Json, levels: int = MAX_DEPTH) -> Json:
    """`value` with characters replaced that no text column holds; numbers beyond 64 bits become text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= MAX_INT else str(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): plain(one, levels - 1) for name, one in value.items()} if levels else None
    if isinstance(value, list | tuple):
        return [plain(one, levels - 1) for one in value] if levels else None
    return value


def clean(text: str) -> str:
    """A text that a text column holds."""
    return _UNSTORABLE.sub(REPLACEMENT, text)


def is_too_deep(value: Json) -> bool:
    """Whether there are more than MAX_DEPTH levels."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _within(one)]
    return any(isinstance(one, Mapping | list | tuple) for one in level)


def _within(value: Json) -> list[Json]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []
