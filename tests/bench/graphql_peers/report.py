"""The tables at the end: what each server did, whether the bars are reached, and what other data changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.graphql_peers.contest import Cell
from tests.bench.graphql_peers.operations import NAMES

RATE_BARS = {
    "Q1": {"postgraphile": 1.0},
    "Q2": {"postgraphile": 2.0, "mercurius": 1.2},
    "Q3": {"postgraphile": 2.0, "mercurius": 1.2},
    "Q4": {"postgraphile": 1.0},
}
"""At least how many times another server's requests a second."""
CPU_BAR = 3.0
"""At most how many times the limit's CPU a request."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bar, and what was found: of the medians, and the least and most within one round."""

    workers: int
    operation: str
    of: str
    wanted: str
    found: float
    least: float
    most: float
    reached: bool

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def outcomes(cells: Sequence[Cell]) -> Iterator[Outcome]:
    """The bars of which both sides have figures."""
    known = {(cell.workers, cell.operation, cell.entrant): cell for cell in cells}
    for workers in sorted({cell.workers for cell in cells}):
        for name in NAMES:
            ours = known.get((workers, name, "ours"))
            if ours is None:
                continue
            for other, bar in RATE_BARS[name].items():
                if found := known.get((workers, name, other)):
                    yield _outcome(ours, found, "rate", bar)
            if found := known.get((workers, name, "limit")):
                yield _outcome(ours, found, "server_ms", CPU_BAR)


def _outcome(ours: Cell, other: Cell, of: str, bar: float) -> Outcome:
    found = ours.middle(of) / other.middle(of)
    each = [getattr(one, of) / getattr(two, of) for one, two in zip(ours.turns, other.turns, strict=True)]
    rate = of == "rate"
    return Outcome(
        workers=ours.workers,
        operation=ours.operation,
        of=f"{other.entrant}'s {'requests/s' if rate else 'CPU'}",
        wanted=f"{'≥' if rate else '≤'} {bar}",
        found=round(found, 2),
        least=round(min(each), 2),
        most=round(max(each), 2),
        reached=found >= bar if rate else found <= bar,
    )


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Lines: the medians of each server."""
    yield (
        "| workers | query | server | requests/s | CPU ms | PostgreSQL ms | p50 ms | p99 ms | KiB | rows | ids "
        "| generator ms | others, cores |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for cell in sorted(cells, key=lambda one: (one.workers, one.operation)):
        yield (
            f"| {cell.workers} | {cell.operation} | {cell.entrant} | {cell.middle('rate'):,.0f} "
            f"| {cell.middle('server_ms'):.3f} | {cell.middle('postgres_ms'):.3f} | {cell.middle('p50_ms'):.2f} "
            f"| {cell.middle('p99_ms'):.2f} | {cell.bytes / 1024:.1f} | {cell.content.rows:,} | {cell.content.ids} "
            f"| {cell.middle('generator_ms'):.3f} | {cell.middle('others'):.2f} |"
        )


def bars(found: Sequence[Outcome]) -> Iterator[str]:
    """Lines: ours beside others."""
    yield "| workers | query | ours, of | wanted | found | by round | |"
    yield "|---|---|---|---|---|---|---|"
    for one in found:
        verdict = "reached" if one.reached else "missed"
        yield (
            f"| {one.workers} | {one.operation} | {one.of} | {one.wanted} | {one.found:.2f} "
            f"| {one.least:.2f} to {one.most:.2f} | {verdict} |"
        )


def growth(cells: Sequence[Cell], former: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines: a query's time beside that of an earlier run with other data."""
    yield "| workers | query | server | p50 ms before | p50 ms now | times | all CPU ms before | now | times |"
    yield "|---|---|---|---|---|---|---|---|---|"
    known = {(one["workers"], one["entrant"], one["operation"]): one["middle"] for one in former}
    for cell in cells:
        before = known.get((cell.workers, cell.entrant, cell.operation))
        if before is None:
            continue
        wait, work = cell.middle("p50_ms"), cell.middle("server_ms") + cell.middle("postgres_ms")
        work_before = before["server_ms"] + before["postgres_ms"]
        yield (
            f"| {cell.workers} | {cell.operation} | {cell.entrant} | {before['p50_ms']:.2f} | {wait:.2f} "
            f"| {wait / before['p50_ms']:.2f} | {work_before:.3f} | {work:.3f} | {work / work_before:.2f} |"
        )
