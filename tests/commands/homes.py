"""Homes for tests of the command line, and the command line itself, as a user starts it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import embedded
from tests.rules.tracked import CHECKOUT

LEFT_OUT = ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "PIXCRAWLER_SIGNING_KEY", "PIXCRAWLER_PORT")


@contextmanager
def home_in(folder: Path) -> Iterator[Path]:
    """A home of the embedded default, stopped and removed at the end with what lies outside it."""
    home = folder / "a home"
    try:
        yield home
    finally:
        embedded.stop(home)
        for path in embedded.data_folders(home):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def cli(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end on the embedded default of `home`."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", *arguments],
        cwd=CHECKOUT,
        env=environment(home) | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


def environment(home: Path) -> dict[str, str]:
    """The environment of a user who has set nothing but a home."""
    return {name: value for name, value in os.environ.items() if name not in LEFT_OUT} | {"PIXCRAWLER_HOME": str(home)}
