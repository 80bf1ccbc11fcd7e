"""What processes use, read from /proc: CPU seconds, and memory in which shared pages are counted once (PSS)."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.25
Groups = Mapping[str, Sequence[int]]
"""Process ids by the name under which they are shown; each stands for its whole tree."""


def tree(pid: int) -> list[int]:
    """The process and all below it that live."""
    found, ahead = [], [pid]
    while ahead:
        one = ahead.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                ahead += map(int, (task / "children").read_text().split())
    return found


def cpu_s(groups: Groups) -> dict[str, float]:
    """CPU seconds that each group has used so far, with those of children that have ended."""
    return {name: sum(_cpu_s(one) for pid in pids for one in tree(pid)) for name, pids in groups.items()}


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def pss_bytes(pid: int) -> int:
    """Memory of one process, shared pages by their share."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


class Peaks:
    """The most memory that each group, and all together, had."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.most: dict[str, int] = {}
        self._ended = threading.Event()

    def look(self) -> None:
        """Look once."""
        now = {name: sum(pss_bytes(one) for pid in pids for one in tree(pid)) for name, pids in self.groups.items()}
        now["all"] = sum(now.values())
        self.most = {name: max(self.most.get(name, 0), size) for name, size in now.items()}

    def look_often(self) -> None:
        """Look until the block that watches ends."""
        while not self._ended.wait(LOOK_S):
            self.look()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()


@contextlib.contextmanager
def watched(groups: Groups) -> Iterator[Peaks]:
    """The peaks of memory while the block runs."""
    peaks = Peaks(groups)
    thread = threading.Thread(target=peaks.look_often)
    thread.start()
    try:
        yield peaks
    finally:
        peaks.end()
        thread.join()
