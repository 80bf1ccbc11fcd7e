"""What one host may be asked of: connections at once, a gap between requests, and the pauses that it asks for itself.

The budget is this process's. Everything that a shared one needs passes through `HostBudget`, so that tokens kept in
Redis can take its place without the pipeline knowing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

MAX_PAUSE_S = 300.0
"""The longest pause that a host's Retry-After can bring upon it: a mistyped date must not shut a host for a year."""

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

    def pause(self, host: str, seconds: float) -> None:
        """The host asked to be left alone (429 or 503 with Retry-After): slow it down, and it alone."""

    def keep_gap(self, host: str, seconds: float) -> None:
        """The host asks for a gap between requests (Crawl-delay); the longest one counts."""

    def answered(self, host: str) -> None:
        """The host gave an answer, of whatever status."""

    def unanswered(self, host: str) -> None:
        """An attempt ended without an answer."""


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    gap_s: float = 0.0
    next_start_s: float = 0.0
    paused_until_s: float = 0.0
    silent_until_s: float = 0.0
    unanswered: int = 0


@dataclass
class Politeness:
    """The host budget of one process, in its memory. Times are seconds of `clock`, which is monotonic."""

    connections: int
    gap_ms: int = 0
    clock: Callable[[], float] = time.monotonic
    _hosts: dict[str, _Host] = field(default_factory=dict)

    @asynccontextmanager
    async def visit(self, host: str, patience_s: float) -> AsyncIterator[float]:
        """See HostBudget."""
        state = self._host(host)
        state.users += 1
        try:
            waited_s = await self._wait_for_pause(state, patience_s)
            async with state.free:
                waited_s += await self._wait_for_pause(state, patience_s - waited_s)
                await self._wait_for_gap(state)
                yield waited_s
        finally:
            state.users -= 1

    def pause(self, host: str, seconds: float) -> None:
        """See HostBudget."""
        state = self._host(host)
        state.paused_until_s = max(state.paused_until_s, self.clock() + min(seconds, MAX_PAUSE_S))

    def keep_gap(self, host: str, seconds: float) -> None:
        """See HostBudget."""
        state = self._host(host)
        if seconds > state.gap_s:
            # The request that learned of the gap was one, too.
            state.gap_s, state.next_start_s = seconds, max(state.next_start_s, self.clock() + seconds)

    def answered(self, host: str) -> None:
        """See HostBudget."""
        state = self._host(host)
        state.unanswered, state.silent_until_s = 0, 0.0

    def unanswered(self, host: str) -> None:
        """See HostBudget."""
        state = self._host(host)
        state.unanswered += 1
        if state.unanswered >= SILENT_AFTER:
            state.silent_until_s = self.clock() + SILENT_S

    async def _wait_for_pause(self, state: _Host, patience_s: float) -> float:
        if state.silent_until_s > self.clock():
            raise HostSilent(state.unanswered)
        waited_s = 0.0
        while (wait_s := state.paused_until_s - self.clock()) > 0:
            if waited_s + wait_s > patience_s:
                raise HostPaused(wait_s)
            await asyncio.sleep(wait_s)
            waited_s += wait_s
        return waited_s

    async def _wait_for_gap(self, state: _Host) -> None:
        gap_s = max(state.gap_s, self.gap_ms / 1000)
        if not gap_s:
            return
        async with state.turn:  # the next one counts from when this one really began
            await asyncio.sleep(max(0.0, state.next_start_s - self.clock()))
            state.next_start_s = self.clock() + gap_s

    def _host(self, host: str) -> _Host:
        name = host.lower().rstrip(".")
        state = self._hosts.get(name)
        if state is None:
            if len(self._hosts) >= HOSTS_KEPT:
                self._forget_idle()
            state = self._hosts[name] = _Host(asyncio.Semaphore(self.connections))
        return state

    def _forget_idle(self) -> None:
        now_s = self.clock()
        for name, state in list(self._hosts.items()):
            if not state.users and max(state.next_start_s, state.paused_until_s, state.silent_until_s) <= now_s:
                del self._hosts[name]
