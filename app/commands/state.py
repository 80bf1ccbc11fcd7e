"""What runs in a home, as `up` records it for `status`, `down` and the next `up`. Starts and stops nothing."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from app.processes import command_line

DRAIN_S = 15.0
"""How long the processes may take to finish what they do before they are killed; a killed chunk is fetched again."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that `up` started: `api` or `worker`."""

    name: str
    pid: int


@dataclass(slots=True)
class Running:
    """The file `up.json` of a home: what `up` runs there. `url` is empty until the service is ready."""

    pid: int
    url: str = ""
    token: str | None = None
    processes: list[Child] = field(default_factory=list)

    def write(self, home: Path) -> None:
        """Records it in one step: a reader sees the old or the new."""
        fresh = home / "up.json.new"
        fresh.touch(mode=0o600)
        fresh.write_bytes(orjson.dumps(asdict(self)))
        fresh.replace(home / "up.json")


def read(home: Path) -> Running | None:
    """What `up` recorded last, alive or not."""
    try:
        found = orjson.loads((home / "up.json").read_bytes())
        return Running(found["pid"], found["url"], found["token"], [Child(**child) for child in found["processes"]])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def supervising(home: Path) -> Iterator[bool]:
    """Holds the lock that one `up` has in a home; false where another has it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def is_supervised(home: Path) -> bool:
    """Whether an `up` lives in this home."""
    if not (home / "up.lock").exists():
        return False
    with supervising(home) as free:
        return not free


def is_alive(child: Child, home: Path) -> bool:
    """Whether a recorded process lives: its command line names the home, so that no stranger is taken for it."""
    return f"--supervised {home} " in f"{command_line(child.pid).strip()} "


def outcome(running: Running, home: Path) -> dict[str, str | None]:
    """What `up --json` prints."""
    return {
        "url": running.url,
        "graphql_url": f"{running.url}/graphql",
        "token": running.token,
        "home": str(home),
    }
