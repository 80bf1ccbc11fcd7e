"""Real processes of the service beside a test: workers that can be killed and come back, and an API."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STOP_S = 20.0


def start_process(
    command: tuple[str, ...], environment: Mapping[str, str], log: Path, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """A command of ours as a process of its own; it inherits the descriptors `pass_fds`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", *command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=pass_fds,
        )


@dataclass
class Fleet:
    """Worker processes by number. `environment` is added to ours; what they log goes to `log`."""

    environment: Mapping[str, str]
    log: Path
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, number: int) -> None:
        """Start the worker `number`."""
        self.processes[number] = start_process(("worker",), self.environment, self.log)

    def kill(self, number: int) -> None:
        """SIGKILL: it hands nothing back."""
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    def terminate(self, number: int) -> float:
        """SIGTERM; the seconds until it had ended. TimeoutExpired where it does not."""
        process = self.processes.pop(number)
        begun_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return time.monotonic() - begun_s

    def stop(self) -> None:
        """End all of them, whatever they are at."""
        for number in list(self.processes):
            self.kill(number)

    def said(self, event: str) -> int:
        """How often the log has the event."""
        return self.log.read_text(errors="replace").count(f'"event":"{event}"')


@contextlib.contextmanager
def fleet(count: int, environment: Mapping[str, str], log: Path) -> Iterator[Fleet]:
    """`count` workers, numbered from 0; all ended at the end."""
    found = Fleet(environment, log)
    try:
        for number in range(count):
            found.start(number)
        yield found
    finally:
        found.stop()
