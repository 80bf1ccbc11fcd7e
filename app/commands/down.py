"""`down`: stops all that runs in this home and, when told, removes the home."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import click

from app import embedded
from app.commands import services, state
from app.commands.up import end_leftovers
from app.processes import end
from app.settings import settings

FILES = ("up.json", "up.json.new", "up.log", "up.lock", "users.lock", "local_jwt_secret", "signing.key", "demo.lock")
"""What the service keeps in a home beside the data of the embedded default."""


def run(*, purge: bool) -> None:
    """Stops supervisor, processes and embedded servers, in this order; nothing to stop is no error."""
    _stop(settings().home.resolve(), purge=purge)


def _stop(home: Path, *, purge: bool) -> None:
    running = state.read(home)
    if running is not None:
        if state.is_supervised(home):
            end(running.pid, signal.SIGTERM, state.DRAIN_S + embedded.STOP_S)
        end_leftovers(home)
    embedded.stop(home)
    if purge:
        _remove(home)


def _remove(home: Path) -> None:
    """Removes what is ours, unused homes within included. What else a home holds stays, and the home with it."""
    for inner in {path.parent for path in home.glob("*/*lock")}:
        if not services.is_used(inner):  # e.g. by tests that run in this checkout
            _stop(inner, purge=True)
    for path in (*embedded.data_folders(home), *(home / name for name in FILES)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if home.is_dir():
        others = sorted(path.name for path in home.iterdir())
        if others:
            click.echo(
                f"pixcrawler: {home} stays, for it holds what is not ours or is in use: {', '.join(others[:5])}.",
                err=True,
            )
        else:
            home.rmdir()
