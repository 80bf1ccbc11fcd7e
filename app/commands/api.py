"""`api`: one process that serves HTTP."""

from __future__ import annotations

import socket

import uvicorn

from app import auth, log
from app.commands import lifeline, ports, services
from app.commands.connections import Connection, Socket
from app.settings import Settings, adopt, settings

GRACE_S = 10
"""How long requests under way may take once the process is asked to end."""
SOCKET_MAX_BYTES = 2**20
"""Longest message on a websocket: what a request's body may be."""


def run(*, port: int | None, fd: int | None, supervised: bool) -> None:
    """Serves until it is asked to end. `fd` is a listening socket of the supervisor's; otherwise it binds `port`.

    Raises click.ClickException where the port is taken, Invalid where the settings are not safe.
    """
    if supervised:
        lifeline.watch()
    found = settings()
    log.configure(found.log_level, as_json=found.log_json, process="api")
    auth.check_configuration(found)
    if fd is None:
        listener = ports.listen(found.host, found.port if port is None else port)
        adopt({"PIXCRAWLER_PORT": str(listener.getsockname()[1])})
    else:
        listener = socket.socket(fileno=fd)
    with listener, services.running() as ready:
        server = uvicorn.Server(_config(ready))
        server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)


def _config(found: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        "app.main:app",
        loop="uvloop",
        http=Connection,
        ws=Socket,
        # Compressing each frame costs more than it saves on frames this small, and memory per client.
        ws_per_message_deflate=False,
        ws_max_size=SOCKET_MAX_BYTES,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(found.proxies),
        forwarded_allow_ips=list(found.proxies),
        timeout_graceful_shutdown=GRACE_S,
        backlog=2048,
    )
