"""Homes of programs that start the embedded default for themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

from app.embedded import data_folders, stop


def remove(home: Path) -> None:
    """Stop the home's servers and remove all that they kept: as root some of it lies outside the home."""
    outside = [path for path in data_folders(home) if path.is_dir() and not path.is_symlink()]
    stop(home)
    for path in (*outside, home):
        shutil.rmtree(path, ignore_errors=True)
