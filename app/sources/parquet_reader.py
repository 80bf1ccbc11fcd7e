"""A program: prints a Parquet file as frames of JSON, `{"first", "names", "columns"}`; at a fault `{"error"}`.

    python -m app.sources.parquet_reader FILE START

A process of its own because the file is a stranger's: on some damaged files the library does not raise but aborts, and
a small file can stand for endless memory. The limit below ends that here.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import orjson
from arro3.io import read_parquet

MEMORY_BYTES = 2 * 2**30
BATCH_ROWS = 1_024
ROW_BYTES = 1_000_000
"""The longest row, and all rows of a frame together, as JSON."""
FRAME_BYTES = 2 * ROW_BYTES
"""No frame is longer: names are short beside the rows, or the file is not read."""
LENGTH_BYTES = 4
BLOB_BYTES = 1_024
"""Longer bytes are the image itself or the like, not provenance."""


def limit_memory() -> None:
    """Where the system can: a file that wants more fails instead of taking the machine down."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def printable(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, bytes):
        return value.decode(errors="replace") if len(value) <= BLOB_BYTES else None
    return str(value)


def send(document: dict[str, Any]) -> None:
    """Print a frame: its length, then JSON."""
    text = orjson.dumps(document, default=printable, option=orjson.OPT_NON_STR_KEYS)
    sys.stdout.buffer.write(len(text).to_bytes(LENGTH_BYTES) + text)


def send_rows(first: int, names: list[str], columns: list[Any]) -> None:
    """Print rows, number `first` and on, in frames that are no longer than a row may be."""
    count = len(columns[0])
    text = orjson.dumps(columns, default=printable, option=orjson.OPT_NON_STR_KEYS)
    if len(text) <= ROW_BYTES:
        send({"first": first, "names": names, "columns": orjson.Fragment(text)})
    elif count == 1:
        raise ValueError(f"Row {first:,} of the list is longer than {ROW_BYTES:,} bytes.")
    else:
        half = count // 2
        send_rows(first, names, [column[:half] for column in columns])
        send_rows(first + half, names, [column[half:] for column in columns])


def main(path: str, start: int) -> int:
    """Print the rows after the first `start`; the exit status is 1 where the file cannot be read."""
    number = 0
    try:
        for batch in read_parquet(path, batch_size=BATCH_ROWS):
            if number + batch.num_rows > start:
                first = max(start - number, 0)
                part = batch.slice(first)
                columns: list[Any] = [part.column(place).to_pylist() for place in range(part.num_columns)]
                send_rows(number + first + 1, batch.schema.names, columns)
            number += batch.num_rows
    except BrokenPipeError:
        return 0
    except BaseException as error:  # noqa: BLE001 - the library's panics are no Exceptions
        send({"error": told(error)})
        return 1
    return 0


def told(error: BaseException) -> str:
    """What the list's owner is told."""
    if isinstance(error, ValueError) and str(error).startswith("Row "):
        return str(error)
    text = str(error).partition("value: ")[2] or str(error)  # what a panic wraps
    return f"The list is not a Parquet file that can be read: {' '.join(text.split())[:200]}."


if __name__ == "__main__":
    limit_memory()
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
