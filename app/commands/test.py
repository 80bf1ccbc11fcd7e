"""`test`: the test suite, by pytest."""

from __future__ import annotations

import signal
import subprocess
import sys

from app.settings import CHECKOUT

EXIT_CODES = {0: 0, 2: 2, 4: 2}
"""pytest's exit codes that are not a plain failure: passed, interrupted, wrong use."""


def run(arguments: tuple[str, ...]) -> None:
    """Runs pytest with these arguments in the checkout; exits 0, 1 or 2."""
    process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], cwd=CHECKOUT)  # noqa: S603 - our own tool
    # Ctrl-C reaches pytest too, which ends in order and says how far it came.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(EXIT_CODES.get(process.wait(), 1))
