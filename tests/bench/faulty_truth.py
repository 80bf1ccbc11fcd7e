"""What must become of an image that a misbehaving server gave, and what did.

The server's truth says which fault each path has, and whether the fault passes after some requests. What a row may be
is told here in the words of `images.status` and `images.issues`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TAKEN = frozenset({"downloaded", "duplicate"})
ENDS = {
    "none": TAKEN,
    "latency": TAKEN,
    "wrong_type": TAKEN,
    "redirect_chain": TAKEN,
    "slow_drip": TAKEN,
    "reset": frozenset({"truncated", "connect_failed"}),
    "truncated_body": frozenset({"truncated"}),
    "error_500": frozenset({"http_status 500"}),
    "unavailable_503": frozenset({"http_status 503"}),
    "busy_429": frozenset({"http_status 429"}),
    "cut_file": frozenset({"truncated"}),
    "zero_fill": frozenset({"corrupt"}),
    "html": frozenset({"not_an_image"}),
    "html_as_jpeg": frozenset({"not_an_image"}),
    "redirect_loop": frozenset({"too_many_redirects"}),
}
"""How a row may end by its fault: a status, or the code of its issue with the HTTP status that was measured."""
MAY_PASS = frozenset({"zero_fill"})
"""Damage that a decoder may not be able to see: taken is no wrong verdict, and is counted."""
RETRIED = frozenset({"reset", "truncated_body", "error_500", "unavailable_503", "busy_429"})
"""Faults that may pass: a row of them was tried more than once, however it ended."""


@dataclass(frozen=True)
class Truth:
    """What the server says of a path: its fault and what is expected."""

    path: str
    fault: str
    expected: str


@dataclass(frozen=True)
class Row:
    """What became of a path: its status or refusal, as ENDS has it, and how often it was tried."""

    path: str
    end: str
    attempts: int


def wrong(truth: Truth, row: Row | None) -> str:
    """What is wrong with a row's end; nothing where it is right."""
    if row is None:
        return "no row"
    heals = truth.expected == "ok_after_retry"
    allowed = TAKEN if heals else ENDS[truth.fault]
    if row.end not in allowed and not (truth.fault in MAY_PASS and row.end in TAKEN):
        return f"{row.end}, not {' or '.join(sorted(allowed))}"
    if truth.fault in RETRIED and row.attempts < 2:
        return f"{row.end} after {row.attempts} attempt"
    return ""


@dataclass(frozen=True)
class Comparison:
    """All rows of a job beside the truth."""

    counts: Mapping[tuple[str, str], int]
    attempts: Mapping[str, float]
    wrong: Sequence[str]
    lost: int
    """Intact files that were refused."""

    def lines(self) -> list[str]:
        """A table, fault by verdict, and what is wrong."""
        ends = sorted({end for _, end in self.counts}, key=lambda end: (end not in TAKEN, end))
        lines = [f"{'fault':17}" + "".join(f"{end:>{max(11, len(end) + 2)}}" for end in ends) + "   tried"]
        for fault in (one for one in ENDS if one in self.attempts):
            cells = "".join(f"{self.counts.get((fault, end), 0) or '.':>{max(11, len(end) + 2)}}" for end in ends)
            lines.append(f"{fault:17}{cells}{self.attempts[fault]:8.2f}")
        return [*lines, f"wrong verdicts: {len(self.wrong)}; intact files refused: {self.lost}", *self.wrong[:40]]


def compare(truths: Iterable[Truth], rows: Mapping[str, Row]) -> Comparison:
    """The table and what is wrong; `rows` by path."""
    counts: Counter[tuple[str, str]] = Counter()
    attempts: dict[str, list[int]] = {}
    found, lost = [], 0
    for truth in truths:
        row = rows.get(truth.path)
        end = row.end if row else "no row"
        counts[truth.fault, end] += 1
        attempts.setdefault(truth.fault, []).append(row.attempts if row else 0)
        if said := wrong(truth, row):
            found.append(f"  {truth.path}: {truth.fault}: {said}")
        lost += end not in TAKEN and (ENDS[truth.fault] == TAKEN or truth.expected == "ok_after_retry")
    return Comparison(counts, {fault: sum(tried) / len(tried) for fault, tried in attempts.items()}, found, lost)
