"""The services that a command needs: those that the settings name, or the embedded default's for as long as it runs."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from app import embedded
from app.settings import Settings, adopt, settings


def wants_embedded(found: Settings) -> bool:
    """Whether the embedded default stands in for a database or Redis that is not set."""
    return not (found.database_url and found.redis_url)


@contextlib.contextmanager
def running() -> Iterator[Settings]:
    """The settings with the URLs of services that run. The last command of a home to end stops what was embedded.

    Raises EmbeddedFailed.
    """
    found = settings()
    home = found.home.resolve()
    if not wants_embedded(found):
        adopt({"PIXCRAWLER_HOME": str(home)} | _missing(found, {"STORAGE_URL": (home / "storage").as_uri()}))
        yield settings()
        return
    with embedded_in(home) as started:
        adopt({"PIXCRAWLER_HOME": str(home)} | _missing(found, started.environment()))
        yield settings()


def _missing(found: Settings, offered: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in offered.items() if not getattr(found, name.lower())}


@contextlib.contextmanager
def embedded_in(home: Path) -> Iterator[embedded.Services]:
    """The embedded default of a home, running inside; whoever of its users ends last stops it.

    Its users are counted by a shared lock, which a killed process gives back too. Raises EmbeddedFailed.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield embedded.start(home)
        finally:
            # Nobody else may hold the lock, and nobody gets it while we stop: then we were the last.
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                embedded.stop(home)


def is_used(home: Path) -> bool:
    """Whether a command runs on the embedded default of this home now."""
    if not (home / "users.lock").exists():
        return False
    with (home / "users.lock").open("a") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
