"""One image's time: runs while the host is waited for, stands still while the image waits for us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Deadline:
    """A total of seconds, spent by `running` blocks and by `charge`. Within a running block, `paused` stops it."""

    def __init__(self, total_s: float) -> None:
        self.total_s = total_s
        self.left_s = total_s
        self._timeout: asyncio.Timeout | None = None

    @property
    def spent_s(self) -> float:
        """What of the total has gone, outside a running block."""
        return self.total_s - self.left_s

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises TimeoutError, once the time is up, at whatever the block awaits."""
        loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(max(0.0, self.left_s))
        try:
            async with self._timeout:
                yield
        finally:
            self.left_s = (self._timeout.when() or loop.time()) - loop.time()
            self._timeout = None

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Stop the clock of the running block while we are the ones who are waited for."""
        timeout, loop = self._timeout, asyncio.get_running_loop()
        if timeout is None:
            yield
            return
        left_s = (timeout.when() or loop.time()) - loop.time()
        timeout.reschedule(None)
        try:
            yield
        finally:
            timeout.reschedule(loop.time() + left_s)

    def charge(self, seconds: float) -> None:
        """Spend seconds that passed outside a running block."""
        self.left_s -= seconds
