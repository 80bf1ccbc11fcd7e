"""The failure ledger of a crawl job, saved as a file of the user's."""

from __future__ import annotations

from pathlib import Path

import click

from app.commands.client import Client
from app.commands.crawling import documents
from app.commands.crawling.download import download

FORMATS = {".csv": "CSV", ".jsonl": "JSONL"}


def check(path: Path) -> None:
    """Raises click.UsageError, before any work is done, for a file that could not be written."""
    if path.suffix not in FORMATS:
        raise click.UsageError(f"--failures names a .csv or a .jsonl file, not {path.name}.")
    if not path.parent.is_dir():
        raise click.UsageError(f"--failures: there is no folder {path.parent}.")


async def save(client: Client, crawl_job_id: str, path: Path) -> None:
    """Downloads the ledger to `path`; what was there is replaced once the new one is whole.

    Raises click.ClickException.
    """

    async def link() -> str:
        variables = {"id": crawl_job_id, "format": FORMATS[path.suffix]}
        job = (await client.execute(documents.LEDGER, variables))["crawlJob"]
        if job is None:
            raise click.ClickException(f"{crawl_job_id} is not there any more.")
        return str(job["failuresUrl"])

    part = path.with_name(f".{path.name}.part")
    try:
        await download(client.http, client.url, link, part, None, lambda _: None, "failure ledger")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
