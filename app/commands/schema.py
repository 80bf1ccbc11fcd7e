"""`schema check` and `schema export`."""

from __future__ import annotations

import sys

import click

from app.commands import services


def check(*, as_json: bool) -> None:
    """Prints the alignment report; exits 1 where a check failed."""
    from app.commands import alignment

    with services.running():
        code = alignment.run(as_json)
    sys.exit(code)


def export() -> None:
    """Prints the SDL, as clients' tools read it."""
    from schema.root import sdl

    click.echo(sdl(), nl=False)
