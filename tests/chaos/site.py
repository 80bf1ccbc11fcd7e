"""An image host with as many small, distinct URLs as one likes, some of them bad, each with what must become of it.

What a number's URL answers is a function of the number, so that nothing is kept and everything can be checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web

from tests.stand_ins.pictures import noisy_jpeg

PERIOD = 20
DELAYS_S = (0.0, 0.03)
"""How long an answer takes: long enough that a killed worker has downloads under way."""


class Kind(StrEnum):
    """What a URL answers."""

    GOOD = "good"
    COPY = "copy"
    """The bytes of the period's first URL."""
    MISSING = "missing"
    BROKEN = "broken"
    FLAKY = "flaky"
    """503 at first, then good."""


KINDS = {3: Kind.MISSING, 7: Kind.BROKEN, 9: Kind.COPY, 13: Kind.COPY, 17: Kind.FLAKY}
"""By the number's place in a period; all others are good."""


def kind_of(number: int) -> Kind:
    """What the URL of a number answers."""
    return KINDS.get(number % PERIOD, Kind.GOOD)


def group_of(number: int) -> int:
    """The number whose bytes a good answer has."""
    return number - number % PERIOD if kind_of(number) is Kind.COPY else number


def expected_states(numbers: Collection[int]) -> dict[str, int]:
    """How many rows of these numbers' URLs end in which state; whole periods, so that each copy has its original."""
    kinds = [kind_of(number) for number in numbers]
    failed = sum(1 for kind in kinds if kind in (Kind.MISSING, Kind.BROKEN))
    copies = kinds.count(Kind.COPY)
    return {"stored": len(numbers) - failed - copies, "duplicate": copies, "failed": failed}


@dataclass
class Site:
    """The host: `url` ends in a slash and is the first of `bases`; `asked` counts requests."""

    url: str = ""
    bases: Sequence[str] = ()
    delays_s: tuple[float, float] = DELAYS_S
    asked: int = 0
    _picture: bytes = field(default_factory=lambda: noisy_jpeg(96, 72))
    _failed_once: set[int] = field(default_factory=set)

    def urls(self, count: int) -> list[str]:
        """The URLs of the first `count` numbers."""
        return list(self.numbers(count))

    def numbers(self, count: int, first: int = 0, base: int = 0) -> dict[str, int]:
        """The URLs of `count` numbers from `first` on, at the host's address number `base`, with their numbers."""
        root = self.bases[base] if self.bases else self.url
        return {f"{root}{number}.jpg": number for number in range(first, first + count)}

    def body(self, number: int) -> bytes:
        """The JPEG of a number: the same picture with another comment, hence other bytes."""
        comment = f"picture {number}".encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        return self._picture[:2] + segment + self._picture[2:]

    def digest(self, number: int) -> bytes:
        """SHA-256 of what a good number's URL answers."""
        return hashlib.sha256(self.body(group_of(number))).digest()

    async def answer(self, request: web.Request) -> web.Response:
        """A number's answer."""
        self.asked += 1
        number = int(request.match_info["number"])
        await asyncio.sleep(random.uniform(*self.delays_s))
        kind = kind_of(number)
        if kind is Kind.MISSING:
            return web.Response(status=404)
        if kind is Kind.FLAKY and number not in self._failed_once:
            self._failed_once.add(number)
            return web.Response(status=503)
        body = self.body(group_of(number))
        if kind is Kind.BROKEN:
            body = body[: len(body) // 2]
        return web.Response(body=body, content_type="image/jpeg")


@contextlib.asynccontextmanager
async def serve(delays_s: tuple[float, float] = DELAYS_S, addresses: int = 1) -> AsyncIterator[Site]:
    """The host on a free loopback port, at as many addresses: each is a host of its own to whoever is polite."""
    site = Site(delays_s=delays_s)
    application = web.Application()
    application.router.add_get(r"/{number:\d+}.jpg", site.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        port = 0
        for number in range(1, addresses + 1):
            await web.TCPSite(runner, f"127.0.0.{number}", port, backlog=512).start()
            port = runner.addresses[0][1]
        site.bases = [f"http://127.0.0.{number}:{port}/" for number in range(1, addresses + 1)]
        site.url = site.bases[0]
        yield site
    finally:
        await runner.cleanup()
