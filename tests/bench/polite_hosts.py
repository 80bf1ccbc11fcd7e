"""Image hosts that log what they are asked: one process, a host per loopback address, each with its own wishes.

    python -m tests.bench.polite_hosts LOG

Prints its port, and then a line of JSON per request into LOG: address, path, connection, moments of its begin and end
(seconds of this process's monotonic clock), status. Ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from tests.stand_ins.pictures import noisy_jpeg

LATENCY_S = 0.03
PAUSE_AT = 40
"""The request at which a host that asks for pauses asks for one."""
PAUSE_S = 2
NAMED = {
    "127.0.2.1": "crawl-delay", "127.0.3.1": "disallow", "127.0.4.1": "x-robots-tag", "127.0.4.2": "tdm-header",
    "127.0.4.3": "tdmrep.json", "127.0.5.1": "429", "127.0.5.2": "503", "127.0.5.3": "429 without a time",
}  # fmt: skip
"""What hosts wish for; all others wish for nothing."""
CRAWL_DELAY_S = 0.3
ROBOTS = {
    "crawl-delay": f"User-agent: *\nCrawl-delay: {CRAWL_DELAY_S}\n",
    "disallow": "User-agent: *\nDisallow: /private/\nAllow: /private/open/\n",
}
TDMREP = '[{"location": "/reserved/", "tdm-reservation": 1}]'


@dataclass
class Hosts:
    """All hosts. What an address answers depends on its name, the path, and how often it was asked."""

    log: TextIO
    picture: bytes = field(default_factory=lambda: noisy_jpeg(96, 72))
    asked: dict[str, int] = field(default_factory=dict)
    paused_until_s: dict[str, float] = field(default_factory=dict)
    connections: itertools.count[int] = field(default_factory=itertools.count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        number = next(self.connections)
        address = writer.get_extra_info("sockname")[0]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                begin_s = time.monotonic()
                path = request.split(b" ", 2)[1].decode()
                status, body, lines = self.answer(address, path)
                if not path.endswith(".txt"):
                    await asyncio.sleep(LATENCY_S)
                head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nContent-Type: image/jpeg\r\n{lines}\r\n"
                # Logged before the answer leaves: whoever has it may ask again at once.
                line = [address, path, number, begin_s, time.monotonic(), status]
                self.log.write(json.dumps(line) + "\n")
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    def answer(self, address: str, path: str) -> tuple[int, bytes, str]:
        """Status, body, further header lines."""
        name = NAMED.get(address, "")
        if path == "/robots.txt":
            return (200, ROBOTS[name].encode(), "") if name in ROBOTS else (404, b"", "")
        if path.startswith("/.well-known/"):
            return (200, TDMREP.encode(), "") if name == "tdmrep.json" else (404, b"", "")
        if name[:3] in ("429", "503") and self.pauses(address):
            asks = f"Retry-After: {PAUSE_S}\r\n" if "without" not in name else ""
            return int(name[:3]), b"", asks
        return 200, self.image(address + path), self.wish(name, path)

    def pauses(self, address: str) -> bool:
        """Whether a host that asks for pauses wants one now."""
        self.asked[address] = self.asked.get(address, 0) + 1
        if self.asked[address] == PAUSE_AT:
            self.paused_until_s[address] = time.monotonic() + PAUSE_S
        return self.paused_until_s.get(address, 0.0) > time.monotonic()

    def wish(self, name: str, path: str) -> str:
        """Header lines against using an image."""
        if name == "x-robots-tag" and path.startswith("/reserved/"):
            return "X-Robots-Tag: noai, noimageai\r\n"
        if name == "tdm-header" and path.startswith("/reserved/"):
            return "TDM-Reservation: 1\r\n"
        return ""

    def image(self, name: str) -> bytes:
        """The picture with a comment of its own, hence other bytes."""
        comment = name.encode()
        return self.picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + self.picture[2:]


async def main(log: TextIO) -> None:
    """Serve on every address of this machine until standard input ends."""
    server = await asyncio.start_server(Hosts(log).serve, "0.0.0.0", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", buffering=1) as opened:
        asyncio.run(main(opened))
