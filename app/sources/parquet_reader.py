"""A program: prints the rows of a Parquet file as JSON lines, `{"number", "row"}`, and at a fault `{"error"}`.

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
BATCH_ROWS = 256
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


def main(path: str, start: int) -> int:
    """Print the rows after the first `start`; the exit status is 1 where the file cannot be read."""
    number = 0
    out = sys.stdout.buffer
    try:
        for batch in read_parquet(path, batch_size=BATCH_ROWS):
            names = batch.schema.names
            first = min(max(start - number, 0), batch.num_rows)
            columns = [batch.column(place).to_pylist()[first:] for place in range(batch.num_columns)]
            for offset, values in enumerate(zip(*columns, strict=True), number + first + 1):
                line = {"number": offset, "row": dict(zip(names, values, strict=True))}
                out.write(orjson.dumps(line, default=printable, option=orjson.OPT_NON_STR_KEYS) + b"\n")
            number += batch.num_rows
    except BrokenPipeError:
        return 0
    except BaseException as error:  # noqa: BLE001 - the library's panics are no Exceptions
        told = str(error).partition("value: ")[2] or str(error)  # what a panic wraps
        out.write(orjson.dumps({"error": " ".join(told.split())[:200]}) + b"\n")
        return 1
    return 0


if __name__ == "__main__":
    limit_memory()
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
