"""`token`: a bearer token of the local issuer."""

from __future__ import annotations

import asyncio

import click

from app import auth, database
from app.commands import services


def run(*, email: str | None, role: str, expires_s: int) -> None:
    """Prints a token for the profile with this email, made if new, alone on the last line. Raises Invalid."""
    with services.running():
        click.echo(asyncio.run(_issued(email or auth.LOCAL_EMAIL, role, expires_s)))


async def _issued(email: str, role: str, expires_s: int) -> str:
    await database.migrate()
    async with database.connected(role="token"):
        return await auth.issue_token(email, role, expires_s)
