"""The API's port: bound before anything starts, and who has it where it is taken."""

from __future__ import annotations

import contextlib
import errno
import socket
from pathlib import Path

import click

from app.processes import command_line


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any. Raises click.ClickException naming who has a port that is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(2048)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(f"Port {port} is taken by {_holder(port)}: stop it, or pass --port.") from error
        raise click.ClickException(f"Cannot listen on {host}:{port} ({error}): set another PIXCRAWLER_HOST.") from error
    return listener


def _holder(port: int) -> str:
    """Whoever listens on a port, as far as the system tells us."""
    inodes = _listening_inodes(port)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if inodes and descriptor.readlink().name in inodes:
                    return f"process {process.name} ({command_line(int(process.name)).strip()[:80]})"
    return f"another process (`lsof -i :{port}`, as its user or root, names it)"


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found


def reachable_url(listener: socket.socket) -> str:
    """The address at which this machine reaches a listening socket, without a slash at its end."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - an address that is asked, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
