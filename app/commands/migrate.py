"""`migrate`: brings the tables to the newest version, or back."""

from __future__ import annotations

import asyncio

import click

from app import database
from app.commands import services


def run(*, down: str | None) -> None:
    """Applies what is missing or, with `down`, undoes that version and all later ones; prints what it did."""
    if down is not None and not down.split("_")[0].isdigit():
        raise click.UsageError(f"{down} is no version: pass a migration's number, e.g. 3, or its whole name.")
    with services.running():
        done = asyncio.run(database.migrate() if down is None else database.migrate_down(down))
    word = "applied" if down is None else "undone"
    for name in done:
        click.echo(f"{word} {name}")
    if not done:
        click.echo("The tables are already so: nothing to do.")
