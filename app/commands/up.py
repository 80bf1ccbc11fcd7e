"""`up`: the whole service in one home, in the foreground or detached."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import orjson

from app import auth, database, log
from app.commands import lifeline, ports, services, state
from app.commands.supervisor import Supervisor
from app.processes import command_line, detach, end, last_line
from app.settings import Settings, adopt, environment, settings

READY_S = 60.0
"""How long the processes may take until the service is ready."""
RESTARTS = 6
"""A service whose processes end this often before it is ready will not become so."""
STALE_S = 10.0
"""How long the processes of an `up` that was killed may take to end."""


def run(*, detach: bool, port: int | None, workers: int | None, as_json: bool, supervised: bool = False) -> None:
    """Runs the service until it is stopped; detached, returns once it is ready. Raises click.ClickException."""
    if supervised:
        lifeline.watch()
    home = settings().home.resolve()
    if detach:
        _show(started(home, port, workers), home, as_json=as_json, stopping="`./pixcrawler down` stops it.")
        return
    with state.supervising(home) as free:
        if not free:
            running = state.read(home)
            where = f" at {running.url}" if running and running.url else ""
            raise click.ClickException(f"It already runs in {home}{where}: `./pixcrawler down` stops it.")
        end_leftovers(home)
        found = settings()
        log.configure(found.log_level, as_json=found.log_json, process="up")
        with contextlib.closing(_listener(found, port)) as listener, services.running():
            asyncio.run(_serve(home, listener, workers, as_json=as_json, embedded=services.wants_embedded(found)))


def end_leftovers(home: Path) -> None:
    """Ends processes of an `up` that was killed, and forgets it."""
    running = state.read(home)
    for child in running.processes if running else ():
        if state.is_alive(child, home):
            end(child.pid, signal.SIGTERM, STALE_S)
    (home / "up.json").unlink(missing_ok=True)


def started(home: Path, port: int | None, workers: int | None) -> state.Running:
    """What runs detached in this home: found running, or started now and ready. Raises click.ClickException."""
    pid = None
    if not state.is_supervised(home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        options = [f"--{name}={value}" for name, value in (("port", port), ("workers", workers)) if value is not None]
        command = [sys.executable, "-P", "-m", "app.cli", "up", "--json", *options]
        pid = detach(command, home / "up.log", environment() | {"PIXCRAWLER_HOME": str(home)})
    deadline = time.monotonic() + READY_S + 30
    while time.monotonic() < deadline:
        running = state.read(home)
        if running and running.url and (pid is None or running.pid == pid):
            return running
        if pid is not None and not command_line(pid):
            raise click.ClickException(last_line(home / "up.log").removeprefix("pixcrawler: "))
        time.sleep(0.02)
    raise click.ClickException(f"It is not ready after {READY_S:.0f} s: read {home / 'up.log'}.")


def _listener(found: Settings, port: int | None) -> socket.socket:
    auth.check_configuration(found)
    listener = ports.listen(found.host, found.port if port is None else port)
    adopt({"PIXCRAWLER_PORT": str(listener.getsockname()[1])})
    return listener


async def _serve(home: Path, listener: socket.socket, workers: int | None, *, as_json: bool, embedded: bool) -> None:
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
            _show(running, home, as_json=as_json, stopping="Ctrl-C stops it.")
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


def _show(running: state.Running, home: Path, *, as_json: bool, stopping: str) -> None:
    outcome = state.outcome(running, home)
    if as_json:
        click.echo(orjson.dumps(outcome))
        return
    click.echo(f"PixCrawler is up: {outcome['graphql_url']}")
    if running.token:
        click.echo(f"Authorization: Bearer {running.token}")
    click.echo(stopping)
