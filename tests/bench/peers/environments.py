"""An environment of its own for each peer, with the versions in `requirements/`: nothing of theirs gets into ours."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from app.settings import CHECKOUT

HOME = CHECKOUT / ".pixcrawler" / "peers"
REQUIREMENTS = Path(__file__).parent / "requirements"
INSTALL_S = 300.0
QUIET = {
    "NO_PROXY": "127.0.0.1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "DAFT_ANALYTICS_ENABLED": "0",
    "DO_NOT_TRACK": "true",
    "WANDB_MODE": "disabled",
}
"""What keeps peers from asking the internet whether they are up to date, or telling it that they run."""


def python_of(peer: str) -> Path:
    """The peer's Python; made where it is not there or was made of other versions. SubprocessError where that fails."""
    wanted = REQUIREMENTS / f"{peer}.txt"
    made_of = f"{sys.version_info[:2]} {wanted.read_text()}".encode()
    folder = HOME / f"{peer}-{hashlib.sha256(made_of).hexdigest()[:12]}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.exists():
        return python
    for former in HOME.glob(f"{peer}-*"):
        shutil.rmtree(former)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S)
    ready.touch()
    return python
