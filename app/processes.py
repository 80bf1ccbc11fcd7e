"""Processes that outlive whoever started them: started detached, found again by their pid file, ended in bounded time.

What they are and when they are ready is for others to know.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LOG_BYTES = 8 * 2**20
"""A log that has passed this is begun anew at the next start."""

EXEC_S = 0.5
"""While a process becomes another program it has no words for a moment, and has not ended all the same."""

_BACKGROUND = 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'


def detach(command: Sequence[str], log: Path, env: Mapping[str, str], **spawn: Any) -> int:
    """Starts a process that belongs to nobody and writes its output to `log`; its process id.

    `spawn` goes to subprocess, e.g. the user to run as. A shell's background job in a session of its own outlives us,
    gets no Ctrl-C of ours, and leaves us no zombie.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.unlink()
    started = subprocess.run(  # noqa: S603 - the caller's own command
        ["/bin/sh", "-c", _BACKGROUND, "sh", str(log), *command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env=dict(env),
        start_new_session=True,
        umask=0o077,
        **spawn,
    )
    return int(started.stdout)


def recorded(pid_file: Path, mark: str) -> int | None:
    """The process that the first line of a pid file names, if it lives and `mark` is part of its command line.

    A file outlives its process, and the number is given out again: without the mark one would end a stranger.
    """
    try:
        pid = int(pid_file.read_text().split(maxsplit=1)[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if mark in command_line(pid) else None


def command_line(pid: int) -> str:
    """What a process was started with; empty for one that has ended, zombies included."""
    if not Path("/proc/self/cmdline").exists():
        shown = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)  # noqa: S603
        return shown.stdout
    deadline = time.monotonic() + EXEC_S
    with contextlib.suppress(OSError):
        while True:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            if words or time.monotonic() > deadline or _has_ended(pid):
                return words.replace(b"\0", b" ").decode(errors="replace")
    return ""


def _has_ended(pid: int) -> bool:
    """Whether it is a zombie. Raises OSError where not even that is left."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")


def speaks(path: Path, question: bytes, answer: bytes) -> bool:
    """Whether a server answers on its Unix socket within two seconds; a dying one still takes connections."""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(2.0)
        connection.connect(str(path))
        connection.sendall(question)
        return connection.recv(64).startswith(answer)
    return False


def end(pid: int | None, word: signal.Signals, patience_s: float) -> None:
    """Asks a process to end with `word`, and kills it when it has not after `patience_s` seconds. None is nobody."""
    if pid is None:
        return
    for number, seconds in ((word, patience_s), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not command_line(pid):
                return
            time.sleep(0.01)


def last_line(log: Path) -> str:
    """The last line of a log that is not blank, for an error message."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 4096))
            lines = [line for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "no log"
    return lines[-1].strip() if lines else "an empty log"
