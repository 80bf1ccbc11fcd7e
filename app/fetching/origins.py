"""What each origin lets us do, known before its first image is asked for: robots.txt and tdmrep.json, read once a day.

The files come through the same guard and out of the same host's budget as the images, with a short deadline of
their own. Where robots.txt cannot be had nothing may be asked (RFC 9309, 2.3.1.4).
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
import yarl

from app.fetching.deadline import Deadline
from app.fetching.failures import Passing
from app.fetching.origin_files import TDM_PATH, OriginFiles
from app.fetching.refusal import Refusal, refusal
from app.fetching.visits import Visits
from app.opt_outs import robots, tdm
from app.opt_outs.patterns import octets
from app.settings import Settings
from app.values import Issue, RefusalCode

KEPT_S = 86_400.0
"""A robots.txt may not be believed for longer than 24 hours."""
FAILED_KEPT_S = 60.0
"""A file that could not be had is asked for again after this."""
PASSING_KEPT_S = 0.5
"""As long as those who wait for it together need to hear of it; less than any wait before a next attempt."""
ORIGINS_KEPT = 10_000
BYTES_KEPT = 32 * 2**20
"""Of files, over all origins that are remembered. What the oldest said is forgotten first."""
ENTRY_BYTES = 500
THREAD_BYTES = 64 * 1024
"""A longer file is parsed in a thread: it would keep the loop for up to 0.1 s."""

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Rules:
    """What one origin says. `failure`: why nothing may be asked of it; `passing`: the same where it may pass soon;
    `took_s`: how long it was waited for."""

    robots: robots.Robots = field(default_factory=robots.Robots)
    reservations: tdm.Reservations = field(default_factory=tdm.Reservations)
    failure: Issue | None = None
    passing: Passing | None = None
    took_s: float = 0.0
    until_s: float = 0.0
    weight: int = ENTRY_BYTES


@dataclass(slots=True)
class _Flight:
    """Those who wait for one origin's rules: the first one asks, inside the lock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


Origin = tuple[str, str, int]


class Origins:
    """The rules of all origins that this process has met lately. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        settings: Settings,
        visits: Visits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._files = OriginFiles(client, settings, visits)
        self._visits = visits
        self._clock = clock
        self._known: dict[Origin, Rules] = {}
        self._weight = 0
        self._flights: dict[Origin, _Flight] = {}
        self._wants_robots = settings.respect_robots or settings.respect_content_usage
        self._wants_any = self._wants_robots or settings.respect_tdm

    async def permit(self, url: yarl.URL, deadline: Deadline) -> str | None:
        """Raises Refusal where the URL's origin does not let us ask for it; waits for its rules at most once a day.

        Gives the tdmrep.json entry that reserves the image unless the answer's header frees it. What was spent on
        reading the rules is the image's time, too.
        """
        if not self._wants_any:
            return None
        origin = (url.scheme, url.raw_host or "", url.port or 0)
        rules = self._known.get(origin)
        if rules is None or rules.until_s <= self._clock():
            rules = await self._learned(origin, url)
            deadline.charge(rules.took_s)
        if rules.passing is not None:
            raise dataclasses.replace(rules.passing)
        if rules.failure is not None:
            raise Refusal(rules.failure)
        if rules.robots.delay_s and self._settings.respect_robots:
            self._visits.politeness.keep_gap(origin[1], rules.robots.delay_s)
        return self._judge(rules, octets(url.raw_path_qs))

    def _judge(self, rules: Rules, path: bytes) -> str | None:
        if self._settings.respect_robots and (line := rules.robots.disallowing(path)):
            raise refusal(RefusalCode.ROBOTS, "The host's robots.txt does not let us ask.", f"robots.txt: {line}")
        if self._settings.respect_content_usage and (line := rules.robots.reserving(path)):
            raise refusal(
                RefusalCode.OPT_OUT, "The host's robots.txt reserves the image against training.", f"robots.txt: {line}"
            )
        return rules.reservations.reserving(path)

    async def _learned(self, origin: Origin, url: yarl.URL) -> Rules:
        """One request however many wait; whoever asks and is cancelled leaves it to the next."""
        flight = self._flights.setdefault(origin, _Flight())
        flight.users += 1
        try:
            async with flight.lock:
                rules = self._known.get(origin)
                if rules is None or rules.until_s <= self._clock():
                    rules = await self._ask(url.origin())
                    self.keep(origin, rules)
                return rules
        finally:
            flight.users -= 1
            if not flight.users:
                del self._flights[origin]

    @property
    def size(self) -> tuple[int, int]:
        """Origins that are remembered, and what they count for, bytes."""
        return len(self._known), self._weight

    def keep(self, origin: Origin, rules: Rules) -> None:
        """Remember what an origin says; the oldest are forgotten where that becomes too much."""
        self._forget(origin)
        self._known[origin] = rules
        self._weight += rules.weight
        while len(self._known) > ORIGINS_KEPT or (self._weight > BYTES_KEPT and len(self._known) > 1):
            self._forget(next(iter(self._known)))

    def _forget(self, origin: Origin) -> None:
        known = self._known.pop(origin, None)
        self._weight -= known.weight if known else 0

    async def _ask(self, base: yarl.URL) -> Rules:
        """Both files, as far as they are wanted; the second only where the first lets us read it."""
        found, reservations, took_s, weight = robots.Robots(), tdm.Reservations(), 0.0, ENTRY_BYTES
        if self._wants_robots:
            deadline = self._files.deadline()
            try:
                body = await self._files.robots(base, deadline)
            except Refusal as refused:
                failed = refused.issue if self._settings.respect_robots else None
                return Rules(failure=failed, took_s=deadline.spent_s, until_s=self._clock() + FAILED_KEPT_S)
            except Passing as passing:
                return Rules(passing=passing, took_s=deadline.spent_s, until_s=self._clock() + PASSING_KEPT_S)
            found, weight, took_s = await _parsed(robots.parse, body), weight + len(body), deadline.spent_s
        closed = self._settings.respect_robots and found.disallowing(TDM_PATH.encode())
        if self._settings.respect_tdm and not closed:
            deadline = self._files.deadline()
            body = await self._files.tdmrep(base, deadline)
            reservations = await _parsed(tdm.parse, body) if body else reservations
            weight, took_s = weight + len(body), took_s + deadline.spent_s
        return Rules(found, reservations, took_s=took_s, until_s=self._clock() + KEPT_S, weight=weight)


async def _parsed(parse: Callable[[bytes], Parsed], body: bytes) -> Parsed:
    return await asyncio.to_thread(parse, body) if len(body) > THREAD_BYTES else parse(body)
