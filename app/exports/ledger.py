"""The failure ledger as text: a line for each image that failed, as CSV (RFC 4180) or as JSON Lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType

import orjson

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width signs
"""With these a cell begins that a spreadsheet takes for a formula, or strips until it is one."""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """An image that failed; the columns of the ledger, in their order. None where it is not known.

    `measured` and `allowed` are texts with their units, `at` is when the row was last changed.
    """

    url: str
    host: str | None
    keyword: str | None
    source: str | None
    reason: str | None
    message: str | None
    measured: str | None
    allowed: str | None
    attempts: int
    http_status: int | None
    final_url: str | None
    retryable: bool
    at: datetime


COLUMNS = tuple(one.name for one in fields(LedgerLine))
_cells = attrgetter(*COLUMNS)


@dataclass(frozen=True, slots=True)
class LedgerFormat:
    """How a ledger is written: its head, its lines, and the media type of the whole."""

    media_type: str
    head: str
    write: Callable[[Iterable[LedgerLine]], str]


def as_csv(lines: Iterable[LedgerLine]) -> str:
    """Rows as CSV. A cell that a spreadsheet would run has an apostrophe before it: JSON Lines has it as it is."""
    return _rows(map(_cell, _cells(line)) for line in lines)


def as_jsonl(lines: Iterable[LedgerLine]) -> str:
    """A JSON object a line, keys as the columns; times are RFC 3339."""
    written = (orjson.dumps(dict(zip(COLUMNS, _cells(line), strict=True))).decode() for line in lines)
    return "".join(f"{line}\n" for line in written)


def _rows(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat()
        case str() if value.startswith(RUN_BY_SPREADSHEETS):
            return f"'{value}"
    return str(value)


FORMATS: Mapping[str, LedgerFormat] = MappingProxyType(
    {
        "csv": LedgerFormat("text/csv; charset=utf-8; header=present", _rows([COLUMNS]), as_csv),
        "jsonl": LedgerFormat("application/x-ndjson", "", as_jsonl),
    }
)
"""By the suffix of the file."""
