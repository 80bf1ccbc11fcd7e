"""Files of a storage folder: written whole or not at all, and what killed processes left of them."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from pathlib import Path

PARTIAL = re.compile(r".+#\d+")
"""What a killed process leaves of a file that it was writing; a store of the folder never lists it."""
_numbers = itertools.count(1)


def write_whole(path: str, data: bytes) -> None:
    """Put `data` at `path`, replacing what was there, in one step: nobody ever sees half of it. Blocks.

    Its folders are made as needed. Raises OSError, and leaves nothing then.
    """
    part = f"{path}#{os.getpid()}{next(_numbers):06}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        file = os.open(part, flags, 0o644)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # the first of 256: asking first would cost each file a call
        file = os.open(part, flags, 0o644)
    try:
        try:
            _write_all(file, data)
        finally:
            os.close(file)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def _write_all(file: int, data: bytes) -> None:
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, memoryview(data)[written:])


def drop_partial(folder: Path, older_than_s: float) -> int:
    """Delete what is left of files whose writing began before `older_than_s` (Unix time); how many."""
    dropped = 0
    for path in folder.rglob("*#*"):
        with contextlib.suppress(FileNotFoundError):
            if PARTIAL.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < older_than_s:
                path.unlink()
                dropped += 1
    return dropped
