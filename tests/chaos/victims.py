"""The processes of an `up`, by what they are, and their sudden end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from app import embedded
from app.commands import state

KINDS = ("worker", "api", "valkey", "postgres", "backend")
"""`postgres` is the server itself; `backend` any one of its children, whose end makes it start all others again."""


@dataclass(frozen=True)
class Kill:
    """What was killed, and when (monotonic seconds)."""

    kind: str
    at_s: float


def living(home: Path) -> dict[str, list[int]]:
    """Process ids by kind of all that lives in a home."""
    running = state.read(home)
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for child in running.processes if running else ():
        if state.is_alive(child, home):
            found[child.name].append(child.pid)
    servers = embedded.alive(home)
    if servers.valkey is not None:
        found["valkey"].append(servers.valkey)
    if servers.postgres is not None:
        found["postgres"].append(servers.postgres)
        found["backend"] = children(servers.postgres)
    return found


def children(pid: int) -> list[int]:
    """The ids of a process's children."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
            if parent == pid:
                found.append(int(folder.name))
    return found


def left_in(home: Path) -> list[str]:
    """Command lines of the processes that still name a home, or the folder in which its servers' data lies."""
    marks = [os.fsencode(home), os.fsencode((home / "embedded").resolve())]
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes()
            if any(mark in words for mark in marks) and path.parent.name != str(os.getpid()):
                found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


@dataclass
class Killer:
    """Kills something every `every_s` seconds, each kind as likely as the others."""

    home: Path
    every_s: float
    chance: random.Random
    kills: list[Kill] = field(default_factory=list)

    async def run(self) -> None:
        """Kill until cancelled."""
        while True:
            await asyncio.sleep(self.every_s)
            await asyncio.to_thread(self._kill)

    def _kill(self) -> None:
        found = living(self.home)
        kind = self.chance.choice([kind for kind in KINDS if found[kind]] or ["nothing"])
        if kind == "nothing":
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.chance.choice(found[kind]), signal.SIGKILL)
            self.kills.append(Kill(kind, time.monotonic()))

    @property
    def counts(self) -> dict[str, int]:
        """Kills by kind."""
        counted = Counter(kill.kind for kill in self.kills)
        return {kind: counted[kind] for kind in KINDS}
