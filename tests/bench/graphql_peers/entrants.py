"""The servers: ours as `pixcrawler api` starts it, two of Node's, and the limit; each as one process or several."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.settings import CHECKOUT
from tests.bench.graphql_peers import operations
from tests.bench.graphql_peers.data import Data
from tests.bench.graphql_peers.load import ask, request
from tests.support.fleet import start_process

NODE = Path(__file__).parent / "servers"
HOME = CHECKOUT / ".pixcrawler" / "graphql_peers"
INSTALL_S = 300.0
START_S = 30.0
NAMES = ("ours", "limit", "postgraphile", "mercurius")
CONNECTIONS = {"postgraphile": 6, "mercurius": 12}
"""To the database, of each process: of 3, 6 and 12 those with which it answers most; the limit has as many as ours."""
SERVICE = {
    "PIXCRAWLER_LOG_LEVEL": "INFO",
    "PIXCRAWLER_RATE_PER_USER": "1000000",
    "PIXCRAWLER_RATE_PER_ADDRESS": "1000000",
}
"""Our service as it comes, but that one user at one address may ask as often as it answers."""


@dataclass
class Entrant:
    """A server that runs: where, in which processes, and what it is asked."""

    name: str
    port: int
    processes: list[subprocess.Popen[bytes]]
    token: str
    bodies: dict[str, bytes] = field(default_factory=dict)

    def pids(self) -> list[int]:
        """Of its processes; each stands for its tree."""
        return [one.pid for one in self.processes]

    def data(self, query: str, variables: dict[str, Any]) -> Any:
        """What it answers to one operation."""
        return orjson.loads(self.answer(orjson.dumps({"query": query, "variables": variables})))["data"]

    def answer(self, body: bytes) -> bytes:
        """The body of its answer to a request's body."""
        return ask(self.port, request(body, self.token))


@contextlib.contextmanager
def running(name: str, data: Data, workers: int, home: Path) -> Iterator[Entrant]:
    """Start a server, wait until it answers, and end it."""
    log = home / f"{name}.log"
    dialects = {
        "ours": operations.OURS,
        "limit": operations.LIMIT,
        "postgraphile": operations.postgraphile(data.viewer),
        "mercurius": operations.MERCURIUS,
    }
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))
        port = listener.getsockname()[1]
        if name in ("ours", "limit"):
            listener.set_inheritable(True)
            start = _ours if name == "ours" else _limit
            processes = [start(listener.fileno(), data, log) for _ in range(workers)]
        else:
            listener.close()  # Node makes its own; nobody else is given the port so soon
            processes = [_node(name, port, data, workers, log)]
        held.callback(_end, processes)
        entrant = Entrant(name, port, processes, data.token)
        _ready(entrant, dialects[name], data, log)
        yield entrant


def _ready(entrant: Entrant, dialect: operations.Dialect, data: Data, log: Path) -> None:
    ends_s = time.monotonic() + START_S
    while True:
        try:
            entrant.bodies = dialect.bodies(entrant.data, data)
            entrant.answer(entrant.bodies["Q1"])
            return
        except (OSError, ValueError) as error:
            if time.monotonic() > ends_s or any(one.poll() is not None for one in entrant.processes):
                raise SystemExit(f"{entrant.name} does not answer: {error} {log.read_text()[-3000:]}") from error
            time.sleep(0.1)


def _ours(descriptor: int, _: Data, log: Path) -> subprocess.Popen[bytes]:
    return start_process(("api", "--fd", str(descriptor)), SERVICE, log, pass_fds=(descriptor,))


def _limit(descriptor: int, data: Data, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "tests.bench.graphql_peers.limit", str(descriptor)]
    return _process(command, {"VIEWER": data.viewer, "PYTHONPATH": str(CHECKOUT)}, log, pass_fds=(descriptor,))


def _node(name: str, port: int, data: Data, workers: int, log: Path) -> subprocess.Popen[bytes]:
    from app.database import credentials
    from app.settings import settings

    database = credentials(settings().database_url)
    environment = {
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
        "PGHOST": str(database["host"]),
        "PGPORT": str(database["port"]),
        "PGUSER": str(database["user"]),
        "PGPASSWORD": str(database["password"] or ""),
        "PGDATABASE": str(database["database"]),
        "PORT": str(port),
        "WORKERS": str(workers),
        "CONNECTIONS": str(CONNECTIONS[name]),
        "VIEWER": data.viewer,
    }
    return _process(["node", str(packages() / f"{name}.js")], environment, log)


def _process(command: list[str], added: Mapping[str, str], log: Path, **spawn: Any) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command, env={**os.environ, **added}, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **spawn
        )


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for one in processes:
        one.terminate()
    for one in processes:
        try:
            one.wait(15)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


def packages() -> Path:
    """The folder of the Node servers with what they need; installed on first use, and when its lock file changes."""
    lock = (NODE / "package-lock.json").read_bytes()
    folder = HOME / hashlib.sha256(lock).hexdigest()[:12]
    if not (folder / "ready").exists():
        if shutil.which("npm") is None:
            raise SystemExit("PostGraphile and Mercurius need Node 20 and npm; --only ours limit leaves them out.")
        shutil.rmtree(HOME, ignore_errors=True)
        shutil.copytree(NODE, folder)
        command = ["npm", "ci", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_S)
        (folder / "ready").touch()
    for script in NODE.glob("*.js"):
        shutil.copy(script, folder)
    return folder
