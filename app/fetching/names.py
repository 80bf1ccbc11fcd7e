"""From names to addresses: guarded, remembered for a minute, and with an eye on the resolver itself.

A name that does not exist is its own fault, for good. A name without an answer may be its name server's fault or that
of our resolver: where many different names in a row get none, and neither do names that must have one, it is ours, and
whoever wants to look one up waits instead of failing.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from app.fetching.guard import check_address
from app.log import log
from app.settings import Network, Settings

THREADS = 16
"""A look-up of a dead name server blocks its thread for seconds; the loop's own few threads must not starve of that."""
LOOK_UP_S = 8.0
"""Long enough for the system's resolver to ask a second time."""
GONE_KEPT_S = 60.0
"""As long as addresses are kept."""
GONE_KEPT = 10_000
GONE = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})
"""What getaddrinfo says of a name that has no address. All else is no answer: no server, none in time, or its fault."""

TROUBLED_AFTER = 5
"""Different names without an answer in a row after which it is tried whether any name has one."""
GOOD_KEPT = 3
PROBE_EVERY_S = (0.5, 5.0)
"""The first wait before another try, and the longest; each is half as long again as the one before."""


def is_gone(error: OSError) -> bool:
    """Whether this error of a look-up is an answer: there is no such address."""
    return isinstance(error, socket.gaierror) and error.errno in GONE


def errno_name(error: OSError) -> str:
    """What getaddrinfo calls it: EAI_NONAME, EAI_AGAIN, …"""
    return next((name for name in vars(socket) if name.startswith("EAI_") and vars(socket)[name] == error.errno), "")


class Names(AbstractResolver):
    """The resolver of a process. `inner` replaces the system's; `known` are names that must have an answer.

    A name is refused if one of its addresses is blocked: one that points both outward and inward is an attempt to be
    let in; there is no honest use for it.
    """

    def __init__(
        self,
        allowed: Sequence[Network],
        inner: AbstractResolver | None = None,
        known: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.troubled = False
        """Whether the resolver may be in trouble."""
        self._allowed = allowed
        self._inner = inner
        self._known = known
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="dns")
        self._gone: dict[str, float] = {}
        self._unanswered: dict[str, None] = {}
        self._good: deque[str] = deque(maxlen=GOOD_KEPT)
        self._probing = asyncio.Lock()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name; BlockedAddress, or socket.gaierror (an OSError) where there are none."""
        if self._gone.get(host, 0.0) > self._clock():
            raise socket.gaierror(socket.EAI_NONAME, "no such name, as was found within the last minute")
        try:
            found = await self._look_up(host, port, family)
        except OSError as error:
            self._note(host, error)
            raise
        self._unanswered.clear()
        if host not in self._good:
            self._good.append(host)
        for result in found:
            check_address(result["host"], self._allowed)
        return found

    async def close(self) -> None:
        """Let the threads go without waiting for look-ups under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._inner is not None:
            await self._inner.close()

    async def steady(self) -> None:
        """Wait while the resolver is in trouble. One of those who wait tries again and again whether it still is."""
        if not self.troubled:
            return
        async with self._probing:
            wait_s, longest_s = PROBE_EVERY_S
            told = False
            while self.troubled:
                if await self._answers():
                    self.troubled = False
                    self._unanswered.clear()
                    break
                if not told:
                    log.warning("resolver_in_trouble", names=list(self._unanswered))
                    told = True
                await asyncio.sleep(wait_s)
                wait_s = min(1.5 * wait_s, longest_s)
            if told:
                log.warning("resolver_recovered")

    def _note(self, host: str, error: OSError) -> None:
        if is_gone(error):
            if len(self._gone) >= GONE_KEPT:
                self._gone.clear()
            self._gone[host] = self._clock() + GONE_KEPT_S
            self._unanswered.clear()
            return
        self._unanswered[host] = None
        self.troubled = self.troubled or len(self._unanswered) >= TROUBLED_AFTER

    async def _answers(self) -> bool:
        """Whether the resolver says anything of one of the names that had an answer, must have one, or had none."""
        sure = dict.fromkeys([*self._good, *self._known])
        return await self._any_answer(sure) or await self._any_answer(list(self._unanswered)[-GOOD_KEPT:])

    async def _any_answer(self, names: Iterable[str]) -> bool:
        return any(await asyncio.gather(*(self._has_answer(name) for name in names)))

    async def _has_answer(self, name: str) -> bool:
        try:
            await self._look_up(name, 0, socket.AF_UNSPEC)
        except OSError as error:
            return is_gone(error)
        return True

    async def _look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(LOOK_UP_S):
                if self._inner is not None:
                    return await self._inner.resolve(host, port, family)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, ask_system, host, port, family)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, f"no answer within {LOOK_UP_S:g} s") from None


def names_of(settings: Settings, inner: AbstractResolver | None = None) -> Names:
    """A process's resolver. The sources' own hosts are names that must have an answer."""
    hosts = (urlsplit(url).hostname for url in (settings.openverse_url, settings.commons_url))
    return Names(settings.allowed_networks, inner, [host for host in hosts if host])


def ask_system(host: str, port: int, family: int) -> list[ResolveResult]:
    """Ask the system's resolver; blocks."""
    try:
        name = host.encode("ascii")  # as bytes: Python's own encoding of names fails on long labels with another error
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a name of the DNS") from None
    infos = socket.getaddrinfo(name, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(sockaddr[0]),
            port=int(sockaddr[1]),
            family=found,
            proto=proto,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for found, _, proto, _, sockaddr in infos
    ]
