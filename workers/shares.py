"""A worker's share of each host: places and turns, agreed with the other workers through Redis, given back when idle.

Whoever has what it needs asks nobody. All hosts are spoken of together, five times a second, and at once where a host
needs more than it has or there is news of it. Where Redis does not answer each worker keeps to the part of a host's
budget that is safe for the number of workers that it last heard of: slower, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from app import queue
from app.fetching.politeness import SILENT_AFTER, Host, Politeness, politeness_of
from app.jobs.ring import Seat
from app.log import log
from app.settings import Settings
from workers.exchange import HOSTS_AT_ONCE, Answer, Claim, Exchange, Said

TICK_S = 0.2
IDLE_TICK_S = 1.0
"""While it uses no host a worker only says that it lives."""
ANSWER_S = 2.0
"""A Redis that takes longer is away: images wait for what it says."""
LEAVE_S = 1.0
IDLE_TICKS = 5
"""Places that were not used for so many ticks are given back."""
TURN_S = 0.5
"""Whoever has what others wait for gives it up after this, and after one request at least."""
LONG_TURN_S = 5.0
"""It gives it up after this and a gap also where no request could begin."""
REMEMBERED_S = 15.0
"""Workers that were not heard of for so long are gone."""


@dataclass(slots=True, eq=False)
class Share:
    """What this worker has of one host, and what it has told. Moments are seconds of the monotonic clock."""

    host: Host
    turn: bool = False
    asked: bool = False
    since_s: float = 0.0
    refused: bool = False
    """It wants more than there is: the next tick asks again."""
    yielding: bool = False
    """Its place goes to others as soon as it is free."""
    idle_ticks: int = 0
    idle_most: int = 0
    told_pause_s: float = 0.0
    told_silent_s: float = 0.0


class Shares:
    """All shares of a worker. `run` for as long as `politeness` is used."""

    def __init__(self, name: str, settings: Settings, client: Redis) -> None:
        self.politeness: Politeness = politeness_of(settings, self)
        self.name = name
        self.exchanges = 0
        """Round trips so far."""
        self._exchange = Exchange(client, name, settings.host_connections)
        self._connections = settings.host_connections
        self._shares: dict[str, Share] = {}
        self._dirty: set[Share] = set()
        self._woken = asyncio.Event()
        self._heard: dict[str, float] = {name: math.inf}
        self._born = 0
        self._alone = False

    @property
    def workers(self) -> list[str]:
        """Names of the workers that fetch, in order; this one is among them."""
        if not self._alone:
            since_s = time.monotonic() - REMEMBERED_S
            self._heard = {name: heard_s for name, heard_s in self._heard.items() if heard_s > since_s}
        return sorted(self._heard)

    @property
    def seat(self) -> Seat:
        """This worker's place on the ring: all that fetch have equal arcs, in the order of their names."""
        workers = self.workers
        return Seat(workers.index(self.name), len(workers))

    def added(self, host: Host) -> None:
        """See Sharing."""
        if self._alone:
            self._keep_safe(host)

    def wants(self, host: Host) -> None:
        """See Sharing."""
        if not self._share(host).refused:
            self.changed(host)

    def changed(self, host: Host) -> None:
        """See Sharing."""
        self._dirty.add(self._share(host))
        self._woken.set()

    def _share(self, host: Host) -> Share:
        share = self._shares.get(host.name)
        if share is None or share.host is not host:
            share = self._shares[host.name] = Share(host)
        return share

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Speak with the others while the block runs; then give everything back."""
        await self._speak([], first=True)
        talking = asyncio.create_task(self._talk())
        try:
            yield
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            with contextlib.suppress(*queue.REDIS_ERRORS):
                async with asyncio.timeout(LEAVE_S):
                    for part in _parts(list(self._shares.values())) or [[]]:
                        nothing = [(share.host.name, Claim(0, 0)) for share in part]
                        await self._exchange.talk(nothing, self._born, 1, leaving=True)

    async def _talk(self) -> None:
        ticked_s = time.monotonic()
        while True:
            tick_s = TICK_S if self._shares else IDLE_TICK_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, ticked_s + tick_s - time.monotonic())):
                    await self._woken.wait()
            self._woken.clear()
            told, self._dirty = list(self._dirty), set()
            if time.monotonic() - ticked_s >= tick_s:
                ticked_s, told = time.monotonic(), list(self._shares.values())
                for share in told:
                    self._tick(share)
            for part in _parts(told) or [[]]:
                await self._speak([share for share in part if self._shares.get(share.host.name) is share])

    async def _speak(self, shares: list[Share], *, first: bool = False) -> None:
        claims = [(share, self._claim(share)) for share in shares]
        try:
            async with asyncio.timeout(ANSWER_S):
                named = [(share.host.name, claim) for share, claim in claims]
                answer = await self._exchange.talk(named, self._born, len(self.workers))
        except queue.REDIS_ERRORS as error:
            self._be_alone(error)
            if not first:
                await asyncio.sleep(TICK_S)
            return
        self.exchanges += 1
        self._heed(answer)
        for (share, claim), said in zip(claims, answer.hosts, strict=True):
            self._apply(share, claim, said)

    def _heed(self, answer: Answer) -> None:
        now_s = time.monotonic()
        self._born = answer.born
        self._heard |= {name: now_s for name in answer.workers if name != self.name}
        if self._alone:
            self._alone, self.politeness.gap_factor = False, 1.0
            log.info("hosts_shared", workers=len(self.workers))

    def _claim(self, share: Share) -> Claim:
        """What is said of a host now."""
        host, now_s = share.host, time.monotonic()
        wanted = min(max(host.users, host.most), self._connections)
        pause_ms = _ms(host.paused_until_s - now_s) if share.told_pause_s != host.paused_until_s else 0
        silent_ms = 0
        if share.told_silent_s != host.silent_until_s:
            silent_ms = _ms(host.silent_until_s - now_s) if host.silent_until_s else -1
        share.told_pause_s, share.told_silent_s = host.paused_until_s, host.silent_until_s
        gap_ms, next_ms = _ms(self.politeness.gap_s(host)), _ms(host.next_start_s - now_s)
        return Claim(host.gate.places, wanted, share.turn, gap_ms, next_ms, pause_ms, silent_ms)

    def _apply(self, share: Share, claim: Claim, said: Said) -> None:
        """Do as was agreed. Places that were given up while we spoke stay given up."""
        host, now_s = share.host, time.monotonic()
        if said.gap > claim.gap:
            host.gap_s = said.gap / 1000
        if said.turn and not share.turn:
            host.next_start_s = max(host.next_start_s, now_s + said.wait / 1000)
            share.since_s = now_s
        elif not claim.held and said.held:
            share.since_s = now_s
        share.yielding = share.yielding and claim.held > 0
        share.turn, share.asked = said.turn, said.asked
        share.refused = said.held < claim.wanted
        self._hear(share, said, now_s)
        target = 0 if share.yielding else said.target
        host.gate.resize(min(host.gate.places + said.held - claim.held, target), target)
        if host.gate.places < said.held:
            self.changed(host)
        bound = max(host.paused_until_s, host.silent_until_s) > now_s
        if not (host.users or host.gate.places or share.turn or bound or share in self._dirty):
            del self._shares[host.name]

    def _hear(self, share: Share, said: Said, now_s: float) -> None:
        """Pauses and silence of which others have learned."""
        host = share.host
        if now_s + said.pause / 1000 > host.paused_until_s and said.pause:
            host.paused_until_s = share.told_pause_s = now_s + said.pause / 1000
        if host.silent_until_s != share.told_silent_s:
            return  # what we learned meanwhile is newer
        if said.silent and not host.silent_until_s:
            host.silent_until_s = now_s + said.silent / 1000
            host.unanswered = max(host.unanswered, SILENT_AFTER)
        elif not said.silent:
            host.silent_until_s = 0.0  # it is over, or it answered another worker
        share.told_silent_s = host.silent_until_s

    def _tick(self, share: Share) -> None:
        """Give up what was not used for a second, and what others have waited for long enough."""
        host = share.host
        share.idle_most = max(share.idle_most, host.most)
        share.idle_ticks += 1
        host.most = host.users
        if share.idle_ticks >= IDLE_TICKS:
            kept = min(share.idle_most, host.gate.places)
            host.gate.resize(kept, min(kept, host.gate.target))
            share.idle_ticks = share.idle_most = 0
            share.turn = share.turn and host.users > 0
        if share.asked and not host.starting and self._has_had(share):
            share.yielding = not share.turn
            share.turn = share.asked = False
            host.gate.resize(0, 0)

    def _has_had(self, share: Share) -> bool:
        host, now_s = share.host, time.monotonic()
        gap_s, for_s = self.politeness.gap_s(host), now_s - share.since_s
        begun = not gap_s or host.next_start_s - gap_s > share.since_s
        return not host.users or (for_s > TURN_S and begun) or for_s > LONG_TURN_S + gap_s

    def _be_alone(self, error: BaseException) -> None:
        """Redis is away: keep to what is safe whatever the others do."""
        known = len(self.workers)
        if not self._alone:
            log.warning("hosts_unshared", workers=known, error=str(error) or type(error).__name__)
        self._alone, self.politeness.gap_factor, self._born = True, float(known), -1
        for share in self._shares.values():
            share.turn = share.asked = False
            self._keep_safe(share.host)

    def _keep_safe(self, host: Host) -> None:
        safe = max(1, self._connections // len(self.workers))
        host.gate.resize(safe, safe)


def _parts(shares: list[Share]) -> list[list[Share]]:
    return [shares[start : start + HOSTS_AT_ONCE] for start in range(0, len(shares), HOSTS_AT_ONCE)]


def _ms(seconds: float) -> int:
    """Whole milliseconds, rounded up: a gap may be longer, never shorter."""
    return max(0, math.ceil(seconds * 1000))
