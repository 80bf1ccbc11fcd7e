"""A misbehaving server as many hosts: the program named by its path, on one loopback address after another.

    python -m tests.bench.faulty_hosts PATH/faulty_server.py ADDRESSES ARGUMENT…

ADDRESSES are separated by commas; the arguments are the program's own. Prints a line of JSON, its addresses with a port
each, and ends with its standard input. The program itself knows one address only, and a host that asks for a pause gets
it: on a single host each 503 with Retry-After would stop the whole crawl.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType


def program(path: Path) -> ModuleType:
    """The server's module: it has `parse_args()` and `FaultyServer(args).serve_client`."""
    spec = importlib.util.spec_from_file_location("faulty_server", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def main(path: Path, addresses: list[str]) -> None:
    """Serve on every address until standard input ends."""
    module = program(path)
    faulty = module.FaultyServer(module.parse_args())
    server = await asyncio.start_server(faulty.serve_client, addresses, 0, backlog=1024)
    ports = dict(one.getsockname()[:2] for one in server.sockets)
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # whoever is still connected is not waited for, nor each of them complained about


if __name__ == "__main__":
    given, listed = Path(sys.argv[1]), sys.argv[2].split(",")
    sys.argv = [str(given), *sys.argv[3:]]
    asyncio.run(main(given, listed))
