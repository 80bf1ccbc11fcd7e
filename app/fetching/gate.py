"""Places at one host: how many requests may be under way. Their number may change while some are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.fetching.lanes import Lanes


@dataclass(slots=True)
class Gate:
    """At most `places` at once; of those who wait, each lane has its turn.

    While there are more than `target`, each that leaves takes its place along.
    """

    places: int
    target: int
    busy: int = 0
    _waiting: Lanes = field(default_factory=Lanes)

    async def enter(self) -> None:
        """Take a place; waits for one. Does not give way to other tasks where one is free."""
        if self.busy < self.places and not self._waiting:
            self.busy += 1
            return
        served = self._waiting.add()
        try:
            await served
        except asyncio.CancelledError:
            if served.done() and not served.cancelled():
                self.leave()
            else:
                self._waiting.drop(served)
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
            served = self._waiting.next()
            if not served.done():  # cancelled: its task has not run yet, and finds itself gone
                self.busy += 1
                served.set_result(None)
