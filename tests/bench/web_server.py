"""nginx over a folder, on a free loopback port, with all that it writes in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START_S = 10.0
CONFIG = """
daemon off; pid {own}/pid; error_log stderr error; worker_processes 2; {user}
events {{ worker_connections 2048; }}
http {{
  default_type image/jpeg; log_format sent '$status $bytes_sent'; access_log {log};
  log_not_found off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache {cache};
  client_body_temp_path {own}/a; proxy_temp_path {own}/b; fastcgi_temp_path {own}/c; uwsgi_temp_path {own}/d;
  scgi_temp_path {own}/e;
  server {{ listen 127.0.0.1:{port} backlog=2048; root "{root}"; }}
}}
"""


@contextlib.contextmanager
def nginx(root: Path, log: Path | None = None) -> Iterator[tuple[str, int]]:
    """The address (it ends in a slash) and the process id. Needs nginx on the machine.

    `log` gets a line for each answer: its status, and its bytes with the head. With a log files may change meanwhile.
    """
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    own = Path(tempfile.mkdtemp(prefix="pixcrawler-nginx-"))
    port = _free_port()
    # Its workers would otherwise run as somebody who may not enter the folder.
    user = f"user {pwd.getpwuid(os.getuid()).pw_name};" if os.getuid() == 0 else ""
    logged, cache = (f'"{log}" sent', "off") if log else ("off", "max=20000 inactive=120s")
    told = CONFIG.format(own=own, port=port, root=root.resolve(), user=user, log=logged, cache=cache)
    (own / "conf").write_text(told)
    process = subprocess.Popen([program, "-p", str(own), "-e", "stderr", "-c", str(own / "conf")])
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(own, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def _wait(port: int) -> None:
    ends_s = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > ends_s:
                raise
            time.sleep(0.02)
        else:
            return
