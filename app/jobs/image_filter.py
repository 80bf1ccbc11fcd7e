"""Which images of a crawl job: the conditions of the API's image filter, once for reads, exports and bulk changes.

A condition is SQL over an image's row `{t}` and the bound value `{v}`. Values are plain: enums by their value, times as
RFC 3339 text or as `datetime`, ids as the keys in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.jobs.difference import VERDICT, gone_in


def _measure(name: str, operator: str) -> str:
    return f"({{t}}.quality->>'{name}')::float8 {operator} {{v}}::float8"


CONDITIONS: Mapping[str, str] = {
    "status": "{t}.status = any({v}::text[])",
    "keyword": "{t}.keyword = any({v}::text[])",
    "format": "{t}.format = any({v}::text[])",
    "issue": "jsonb_path_query_array({t}.issues, '$[*].code') ?| {v}::text[]",
    "license": "{t}.provenance->>'license' = any({v}::text[])",
    "source": "{t}.provenance->>'source' = any({v}::text[])",
    "url_contains": "position(lower({v}::text) in lower({t}.original_url)) > 0",
    "host": "{t}.fetch->>'host' = any(array(select lower(host$) from unnest({v}::text[]) host$))",
    "http_status": "({t}.fetch->>'http_status')::int = any({v}::int[])",
    "min_width": "{t}.width >= {v}::int",
    "max_width": "{t}.width <= {v}::int",
    "min_height": "{t}.height >= {v}::int",
    "max_height": "{t}.height <= {v}::int",
    "min_file_size": "{t}.file_size >= {v}::int",
    "max_file_size": "{t}.file_size <= {v}::int",
    "min_brightness": _measure("brightness", ">="),
    "max_brightness": _measure("brightness", "<="),
    "min_contrast": _measure("contrast", ">="),
    "max_contrast": _measure("contrast", "<="),
    "min_entropy": _measure("entropy", ">="),
    "max_entropy": _measure("entropy", "<="),
    "min_sharpness": _measure("sharpness", ">="),
    "max_sharpness": _measure("sharpness", "<="),
    "grayscale": "({t}.quality->>'grayscale')::bool = {v}::bool",
    "created_after": "{t}.created_at > {v}::timestamptz",
    "created_before": "{t}.created_at < {v}::timestamptz",
    "updated_after": "{t}.updated_at > {v}::timestamptz",
    "updated_before": "{t}.updated_at < {v}::timestamptz",
    "difference": f"{VERDICT} = any({{v}}::text[])",
    "gone_in": gone_in("{t}", "{v}::int"),
}
"""Field of the filter, as we spell it → its condition."""
TIMES = frozenset({"created_after", "created_before", "updated_after", "updated_before"})


def where(chosen: Mapping[str, Any], t: str, known: int) -> tuple[str, list[Any]]:
    """SQL that is true for the rows `t` that `chosen` names, after ` and `, and its values: `$known + 1` and on."""
    text, values = "", []
    for name, value in chosen.items():
        values.append(datetime.fromisoformat(value) if name in TIMES and isinstance(value, str) else value)
        text += " and " + CONDITIONS[name].format(t=t, v=f"${known + len(values)}")
    return text, values
