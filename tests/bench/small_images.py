"""A program: serves any number of small JPEGs, all different, as fast as one process can.

    python -m tests.bench.small_images PORT ADDRESS…

`/N.jpg` is one of a few hundred pictures of about 2 KB with N in a comment, so that no two have the same SHA-256. It
answers HTTP/1.1 with keep-alive, and 404 to every other path. It says nothing and ends with its parent's signal.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import numpy as np
import simplejpeg
import uvloop

PICTURES = 400
SIDE_PX = 80
GRAIN = 10.0
QUALITY = 75
PATH = re.compile(rb"GET /([0-9]{1,12})\.jpg ")
MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n\xff\xd8\xff\xfe\x00\x12%016d"
"""The answer's head, then the file's: its mark, and a comment of 16 digits."""


def pictures() -> list[bytes]:
    """The pictures without their first two bytes: soft shapes with some grain."""
    rng = np.random.default_rng(7)
    made = []
    for _ in range(PICTURES):
        coarse = rng.uniform(30, 225, (5, 5, 3))
        soft = np.kron(coarse, np.ones((SIDE_PX // 5, SIDE_PX // 5, 1)))
        grainy = soft + rng.normal(0, GRAIN, soft.shape)
        made.append(simplejpeg.encode_jpeg(np.clip(grainy, 0, 255).astype(np.uint8), QUALITY)[2:])
    return made


class Answers(asyncio.Protocol):
    """One connection; requests have no body."""

    def __init__(self, made: list[bytes]) -> None:
        self._made = made
        self._asked = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is of no class of asyncio's

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *requests, self._asked = (self._asked + data).split(b"\r\n\r\n")
        if requests and self._transport is not None:
            self._transport.write(b"".join(map(self._answer, requests)))

    def _answer(self, request: bytes) -> bytes:
        found = PATH.match(request)
        if found is None:
            return MISSING
        number = int(found[1])
        rest = self._made[number % PICTURES]
        return HEAD % (22 + len(rest), number) + rest


async def serve(port: int, addresses: list[str]) -> None:
    """Serve until the process is ended."""
    made = pictures()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Answers(made), address, port, backlog=1_024, reuse_address=True)
        for address in addresses
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2:]))
