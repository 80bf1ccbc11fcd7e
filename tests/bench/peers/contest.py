"""The rounds: each entrant in turn over the same addresses, each in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.meters import Groups
from tests.bench.peers.entrants import Entrant
from tests.bench.peers.environments import QUIET, python_of
from tests.bench.peers.turns import Failed, Turn, take_turn

ADAPTERS = Path(__file__).parent / "adapters"
HERE = {"limit": "tests.bench.limit", "ours": "tests.bench.peers.ours"}
"""Entrants that run in our own environment."""
FIRST = 32
"""Images of the turn before the first round: for what starting costs, and so that no round is the first of all."""


@dataclass
class Record:
    """An entrant's turns; `start_cpu_s` is what starting alone costs it; `failure` says why it goes on no longer."""

    entrant: Entrant
    turns: list[Turn] = field(default_factory=list)
    start_cpu_s: float = 0.0
    failure: str | None = None


@dataclass(frozen=True)
class Ground:
    """What all entrants share: the addresses, a folder for all they write, and the servers that work for them."""

    urls: Sequence[str]
    folder: Path
    beside: Groups
    processes: int
    most_s: float


def contest(ground: Ground, entrants: Sequence[Entrant], rounds: int, tell: Callable[[str], None]) -> list[Record]:
    """All turns. Who fails once is left out from then on, and the reason is kept."""
    records = [Record(one) for one in entrants]
    programs: dict[str, str | None] = {}
    for one in records:
        if one.entrant.program not in programs:
            programs[one.entrant.program] = _made_ready(one.entrant.program, tell)
        one.failure = programs[one.entrant.program]
    try:
        for number in range(rounds + 1):
            _round(ground, records, number, tell)
    except KeyboardInterrupt:
        tell("interrupted: what follows is of the turns that ended")
    return records


def _round(ground: Ground, records: Sequence[Record], number: int, tell: Callable[[str], None]) -> None:
    first = number % len(records)  # not always the same one after the same other
    for one in (*records[first:], *records[:first]):
        if one.failure is None and (number or _start_is_counted(one.entrant)):
            _turn(ground, one, number)
            tell(_told(one, number))


def _made_ready(program: str, tell: Callable[[str], None]) -> str | None:
    """Install the peer where it is missing; why that failed."""
    if program in HERE:
        return None
    tell(f"{program}: looking for its environment, or making it")
    try:
        python_of(program)
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()
        return f"not installed: {said[-1]}"
    return None


def _turn(ground: Ground, record: Record, number: int) -> None:
    """Turn 0 is the short one."""
    entrant, urls = record.entrant, ground.urls if number else ground.urls[:FIRST]
    out = ground.folder / f"{entrant.name}-{number}"
    listed, answer = out.with_suffix(".urls"), out.with_suffix(".answer")
    listed.write_text("\n".join(urls) + "\n")
    arguments = [str(listed), str(out), str(answer), entrant.mode, str(ground.processes)]
    try:
        turn = take_turn(_command(entrant) + arguments, QUIET, answer, ground.beside, ground.most_s)
    except Failed as error:
        record.failure = f"round {number}: {error}"
    else:
        if turn.images != len(urls):
            record.failure = f"round {number}: {turn.images} of {len(urls)} images"
        elif number:
            record.turns.append(turn)
        else:
            record.start_cpu_s = turn.cpu_s
    emptied(out)


def _command(entrant: Entrant) -> list[str]:
    if entrant.program in HERE:
        return [sys.executable, "-P", "-m", HERE[entrant.program]]
    return [str(python_of(entrant.program)), "-P", str(ADAPTERS / f"{entrant.program}_adapter.py")]


def _start_is_counted(entrant: Entrant) -> bool:
    """Ours counts its work only, and has a small job of its own before."""
    return entrant.program != "ours"


def emptied(folder: Path) -> None:
    """Take the bytes of all files, which nobody has to write to disk then, but leave the files.

    ext4 passes over every inode that was deleted within the last minutes, one by one: a file made after many were
    deleted costs a millisecond of CPU more, and whoever comes next would pay.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            os.truncate(path, 0)


def _told(record: Record, number: int) -> str:
    if record.failure is not None:
        return f"{number}  {record.entrant.name:<20} {record.failure}"
    if not number:
        return f"{number}  {record.entrant.name:<20} starts: {record.start_cpu_s:.1f} s CPU"
    turn = record.turns[-1]
    return f"{number}  {record.entrant.name:<20} {turn.rate:7.0f} images/s, {turn.others:.2f} cores busy with others"


def as_json(records: Sequence[Record]) -> Mapping[str, object]:
    """Every turn's figures, by entrant."""
    return {
        one.entrant.name: {
            "does": one.entrant.does,
            "failure": one.failure,
            "start_cpu_s": one.start_cpu_s,
            "turns": [vars(turn) for turn in one.turns],
        }
        for one in records
    }
