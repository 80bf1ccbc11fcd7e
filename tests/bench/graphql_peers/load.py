"""A load generator that costs little: blocking for nothing but the next answer, one thread, bare sockets.

It sends one request again and again over connections that stay open, and reads no more of an answer than its status
and length: the answers themselves were looked at before.
"""

from __future__ import annotations

import contextlib
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
    with contextlib.ExitStack() as held:
        sockets = {}
        for _ in range(connections):
            one = held.enter_context(socket.create_connection(("127.0.0.1", port), ANSWER_S))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sockets[one.fileno()] = one
        waiting = held.enter_context(select.epoll())
        for number in sockets:
            waiting.register(number, select.EPOLLIN)
        cpu_s, start_s = time.process_time(), time.perf_counter()
        latencies, ended_s = _asked(sockets, waiting, sent, size, start_s + seconds)
        return Load(len(latencies), ended_s - start_s, latencies, time.process_time() - cpu_s)


def _asked(
    sockets: dict[int, socket.socket], waiting: select.epoll, sent: bytes, size: int, ends_s: float
) -> tuple[list[float], float]:
    """How long each answer took, and when the last came."""
    begun: dict[int, float] = {}
    missing = dict.fromkeys(sockets, 0)
    latencies: list[float] = []
    for number, one in sockets.items():
        begun[number] = now = time.perf_counter()
        one.sendall(sent)
    while now < ends_s or len(latencies) < 2 * len(sockets):
        for number, _ in waiting.poll(ANSWER_S):
            got = sockets[number].recv_into(VIEW)
            if not got:
                raise ConnectionError("closed")
            missing[number] = missing[number] - got if missing[number] else _missing(got, size)
            if not missing[number]:
                now = time.perf_counter()
                latencies.append(now - begun[number])
                begun[number] = now
                sockets[number].sendall(sent)
    return latencies, now


def _missing(got: int, size: int) -> int:
    """What has yet to come of an answer of which `got` bytes have."""
    head, length = head_of(ROOM, got)
    if length != size:
        raise ValueError(f"an answer of {length} bytes instead of {size}: {bytes(ROOM[:got])[:2000]!r}")
    return head + length - got
