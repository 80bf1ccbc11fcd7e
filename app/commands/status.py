"""`status`: which processes of this home live."""

from __future__ import annotations

import sys
from typing import Any

import click
import orjson

from app import embedded
from app.commands import state
from app.settings import settings


def run(*, as_json: bool) -> None:
    """Prints what runs; exits 1 where nothing does."""
    home = settings().home.resolve()
    running = state.read(home)
    processes = _processes(running)
    alive = any(process["alive"] for process in processes)
    url = running.url if running and running.url and state.is_supervised(home) else None
    if as_json:
        click.echo(orjson.dumps({"url": url, "processes": processes}))
    else:
        click.echo(f"{url or 'No service'} in {home}")
        for process in processes:
            click.echo(f"  {process['name']:<9} {process['pid']:>8}  {'alive' if process['alive'] else 'dead'}")
    if not alive:
        click.echo("pixcrawler: Nothing runs here: `./pixcrawler up` starts it.", err=True)
        sys.exit(1)


def _processes(running: state.Running | None) -> list[dict[str, Any]]:
    home = settings().home.resolve()
    servers = embedded.alive(home)
    named = (("postgres", servers.postgres), ("valkey", servers.valkey))
    found: list[dict[str, Any]] = [{"name": name, "pid": pid, "alive": True} for name, pid in named if pid is not None]
    for child in running.processes if running else ():
        found.append({"name": child.name, "pid": child.pid, "alive": state.is_alive(child, home)})
    return found
