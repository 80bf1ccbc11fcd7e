"""How often one user, and one address, may ask: token buckets in Redis, shared by all API processes.

A process takes some tokens at once and spends them itself, so that Redis is asked for one request in many. A Redis
that is away limits nobody: what may run and what is seen does not depend on it.
"""

from __future__ import annotations

import functools
import ipaddress
import math
import time
from asyncio import timeout
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from app.errors import RateLimited
from app.log import log
from app.queue import REDIS_ERRORS, redis
from app.settings import Settings

KEY = "pixcrawler:rate:"
BURST_S = 10
"""A bucket holds what comes in within so many seconds."""
SHARE = 4
"""A process takes at most this part of a second's tokens at once: a quarter."""
ASK_S = 0.25
"""How long a request waits for Redis."""
AWAY_S = 5.0
"""How long a Redis that did not answer is not asked again."""
MAX_PURSES = 10_000

# Tokens come in steadily; times are Redis's own clock, in milliseconds. Gives tokens, or the time until there is one.
SCRIPT = """
local rate, burst, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local passed = math.max(0, now - (tonumber(kept[2]) or now))
local tokens = math.min(burst, (tonumber(kept[1]) or burst) + passed * rate / 1000)
local given = math.min(want, math.floor(tokens))
redis.call('HSET', KEYS[1], 'tokens', tokens - given, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / rate) + 1000)
if given > 0 then
  return {given, 0}
end
return {0, math.ceil((1 - tokens) * 1000 / rate)}
"""

Ask = Callable[[str, int], Awaitable[tuple[int, float]]]
"""A bucket's key and its tokens a second → tokens given, and seconds until there is one where none was."""


@dataclass(slots=True)
class Purse:
    """What this process holds of one bucket."""

    tokens: int = 0
    empty_until_s: float = 0.0


class Rates:
    """The limits of one process. A rate is requests a second; 0 is no limit."""

    def __init__(self, per_user: int, per_address: int, ask: Ask) -> None:
        self._per_user, self._per_address = per_user, per_address
        self._ask = ask
        self._purses: dict[str, Purse] = {}
        self._away_until_s = 0.0
        self._away = False

    @classmethod
    def of(cls, found: Settings) -> Rates:
        """What the settings say; no limits where there is no Redis."""
        if not found.redis_url:
            return cls(0, 0, ask_redis)
        return cls(found.rate_per_user, found.rate_per_address, ask_redis)

    async def user(self, key: UUID, requests: int = 1) -> None:
        """Count a request of this user, or what costs as much as some; `RateLimited` where it is one too many."""
        if self._per_user:
            await self._take(f"{KEY}user:{key}", self._per_user, requests)

    async def address(self, host: str | None) -> None:
        """Count a request from this address, of which IPv6 gives a household many; None is one of this machine."""
        if self._per_address and host:
            await self._take(f"{KEY}address:{_network(host)}", self._per_address)

    async def _take(self, key: str, rate: int, tokens: int = 1) -> None:
        purse = self._purses.get(key)
        if purse is None:
            if len(self._purses) >= MAX_PURSES:
                self._purses.clear()
            purse = self._purses[key] = Purse()
        while tokens > 0:
            if purse.tokens == 0:
                await self._fill(purse, key, rate)
            if purse.tokens == 0:  # Redis is away
                return
            taken = min(tokens, purse.tokens)
            purse.tokens -= taken
            tokens -= taken

    async def _fill(self, purse: Purse, key: str, rate: int) -> None:
        now = time.monotonic()
        if now < self._away_until_s:
            return
        if now >= purse.empty_until_s:
            try:
                given, wait_s = await self._ask(key, rate)
            except REDIS_ERRORS as error:
                self._lost(error)
                return
            self._away = False
            purse.tokens += given
            purse.empty_until_s = now + wait_s
        if purse.tokens == 0:
            wait_s = max(0.0, purse.empty_until_s - now)
            raise RateLimited(f"You ask more than {rate} times a second.", limit=f"{rate}/s", retry_after_s=wait_s)

    def _lost(self, error: BaseException) -> None:
        self._away_until_s = time.monotonic() + AWAY_S
        if not self._away:
            log.warning("rate_limits_off", reason="Redis is away", error=str(error) or type(error).__name__)
        self._away = True


async def ask_redis(key: str, rate: int) -> tuple[int, float]:
    """Tokens of a bucket; raises what Redis raises, within `ASK_S` seconds."""
    client = redis()
    async with timeout(ASK_S):
        given, wait_ms = await client.register_script(SCRIPT)(
            keys=[key], args=[rate, rate * BURST_S, max(1, math.ceil(rate / SHARE))]
        )
    return int(given), int(wait_ms) / 1000


@functools.lru_cache(maxsize=4_096)
def _network(host: str) -> str:
    """An address as it is limited: IPv6 by its /64."""
    if ":" not in host:
        return host
    try:
        found = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))
