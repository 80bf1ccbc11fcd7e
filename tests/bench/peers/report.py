"""The tables at the end: what each entrant did, and whether the bars are reached."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.peers.contest import Record
from tests.bench.peers.entrants import BARS, Bar
from tests.bench.peers.turns import Turn


@dataclass(frozen=True)
class Found:
    """A bar's outcome: the ratio of the medians, and the least and most within one round.

    `by_cpu` is the same by images a CPU second, which says more than rates do where others are at work too.
    """

    bar: Bar
    ratio: float
    least: float
    most: float
    by_cpu: float

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.bar.least is None:
            return ""
        return "reached" if self.ratio >= self.bar.least else "missed"


def middle(record: Record, of: Callable[[Turn], float]) -> float:
    """The median over the rounds."""
    return statistics.median(of(turn) for turn in record.turns)


def cpu_ms(record: Record) -> float:
    """CPU milliseconds an image, without what starting costs."""
    return middle(record, lambda turn: 1000 * (turn.cpu_s - record.start_cpu_s) / turn.images)


def outcomes(records: Sequence[Record]) -> list[Found]:
    """The bars of which both sides have figures."""
    known = {one.entrant.name: one for one in records if one.turns}
    found = []
    for bar in BARS:
        if bar.ours not in known or bar.other not in known:
            continue
        ours, other = known[bar.ours], known[bar.other]
        each = [one.rate / two.rate for one, two in zip(ours.turns, other.turns, strict=False)]
        ratio = middle(ours, lambda turn: turn.rate) / middle(other, lambda turn: turn.rate)
        found.append(Found(bar, ratio, min(each), max(each), cpu_ms(other) / cpu_ms(ours)))
    return found


def table(records: Sequence[Record]) -> Iterator[str]:
    """Lines: what each entrant did; medians, rates of the work alone with their least and most."""
    yield "| entrant | images/s | least to most | with its start and end | CPU ms an image | PSS, MiB | others, cores |"
    yield "|---|---|---|---|---|---|---|"
    for one in records:
        if one.turns:
            yield _row(one)
        if one.failure is not None:
            yield f"| {one.entrant.name} | {one.failure} | | | | | |"


def _row(one: Record) -> str:
    rates = [turn.rate for turn in one.turns]
    whole = "" if one.entrant.program == "ours" else f"{middle(one, lambda turn: turn.images / turn.whole_s):,.0f}"
    return (
        f"| {one.entrant.name} | {statistics.median(rates):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} | {whole} "
        f"| {cpu_ms(one):.2f} | {middle(one, lambda turn: turn.memory) / 2**20:,.0f} "
        f"| {middle(one, lambda turn: turn.others):.2f} |"
    )


def bars(records: Sequence[Record]) -> Iterator[str]:
    """Lines: the ratios, those wanted and those found."""
    yield "| ours | of | wanted | found | by round | | by CPU |"
    yield "|---|---|---|---|---|---|---|"
    for one in outcomes(records):
        wanted = "" if one.bar.least is None else f"{one.bar.least:.1f}"
        yield (
            f"| {one.bar.ours} | {one.bar.other} | {wanted} | {one.ratio:.2f} "
            f"| {one.least:.2f} to {one.most:.2f} | {one.verdict} | {one.by_cpu:.2f} |"
        )


def details(records: Sequence[Record]) -> Iterator[str]:
    """Lines: where ours spent its CPU and memory, and how long it took to the first stored image."""
    yield "| ours | first image, s | " + " | ".join(f"{name}, CPU ms" for name in _PARTS) + " | PSS of all, MiB |"
    yield "|---" * (len(_PARTS) + 3) + "|"
    for one in records:
        if one.entrant.program == "ours" and one.turns:
            spent = " | ".join(f"{_median_of(one, 'cpu_ms', part):.2f}" for part in _PARTS)
            first_s = middle(one, lambda turn: turn.detail["first_s"])
            yield f"| {one.entrant.mode} | {first_s:.2f} | {spent} | {_median_of(one, 'memory', 'all') / 2**20:,.0f} |"


_PARTS = ("workers", "api", "postgres", "valkey")


def _median_of(record: Record, kind: str, part: str) -> float:
    return middle(record, lambda turn: turn.detail[kind][part])
