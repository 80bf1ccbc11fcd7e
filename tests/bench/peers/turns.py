"""One turn of an entrant: a process of its own over the same addresses, its time, its CPU, its memory, and who else
was at work on the machine meanwhile.

Every entrant is a program with the arguments URLS OUT ANSWER MODE PROCESSES. It writes into ANSWER how many `images` it
took and the `seconds` of its work; ours adds `cpu_s` and `memory`, since what it measures are not its own children.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.settings import environment
from tests.bench.meters import TICKS, Groups, cpu_s, tree, watched

LOOK_S = 0.01
REASON_CHARACTERS = 200


class Failed(Exception):
    """An entrant ended without an answer; the reason is one line."""


@dataclass(frozen=True)
class Turn:
    """What came of a turn.

    `seconds` are of the work alone, `whole_s` with the program's start and end; `cpu_s` is the whole program's, the
    web server left out; `memory` is the most bytes of PSS; `others` is how many cores everybody else kept busy.
    """

    images: int
    seconds: float
    whole_s: float
    cpu_s: float
    memory: int
    others: float
    detail: Mapping[str, Any]

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.seconds


def take_turn(command: Sequence[str], extra: Mapping[str, str], answer: Path, beside: Groups, most_s: float) -> Turn:
    """Run a program and wait. `beside` are servers that work for it. Failed where it gives no answer in `most_s`."""
    log = answer.with_suffix(".log")
    busy_s, self_s, served_s, begun_s = _busy_s(), time.process_time(), sum(cpu_s(beside).values()), time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**environment(), **extra},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        with watched({"it": [process.pid]}) as peaks:
            usage = _ended(process, most_s)
    finally:
        _end(process)
    whole_s, spent_s = time.perf_counter() - begun_s, usage.ru_utime + usage.ru_stime
    known_s = spent_s + time.process_time() - self_s + sum(cpu_s(beside).values()) - served_s
    if process.returncode or not answer.exists():
        raise Failed(_reason(process.returncode, whole_s, most_s, log))
    said = json.loads(answer.read_text())
    return Turn(
        images=said["images"],
        seconds=said["seconds"],
        whole_s=whole_s,
        cpu_s=said.get("cpu_s", spent_s),
        memory=said.get("memory", peaks.most.get("all", 0)),
        others=max(0.0, _busy_s() - busy_s - known_s) / whole_s,
        detail=said.get("detail", {}),
    )


def _ended(process: subprocess.Popen[bytes], most_s: float) -> Any:
    """Wait until it ends, or end it; what it and its children used."""
    ends_s = time.monotonic() + most_s
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > ends_s:
            _end(process)
        time.sleep(LOOK_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what still runs of it: its tree where it was not waited for, then what is left of its session."""
    for pid in tree(process.pid) if process.returncode is None else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _busy_s() -> float:
    """CPU seconds of the whole machine so far, without those in which it was idle or waited for a disk."""
    user, nice, system, _idle, _wait, irq, softirq, steal = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, irq, softirq, steal))) / TICKS


def _reason(code: int | None, whole_s: float, most_s: float, log: Path) -> str:
    if whole_s >= most_s:
        return f"ended after {most_s:.0f} s"
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"exit code {code}: {lines[-1] if lines else 'it said nothing'}"[:REASON_CHARACTERS]
