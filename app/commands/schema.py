"""`schema check`, `schema documents` and `schema export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from app.commands import services
from app.errors import AppError


def check(*, as_json: bool) -> None:
    """Prints the alignment report; exits 1 where a check failed."""
    from app.commands import alignment

    with services.running():
        code = alignment.run(as_json)
    sys.exit(code)


def documents(manifest: Path) -> None:
    """Prints what is wrong with a manifest's documents, each with its hash; exits 1 where something is."""
    from graphql import GraphQLError

    from schema.root import schema
    from schema.trusted import read_manifest

    try:
        found = read_manifest(manifest)
    except AppError as error:
        raise click.ClickException(error.message) from error
    wrong = 0
    for key, text in found.items():
        try:
            errors = schema.documents.get(text).errors
        except GraphQLError as error:
            errors = [error]
        wrong += bool(errors)
        for one in errors:
            click.echo(f"{key}: {one.message}")
    click.echo(f"{len(found)} documents, {wrong} of them wrong")
    sys.exit(1 if wrong else 0)


def export() -> None:
    """Prints the SDL, as clients' tools read it."""
    from schema.root import sdl

    click.echo(sdl(), nl=False)
