"""`worker`: one process that works on what is due."""

from __future__ import annotations

from app.commands import lifeline, services
from workers import main


def run(*, queue: str | None, supervised: bool) -> None:
    """Works until it is asked to end, on one queue or on both."""
    if supervised:
        lifeline.watch()
    with services.running():
        main.run(queue)
