"""What sources have for keywords, as a table: for people before they crawl."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands.client import Client, Json
from app.commands.crawling import documents
from app.commands.crawling.journey import Wanted, asked_sources


async def ask(client: Client, wanted: Wanted) -> list[Json]:
    """The preview's entries. Raises ServiceRefused."""
    asked: Json = {"sources": await asked_sources(client, wanted), "keywords": list(wanted.keywords)}
    if wanted.expansion is not None:
        asked["expansion"] = wanted.expansion
    payload = await client.mutate(documents.PREVIEW, {"input": asked})
    return list(payload["entries"])


def show(console: Console, entries: list[Json]) -> None:
    """Prints a row for each source and term."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for name in ("Source", "Keyword", "Searched for"):
        table.add_column(name)
    table.add_column("Has", justify="right")
    table.add_column("First of it", overflow="fold")
    for entry in entries:
        table.add_row(*(escape(cell) for cell in _cells(entry)))
    console.print(table)


def _cells(entry: Json) -> tuple[str, ...]:
    """A source that does not count shows a question mark; one that does not answer shows why."""
    error: dict[str, Any] | None = entry["error"]
    total, keyword, term = entry["total"], entry["keyword"] or "", entry["term"] or ""
    if error is not None:
        return entry["source"], keyword, term, "-", str(error["message"])
    addresses = "\n".join(one["landingUrl"] or one["url"] for one in entry["candidates"])
    return entry["source"], keyword, term, "?" if total is None else f"{total:,}", addresses or "nothing"
