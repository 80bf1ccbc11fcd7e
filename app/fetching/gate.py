"""Places at one host: how many requests may be under way. Their number may change while some are."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Gate:
    """At most `places` at once, in the order of asking. While there are more than `target`, each that leaves takes its
    place along."""

    places: int
    target: int
    busy: int = 0
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def enter(self) -> None:
        """Take a place; waits for one. Does not give way to other tasks where one is free."""
        if self.busy < self.places and not self._waiting:
            self.busy += 1
            return
        served = asyncio.get_running_loop().create_future()
        self._waiting.append(served)
        try:
            await served
        except asyncio.CancelledError:
            if served.done() and not served.cancelled():
                self.leave()
            else:
                self._waiting.remove(served)
            raise

    def leave(self) -> None:
        """Give a place back."""
        self.busy -= 1
        if self.places > self.target:
            self.places -= 1
        self._serve()

    def resize(self, places: int, target: int) -> None:
        """Have other numbers from now on. Whoever is in stays in."""
        self.places, self.target = max(places, self.busy), target
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self.busy < self.places:
            served = self._waiting.popleft()
            if not served.done():  # cancelled: its task has not run yet, and finds itself gone
                self.busy += 1
                served.set_result(None)
