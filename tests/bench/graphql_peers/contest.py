"""Rounds in which each server gets a turn at each operation, the order moved on by one each round."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.graphql_peers.data import Data
from tests.bench.graphql_peers.entrants import Entrant, running
from tests.bench.graphql_peers.load import load, request
from tests.bench.graphql_peers.operations import Content, content
from tests.bench.meters import cpu_s, tree

WARM_REQUESTS_S = 0.3
FIRST_WARM_S = 1.0
"""Just-in-time compilers need their time; it is not counted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One server's turn at one operation."""

    rate: float
    server_ms: float
    """CPU of the server's processes, milliseconds a request."""
    postgres_ms: float
    generator_ms: float
    p50_ms: float
    p99_ms: float
    others: float
    """Cores that were at work on something else."""


@dataclass(frozen=True, slots=True)
class Cell:
    """All turns of one server at one operation."""

    workers: int
    entrant: str
    operation: str
    bytes: int
    content: Content
    turns: list[Turn]

    def middle(self, of: str) -> float:
        """The median over the rounds of a turn's figure."""
        return float(statistics.median(getattr(turn, of) for turn in self.turns))

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    entrants: Sequence[str]
    rounds: int
    seconds: float
    """Of one turn."""
    connections: int
    postgres: int
    """Process id of the database server."""
    workers: int = 1
    """Processes of a server."""


def contest(plan: Plan, data: Data, home: Path, say: Callable[[str], None]) -> list[Cell]:
    """All servers side by side, idle while it is not their turn. SystemExit where two do not answer the same."""
    with contextlib.ExitStack() as held:
        return rounds(
            plan, [held.enter_context(running(name, data, plan.workers, home)) for name in plan.entrants], say
        )


def rounds(plan: Plan, entrants: Sequence[Entrant], say: Callable[[str], None]) -> list[Cell]:
    """The turns of servers that run, at the operations of which they have bodies."""
    names = list(entrants[0].bodies)
    cells = {(one.name, name): _cell(one, name, plan.workers) for one in entrants for name in names}
    _agree(list(cells.values()))
    with _cores(plan, entrants, apart=plan.workers == 1):
        for one in entrants:
            for name in names:
                _load(one, cells[one.name, name], FIRST_WARM_S, plan.connections)
        for number in range(plan.rounds):
            say(f"{plan.workers} worker(s), round {number + 1} of {plan.rounds}")
            for name in names:
                for one in (*entrants[number % len(entrants) :], *entrants[: number % len(entrants)]):
                    cells[one.name, name].turns.append(_turn(plan, one, cells[one.name, name]))
    return list(cells.values())


def _cell(entrant: Entrant, name: str, workers: int) -> Cell:
    body = entrant.answer(entrant.bodies[name])
    return Cell(workers, entrant.name, name, len(body), content(body), [])


def _agree(cells: Sequence[Cell]) -> None:
    for name in dict.fromkeys(cell.operation for cell in cells):
        found = {cell.entrant: cell.content for cell in cells if cell.operation == name}
        if len(set(found.values())) > 1:
            raise SystemExit(f"{name} is not answered alike: {found}")


def _load(entrant: Entrant, cell: Cell, seconds: float, connections: int) -> Any:
    sent = request(entrant.bodies[cell.operation], entrant.token)
    return load(entrant.port, sent, cell.bytes, seconds, connections)


def _turn(plan: Plan, entrant: Entrant, cell: Cell) -> Turn:
    _load(entrant, cell, WARM_REQUESTS_S, plan.connections)
    groups = {"server": entrant.pids(), "postgres": [plan.postgres]}
    before, busy = cpu_s(groups), _busy_s()
    found = _load(entrant, cell, plan.seconds, plan.connections)
    after, all_s = cpu_s(groups), _busy_s() - busy
    spent = {name: after[name] - before[name] for name in groups}
    cuts = statistics.quantiles(found.latencies_s, n=100)
    return Turn(
        rate=found.requests / found.seconds,
        server_ms=1000 * spent["server"] / found.requests,
        postgres_ms=1000 * spent["postgres"] / found.requests,
        generator_ms=1000 * found.cpu_s / found.requests,
        p50_ms=1000 * cuts[49],
        p99_ms=1000 * cuts[98],
        others=max(0.0, (all_s - sum(spent.values()) - found.cpu_s) / found.seconds),
    )


def _busy_s() -> float:
    """CPU seconds that the whole machine has worked."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]))
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _cores(plan: Plan, entrants: Sequence[Entrant], *, apart: bool) -> Iterator[None]:
    """With one worker a server has a core for itself, and the database and the generator have the others."""
    all_cores = os.sched_getaffinity(0)
    if apart and len(all_cores) > 1:
        first = min(all_cores)
        for one in entrants:
            _pin(one.pids(), {first})
        _pin([plan.postgres, os.getpid()], all_cores - {first})
    try:
        yield
    finally:
        _pin([plan.postgres, os.getpid()], all_cores)


def _pin(pids: Sequence[int], cores: set[int]) -> None:
    """Keep processes, their threads and what they start later on some cores."""
    for pid in pids:
        below = [pid] if pid == os.getpid() else tree(pid)
        for task in (task for one in below for task in Path(f"/proc/{one}/task").glob("*")):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(task.name), cores)
