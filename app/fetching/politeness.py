"""What one host may be asked of: connections at once, a gap between requests, and the pauses that it asks for itself.

The budget lies in this process's memory. Where several workers share it, a `Sharing` beside it moves each host's places
as the fleet agrees; the engine knows no more of that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from app.fetching.gate import Gate
from app.settings import Settings

MAX_PAUSE_S = 300.0
"""The longest pause that a host's Retry-After can bring upon it: a mistyped date must not shut a host for a year."""
FIRST_PAUSE_S = 1.0
LAST_PAUSE_S = 60.0
"""A host that says 429 without saying for how long is left alone for the first; each time that it says so again soon
after a pause doubles it, up to the last."""
PAUSE_AGAIN_S = 10.0

SILENT_AFTER = 12
"""Attempts in a row without any answer after which a host counts as silent."""
SILENT_S = 30.0
"""How long a silent host is left alone: a dead one must not hold a chunk for its every URL's full deadline."""

HOSTS_KEPT = 10_000


@dataclass
class HostPaused(Exception):
    """The host asked for a pause that is longer than the caller can wait."""

    wait_s: float


@dataclass
class HostSilent(Exception):
    """The host has not answered for `attempts` attempts in a row; it is left alone for a while."""

    attempts: int


class HostBudget(Protocol):
    """What the pipeline asks before and tells after each request."""

    def visit(self, host: str, patience_s: float) -> AbstractAsyncContextManager[float]:
        """Wait for leave to make one request; gives the seconds that the host's own pause took.

        Raises HostPaused, without waiting, where that pause would exceed `patience_s`, and HostSilent.
        """

    def pause(self, host: str, seconds: float | None) -> None:
        """The host asked to be left alone (429 or 503), for so long or without saying: slow it down, and it alone."""

    def keep_gap(self, host: str, seconds: float) -> None:
        """The host asks for a gap between requests (Crawl-delay); the longest one counts."""

    def answered(self, host: str) -> None:
        """The host gave an answer, of whatever status."""

    def unanswered(self, host: str) -> None:
        """An attempt ended without an answer."""


@dataclass(slots=True, eq=False)
class Host:
    """What is known of one host. Moments are seconds of the budget's clock."""

    name: str
    gate: Gate
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    """Who wants to make a request, or makes one."""
    most: int = 0
    """The most users since somebody set it back."""
    starting: int = 0
    """Who has a place and no connection yet: each starts as soon as it has one."""
    gap_s: float = 0.0
    next_start_s: float = 0.0
    paused_until_s: float = 0.0
    pause_s: float = 0.0
    """The last pause that we chose ourselves."""
    silent_until_s: float = 0.0
    unanswered: int = 0


class Sharing(Protocol):
    """Whoever shares the hosts' budgets out among several workers. It sets `Host.gate` and the moments of a host."""

    def added(self, host: Host) -> None:
        """A host is met for the first time; its gate has no place yet."""

    def wants(self, host: Host) -> None:
        """It could use more places than it has."""

    def changed(self, host: Host) -> None:
        """It gave up a place, or others must hear of a pause, a gap or silence."""


