"""What a dataset holds, for people: classes, licenses, and why the rest is not in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.columns import Columns
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from app.commands.client import Client, Json
from app.commands.crawling import documents
from app.commands.crawling.journey import Outcome
from app.commands.crawling.show import megabytes
from app.commands.crawling.target import MARKER, metadata

INVALID_PAGES = 10
"""Pages of 100 invalid rows that are read for their reasons; a large crawl's reasons are told by its first rows."""
CLASSES_SHOWN = 30
REASONS_SHOWN = 12


@dataclass(slots=True)
class Why:
    """Why rows were left out: how many for which reason, and how many of the failed ones a retry may bring."""

    reasons: Counter[str] = field(default_factory=Counter)
    retryable: int = 0


async def reasons(client: Client, crawl_job_id: str) -> Why:
    """How many rows failed, and how many are invalid, by reason."""
    data = await client.execute(documents.FAILURES, {"id": crawl_job_id})
    failures: Json = data["crawlJob"]["failures"]
    found = Why(retryable=failures["retryable"])
    for entry in failures["byReason"]:
        left = entry["count"]
        for one in entry["statuses"]:
            left -= one["count"]
            found.reasons[f"failed, {entry['code']} {one['httpStatus']}: {entry['message']}"] = one["count"]
        if left:
            found.reasons[f"failed, {entry['code']}: {entry['message']}"] = left
    found.reasons += await _invalid(client, crawl_job_id)
    return found


async def _invalid(client: Client, crawl_job_id: str) -> Counter[str]:
    """How many rows are invalid, by their first issue."""
    found: Counter[str] = Counter()
    after: str | None = None
    for _ in range(INVALID_PAGES):
        data = await client.execute(documents.INVALID, {"id": crawl_job_id, "after": after})
        images: Json = data["crawlJob"]["images"]
        for node in images["nodes"]:
            issue = node["issues"][0] if node["issues"] else {"code": "unknown", "message": "No reason was given."}
            found[f"invalid, {issue['code']}: {issue['message']}"] += 1
        after = images["pageInfo"]["endCursor"]
        if not images["pageInfo"]["hasNextPage"]:
            break
    return found


def show(console: Console, outcome: Outcome, why: Why) -> None:
    """Prints the dataset's path and contents, and what was left out."""
    folder = Path(outcome.dataset)
    left = f"{outcome.duplicates:,} duplicates, {outcome.failed:,} failed, {outcome.invalid:,} invalid"
    console.print(
        f"\n[bold]{outcome.images:,} images[/] in {outcome.seconds:.1f} s ({megabytes(outcome.bytes)}); "
        f"left out: {left}.",
        highlight=False,
    )
    if outcome.difference is not None:
        console.print(compared(outcome.difference), highlight=False)
    facts = Table.grid(padding=(1, 0, 0, 0))
    facts.add_row(licenses(folder))
    if why.reasons:
        facts.add_row(_table("Left out because", why.reasons.most_common(REASONS_SHOWN)))
    # Side by side where there is room, below each other where there is not.
    console.print(Columns([contents(folder), facts], padding=(1, 6)))
    if why.retryable:
        again = f'retryCrawlJob(id: "{outcome.crawl_job_id}", retryable: true)'
        console.print(f"{why.retryable:,} failed by what may be over later: {again} tries them again.", markup=False)


def compared(difference: Json) -> str:
    """The difference to the former job in a sentence; what nobody can tell any more is left out."""
    told = [f"[bold]{difference[name]:,} {name}[/]" for name in ("new", "changed", "unchanged")]
    if difference["gone"] is not None:
        told.append(f"[bold]{difference['gone']:,} gone[/]")
    if difference["undecided"]:
        told.append(f"{difference['undecided']:,} not looked for or not fetched")
    return f"Since the last time: {', '.join(told)}."


def contents(folder: Path) -> Tree:
    """The folder as a tree, with the images of each class."""
    tree = Tree(f"[bold]{escape(str(folder))}[/]", highlight=False)
    entries = sorted(folder.iterdir(), key=lambda entry: (entry.is_file(), entry.name))
    shown = [entry for entry in entries if entry.name != MARKER]
    for entry in shown[:CLASSES_SHOWN]:
        if entry.is_dir():
            tree.add(f"[cyan]{escape(entry.name)}/[/] {sum(1 for _ in entry.iterdir()):,}", highlight=False)
        else:
            tree.add(f"{escape(entry.name)} [dim]{megabytes(entry.stat().st_size)}[/]", highlight=False)
    if len(shown) > CLASSES_SHOWN:
        tree.add(f"… and {len(shown) - CLASSES_SHOWN:,} more")
    return tree


def licenses(folder: Path) -> Table:
    """How many images are under which license."""
    found = Counter(entry.get("license") or "not known" for entry in metadata(folder))
    return _table("License", found.most_common())


def _table(title: str, rows: list[tuple[str, int]]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column(title)
    table.add_column("Images", justify="right")
    for name, number in rows:
        table.add_row(escape(name), f"{number:,}")
    return table
