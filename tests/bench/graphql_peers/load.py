"""A load generator that costs little: blocking for nothing but the next answer, one thread, bare sockets.

It sends one request again and again over connections that stay open, and reads no more of an answer than its status
and length: the answers themselves were looked at before.
"""

from __future__ import annotations

import select
import socket
import time
from dataclasses import dataclass

ROOM = bytearray(2**20)
VIEW = memoryview(ROOM)
END = b"\r\n\r\n"
LENGTH = b"content-length:"
ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it."""

    requests: int
    seconds: float
    latencies_s: list[float]
    cpu_s: float
    """CPU seconds of the generator itself."""


def request(body: bytes, token: str) -> bytes:
    """The bytes of a POST to /graphql."""
    head = (
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def head_of(got: bytes | bytearray, size: int) -> tuple[int, int]:
    """Of the beginning of an answer: the bytes of its head, and of its body. ValueError unless it has status 200."""
    ends = got.find(END, 0, size)
    if got[9:12] != b"200" or ends < 0:
        raise ValueError(bytes(got[: min(size, 2000)]))
    head = bytes(got[:ends]).lower()
    at = head.find(LENGTH)
    if at < 0:
        raise ValueError("an answer without its length")
    return ends + len(END), int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0])


def ask(port: int, sent: bytes) -> bytes:
    """The body of one answer. OSError where nobody listens, ValueError for another status than 200."""
    with socket.create_connection(("127.0.0.1", port), ANSWER_S) as one:
        one.sendall(sent)
        got = bytearray(one.recv(2**20))
        if not got:
            raise ConnectionError("closed")
        while END not in got:
            got += one.recv(2**20)
        head, length = head_of(got, len(got))
        while len(got) < head + length:
            got += one.recv(2**20)
    return bytes(got[head:])


def load(port: int, sent: bytes, size: int, seconds: float, connections: int) -> Load:
    """Ask for `seconds`, at least twice each, over `connections` with one request under way each.

    ValueError for an answer with another status, or a body of other than `size` bytes; ConnectionError for a connection
    that ends.
    """
    waiting = select.epoll()
    sockets = {}
    begun: dict[int, float] = {}
    missing: dict[int, int] = {}
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        waiting.register(one.fileno(), select.EPOLLIN)
    latencies: list[float] = []
    cpu_s, start_s = time.process_time(), time.perf_counter()
    ends_s = start_s + seconds
    for number, one in sockets.items():
        begun[number], missing[number] = time.perf_counter(), 0
        one.sendall(sent)
    now = start_s
    try:
        while now < ends_s or len(latencies) < 2 * connections:
            for number, _ in waiting.poll(ANSWER_S):
                one = sockets[number]
                got = one.recv_into(VIEW)
                if missing[number]:
                    missing[number] -= got
                else:
                    head, length = head_of(ROOM, got)
                    if length != size:
                        raise ValueError(f"an answer of {length} bytes instead of {size}: {bytes(ROOM[:got])[:2000]!r}")
                    missing[number] = head + length - got
                if not got:
                    raise ConnectionError("closed")
                if not missing[number]:
                    now = time.perf_counter()
                    latencies.append(now - begun[number])
                    begun[number] = now
                    one.sendall(sent)
    finally:
        for one in sockets.values():
            one.close()
        waiting.close()
    return Load(len(latencies), now - start_s, latencies, time.process_time() - cpu_s)
