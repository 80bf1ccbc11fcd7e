"""The physical limit of this machine: what must be done to each image, and nothing else. No database, no service.

    python -m tests.bench.limit URLS OUT ANSWER MODE PROCESSES

One of the entrants of `tests/bench/peers`, which starts it (`--only limit`). Each process takes its share of the
addresses in the file URLS, all of one plain HTTP server, and of each image does: GET over connections that are kept,
SHA-256, the check that MODE names, and a file of its own under OUT. MODE is `decode` (the cheapest decode of every
coefficient, strict, at 1/8 of the size, and the cheapest perceptual hash), `full` (the same at full size, in color) or
`header` (only the header and the end marker, no hash). ANSWER becomes JSON: `images` and `seconds` of the work.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import simplejpeg
from numpy.typing import NDArray

CONNECTIONS = 8
LARGEST_BYTES = 16 * 2**20
TIMEOUT_S = 30.0
ACROSS, DOWN = 9, 8
END = b"\xff\xd9"


def difference_hash(gray: NDArray[np.uint8]) -> bytes:
    """64 bits, whether a cell of 9x8 is lighter than its left neighbor: the cheapest hash that finds copies."""
    height, width = gray.shape
    rows = np.add.reduceat(gray, np.arange(DOWN) * height // DOWN, axis=0, dtype=np.uint32)
    cells = np.add.reduceat(rows, np.arange(ACROSS) * width // ACROSS, axis=1)
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes()


def decoded(body: bytes) -> bytes:
    """Decode at an eighth, in gray; ValueError where data is missing."""
    return difference_hash(simplejpeg.decode_jpeg(body, "GRAY", min_height=1, min_width=1)[:, :, 0])


def decoded_whole(body: bytes) -> bytes:
    """Decode at full size, in color; the hash takes every eighth pixel of green."""
    return difference_hash(simplejpeg.decode_jpeg(body, "RGB")[::8, ::8, 1])


def headed(body: bytes) -> bytes:
    """Read the header and look for the end marker."""
    if not body.endswith(END):
        raise ValueError("no end marker")
    simplejpeg.decode_jpeg_header(body)
    return b""


CHECKS: dict[str, Callable[[bytes], bytes]] = {"decode": decoded, "full": decoded_whole, "header": headed}


def bodies(urls: list[str]) -> Iterator[bytes]:
    """The images, in order. Requests are sent ahead on all connections, so that the next answers wait in the kernel."""
    parts = [urlsplit(url) for url in urls]
    host, port = str(parts[0].hostname), parts[0].port or 80
    requests = [f"GET {one.path} HTTP/1.1\r\nHost: {one.netloc}\r\n\r\n".encode() for one in parts]
    connections = [socket.create_connection((host, port), TIMEOUT_S) for _ in urls[:CONNECTIONS]]
    space = memoryview(bytearray(LARGEST_BYTES))
    for connection, request in zip(connections, requests, strict=False):
        connection.sendall(request)
    following = itertools.chain(requests[len(connections) :], itertools.repeat(b""))
    for connection, request in zip(itertools.cycle(connections), following, strict=False):
        yield _answer(connection, space)
        connection.sendall(request)


def _answer(connection: socket.socket, space: memoryview) -> bytes:
    got = connection.recv_into(space)
    head, _, _ = bytes(space[:2048]).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError(f"the server said {head[:40]!r}")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:")
    begin = len(head) + 4
    while got < begin + length:
        more = connection.recv_into(space[got:])
        if not more:
            raise OSError("the server hung up")
        got += more
    return bytes(space[begin : begin + length])


def work(urls: list[str], folder: Path, mode: str) -> None:
    """One process's share."""
    check = CHECKS[mode]
    folder.mkdir(parents=True)
    for number, body in enumerate(itertools.islice(bodies(urls), len(urls))):
        name = hashlib.sha256(body).hexdigest() + check(body).hex()
        file = os.open(folder / f"{number}-{name}.jpg", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(file, body)
        os.close(file)


def main() -> None:
    """Read the arguments, share out, wait, answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("urls", "out", "answer"):
        parser.add_argument(name, type=Path)
    parser.add_argument("mode", choices=list(CHECKS))
    parser.add_argument("processes", type=int)
    asked = parser.parse_args()
    urls = asked.urls.read_text().split()
    begun_s = time.perf_counter()
    context = multiprocessing.get_context("fork")  # what is imported is there, and its pages are shared
    shares = [urls[number :: asked.processes] for number in range(asked.processes)]
    children = [
        context.Process(target=work, args=(share, asked.out / str(number), asked.mode))
        for number, share in enumerate(shares)
        if share
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    seconds = time.perf_counter() - begun_s
    if any(child.exitcode for child in children):
        raise SystemExit("a process failed")
    asked.answer.write_text(json.dumps({"images": sum(1 for _ in asked.out.rglob("*.jpg")), "seconds": seconds}))


if __name__ == "__main__":
    main()
