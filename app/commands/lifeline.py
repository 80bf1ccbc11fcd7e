"""A supervised process ends with its supervisor, even one that was killed: its stdin is a pipe that closes then."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

GRACE_S = 15.0
"""How long a process may take to end in order once its supervisor is gone."""


def watch() -> None:
    """Ends this process once stdin ends."""
    threading.Thread(target=_end_with_stdin, name="lifeline", daemon=True).start()


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)
