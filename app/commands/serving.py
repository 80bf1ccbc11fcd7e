"""What `up` runs: migrations, then the API and workers under a supervisor, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import click

from app import auth, database, log
from app.commands import ports, services, state
from app.commands.supervisor import Supervisor
from app.settings import Settings, adopt, settings

READY_S = 60.0
"""How long the processes may take until the service is ready."""
RESTARTS = 6
"""A service whose processes end this often before it is ready will not become so."""


def serve(home: Path, port: int | None, workers: int | None, ready: Callable[[state.Running], None]) -> None:
    """Serves in this home until SIGINT or SIGTERM; `ready` is told once. Raises click.ClickException."""
    found = settings()
    log.configure(found.log_level, as_json=found.log_json, process="up")
    with contextlib.closing(_listener(found, port)) as listener, services.running():
        asyncio.run(_serve(home, listener, workers, ready, embedded=services.wants_embedded(found)))


def _listener(found: Settings, port: int | None) -> socket.socket:
    auth.check_configuration(found)
    listener = ports.listen(found.host, found.port if port is None else port)
    adopt({"PIXCRAWLER_PORT": str(listener.getsockname()[1])})
    return listener


async def _serve(
    home: Path,
    listener: socket.socket,
    workers: int | None,
    ready: Callable[[state.Running], None],
    *,
    embedded: bool,
) -> None:
    await database.migrate()
    running = state.Running(os.getpid(), token=await _token())

    def changed(children: list[state.Child]) -> None:
        running.processes = children
        running.write(home)

    supervisor = Supervisor(home, changed)
    count = (os.cpu_count() or 1) if workers is None else workers
    stop, hurry = _stopped_by_signals()
    async with _kept(supervisor, listener, count, hurry, embedded=embedded):
        url = ports.reachable_url(listener)
        if await _ready(supervisor, url, "/readyz" if count else "/healthz", stop):
            running.url = url
            running.write(home)
            ready(running)
            await stop.wait()
    (home / "up.json").unlink(missing_ok=True)


async def _token() -> str | None:
    """In local mode, a token of the local user."""
    if not auth.is_local(settings()):
        return None
    async with database.connected(role="up"):
        return await auth.issue_token()


@contextlib.asynccontextmanager
async def _kept(
    supervisor: Supervisor, listener: socket.socket, workers: int, hurry: asyncio.Event, *, embedded: bool
) -> AsyncIterator[None]:
    """Keeps all processes running inside, and drains them at its end."""
    descriptor = ["--fd", str(listener.fileno())]
    tasks = [asyncio.create_task(supervisor.keep("api", descriptor, listener))]
    tasks += [asyncio.create_task(supervisor.keep(f"worker-{number}", [])) for number in range(1, workers + 1)]
    if embedded:
        tasks.append(asyncio.create_task(supervisor.keep_embedded()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await supervisor.drain(hurry)


def _stopped_by_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """An event that the first SIGINT or SIGTERM sets, and one for the second: somebody is in a hurry."""
    stop, hurry = asyncio.Event(), asyncio.Event()

    def stopped() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped)
    return stop, hurry


async def _ready(supervisor: Supervisor, url: str, path: str, stop: asyncio.Event) -> bool:
    """Waits until the service says that it is ready; false where it is stopped before."""
    deadline = time.monotonic() + READY_S
    while not stop.is_set():
        answer = await asyncio.to_thread(_asked, url, path)
        if answer.startswith("200"):
            return True
        if supervisor.failures >= RESTARTS or time.monotonic() > deadline:
            raise click.ClickException(f"The service did not become ready ({answer or 'no answer'}): its log says why.")
        await asyncio.sleep(0.05)
    return False


def _asked(url: str, path: str) -> str:
    """Status and beginning of the body; empty without an answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return f"{response.status} {response.read(300).decode(errors='replace')}"
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
