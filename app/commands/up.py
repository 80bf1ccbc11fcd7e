"""`up`: the whole service in one home, in the foreground or detached."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import click
import orjson

from app.commands import lifeline, state
from app.processes import command_line, detach, end, last_line
from app.settings import environment, settings

DETACHED_S = 90.0
"""How long a detached service may take until it is ready, or has said why it is not."""
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
        from app.commands.serving import serve  # late: who starts it detached needs none of what it imports

        serve(home, port, workers, lambda running: _show(running, home, as_json=as_json, stopping="Ctrl-C stops it."))


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
    deadline = time.monotonic() + DETACHED_S
    while time.monotonic() < deadline:
        running = state.read(home)
        if running and running.url and (pid is None or running.pid == pid):
            return running
        if pid is not None and not command_line(pid):
            raise click.ClickException(last_line(home / "up.log").removeprefix("pixcrawler: "))
        time.sleep(0.02)
    raise click.ClickException(f"It is not ready after {DETACHED_S:.0f} s: read {home / 'up.log'}.")


def _show(running: state.Running, home: Path, *, as_json: bool, stopping: str) -> None:
    outcome = state.outcome(running, home)
    if as_json:
        click.echo(orjson.dumps(outcome))
        return
    click.echo(f"PixCrawler is up: {outcome['graphql_url']}")
    if running.token:
        click.echo(f"Authorization: Bearer {running.token}")
    click.echo(stopping)