@dataclass
class Politeness:
    """The host budget of one process, `at_once` requests over all hosts. Times are seconds of `clock`, monotonic."""

    connections: int
    gap_ms: int = 0
    at_once: int = 32
    clock: Callable[[], float] = time.monotonic
    sharing: Sharing | None = None
    gap_factor: float = 1.0
    """How many times longer gaps are: more than 1 where workers cannot agree on who is next."""
    _hosts: dict[str, Host] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._free = Gate(self.at_once, self.at_once)

    @asynccontextmanager
    async def visit(self, host: str, patience_s: float) -> AsyncIterator[float]:
        """See HostBudget."""
        state = self.host(host)
        state.users += 1
        state.most = max(state.most, state.users)
        if self.sharing is not None and state.gate.places < min(state.users, self.connections):
            self.sharing.wants(state)
        try:
            waited_s = await self._enter(state, patience_s)
            try:
                yield waited_s
            finally:
                self._leave(state)
        finally:
            state.users -= 1

    def pause(self, host: str, seconds: float | None) -> None:
        """See HostBudget."""
        state, now_s = self.host(host), self.clock()
        if seconds is None:
            if state.paused_until_s > now_s:
                return  # those that were under way when it began say the same
            again = now_s - state.paused_until_s < PAUSE_AGAIN_S and state.pause_s > 0
            seconds = state.pause_s = min(2 * state.pause_s, LAST_PAUSE_S) if again else FIRST_PAUSE_S
        state.paused_until_s = max(state.paused_until_s, now_s + min(seconds, MAX_PAUSE_S))
        self._tell(state)

    def keep_gap(self, host: str, seconds: float) -> None:
        """See HostBudget."""
        state = self.host(host)
        if seconds > state.gap_s:
            # The request that learned of the gap was one, too.
            state.gap_s, state.next_start_s = seconds, max(state.next_start_s, self.clock() + seconds)
            self._tell(state)

    def answered(self, host: str) -> None:
        """See HostBudget."""
        state = self.host(host)
        state.unanswered = 0
        if state.silent_until_s:
            state.silent_until_s = 0.0
            self._tell(state)

    def unanswered(self, host: str) -> None:
        """See HostBudget."""
        state = self.host(host)
        state.unanswered += 1
        if state.unanswered >= SILENT_AFTER:
            state.silent_until_s = self.clock() + SILENT_S
            self._tell(state)

    def gap_s(self, state: Host) -> float:
        """The gap between two requests to the host, of all workers, seconds."""
        return max(state.gap_s, self.gap_ms / 1000)

    def host(self, host: str) -> Host:
        """What is known of the host."""
        name = host.lower().rstrip(".")
        state = self._hosts.get(name)
        if state is None:
            if len(self._hosts) >= HOSTS_KEPT:
                self._forget_idle()
            places = self.connections if self.sharing is None else 0
            state = self._hosts[name] = Host(name, Gate(places, places))
            if self.sharing is not None:
                self.sharing.added(state)
        return state

    async def _enter(self, state: Host, patience_s: float) -> float:
        """Take a place at the host and a connection, at a moment at which the host may be asked."""
        waited_s = 0.0
        while True:
            waited_s += await self._wait_for_pause(state, patience_s - waited_s)
            if not self.gap_s(state):
                if await self._start(state):
                    return waited_s
                continue
            async with state.turn:  # until it has begun: the next one counts from then
                await asyncio.sleep(max(0.0, state.next_start_s - self.clock()))
                if await self._start(state):
                    return waited_s

    async def _start(self, state: Host) -> bool:
        """Take both; give both back where the host may not be asked any more by then."""
        await state.gate.enter()
        state.starting += 1
        try:
            await self._free.enter()
        except asyncio.CancelledError:
            self._left(state)
            raise
        finally:
            state.starting -= 1
        now_s, gap_s = self.clock(), self.gap_s(state)
        if max(state.paused_until_s, state.silent_until_s, state.next_start_s if gap_s else 0.0) > now_s:
            self._leave(state)
            return False
        if gap_s:
            state.next_start_s = now_s + gap_s * self.gap_factor
        return True

    def _leave(self, state: Host) -> None:
        self._free.leave()
        self._left(state)

    def _left(self, state: Host) -> None:
        giving_up = state.gate.places > state.gate.target
        state.gate.leave()
        if giving_up:
            self._tell(state)

    async def _wait_for_pause(self, state: Host, patience_s: float) -> float:
        waited_s = 0.0
        while True:
            now_s = self.clock()
            if state.silent_until_s > now_s:
                raise HostSilent(state.unanswered)
            wait_s = state.paused_until_s - now_s
            if wait_s <= 0:
                return waited_s
            if waited_s + wait_s > patience_s:
                raise HostPaused(wait_s)
            await asyncio.sleep(wait_s)
            waited_s += wait_s

    def _tell(self, state: Host) -> None:
        if self.sharing is not None:
            self.sharing.changed(state)

    def _forget_idle(self) -> None:
        now_s = self.clock()
        for name, state in list(self._hosts.items()):
            idle = not state.users and (self.sharing is None or not state.gate.places)
            if idle and max(state.next_start_s, state.paused_until_s, state.silent_until_s) <= now_s:
                del self._hosts[name]


def politeness_of(settings: Settings, sharing: Sharing | None = None) -> Politeness:
    """A process's host budget, as the settings have it."""
    found = settings.host_connections, settings.host_gap_ms, settings.fetch_connections
    return Politeness(*found, sharing=sharing)
