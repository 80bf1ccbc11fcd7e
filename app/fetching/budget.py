"""The bytes of images that a process holds at once: reserved before they are read, given back when they are stored."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Reservation:
    """Bytes held for one image: of known size from the start (`fix`), or growing up to the budget's `largest`."""

    budget: ByteBudget
    held: int = 0

    async def fix(self, count: int) -> None:
        """Hold `count` bytes and never more; waits for them. Only for a reservation that holds nothing yet."""
        await self.budget.acquire(self, count, fixed=True)

    async def grow(self, count: int) -> None:
        """Hold `count` bytes more; waits for them."""
        await self.budget.acquire(self, count, fixed=False)

    def settle(self) -> None:
        """Say that all bytes are read: it will not grow any more, and waits to be examined."""
        self.budget.settle(self)

    def examined(self) -> None:
        """Say that it is examined; what it holds now waits for storage only."""
        self.budget.examined(self)

    def release(self) -> None:
        """Give everything back; the reservation may be used again."""
        self.budget.release(self)


@dataclass(slots=True, eq=False)
class _Waiter:
    reservation: Reservation
    count: int
    fixed: bool
    granted: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class ByteBudget:
    """At most `limit` bytes, over everything that runs. No image needs more than `largest` (at most `limit`).

    Downloads of unknown size grow while they hold, which could end with all of them waiting for each other. It cannot
    here: bytes are granted only while all growing reservations but the largest together leave `largest` free of the
    limit. Then the largest can always reach its end once those of known size have finished, after it the next one, and
    so on (the safe states of Dijkstra's banker, for one resource and equal claims).

    Nobody new begins while `ahead` bytes and `ahead_bodies` images are read and wait to be examined: more of them would
    make nothing faster. Without `ahead` the limit is the only bound.
    """

    limit: int
    largest: int
    ahead: int | None = None
    ahead_bodies: int = 0
    """However large images are, this many may be ahead: nobody who examines them has to wait for the next."""
    used: int = 0
    peak: int = 0
    """The most that was ever held: what tests and metrics look at."""
    _read: set[Reservation] = field(default_factory=set)
    _read_bytes: int = 0
    _growing: set[Reservation] = field(default_factory=set)
    _growers: deque[_Waiter] = field(default_factory=deque)
    _comers: deque[_Waiter] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.largest = min(self.largest, self.limit)

    def reservation(self) -> Reservation:
        """A new one, holding nothing."""
        return Reservation(self)

    async def acquire(self, reservation: Reservation, count: int, *, fixed: bool) -> None:
        """Add `count` bytes to a reservation as soon as they are free and safe to give, in the order of asking.

        Those that hold something already go first: only they can bring bytes back.
        """
        queue = self._growers if reservation.held else self._comers
        waiter = _Waiter(reservation, count, fixed, asyncio.get_running_loop().create_future())
        queue.append(waiter)
        self._serve()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in queue:
                queue.remove(waiter)
            self._serve()
            raise

    def release(self, reservation: Reservation) -> None:
        """Take a reservation's bytes back and serve those who wait."""
        self.used -= reservation.held
        self._leave_the_read(reservation)
        self._growing.discard(reservation)
        reservation.held = 0
        self._serve()

    def settle(self, reservation: Reservation) -> None:
        """Take a reservation from those that may grow to those that are read, and serve those who wait."""
        self._growing.discard(reservation)
        self._read.add(reservation)
        self._read_bytes += reservation.held
        self._serve()

    def examined(self, reservation: Reservation) -> None:
        """Take a reservation from those that are read and serve those who wait."""
        self._leave_the_read(reservation)
        self._serve()

    def _leave_the_read(self, reservation: Reservation) -> None:
        if reservation in self._read:
            self._read.remove(reservation)
            self._read_bytes -= reservation.held

    def _serve(self) -> None:
        for waiter in list(self._growers):
            if self._may(waiter):
                self._growers.remove(waiter)
                self._grant(waiter)
        while self._comers and not self._growers and not self._is_ahead() and self._may(self._comers[0]):
            self._grant(self._comers.popleft())

    def _is_ahead(self) -> bool:
        if self.ahead is None:
            return False
        return self._read_bytes >= self.ahead and len(self._read) >= self.ahead_bodies

    def _may(self, waiter: _Waiter) -> bool:
        if self.used + waiter.count > self.limit:
            return False
        if waiter.fixed:
            return True
        held = [one.held for one in self._growing if one is not waiter.reservation]
        held.append(waiter.reservation.held + waiter.count)
        return sum(held) - max(held) <= self.limit - self.largest

    def _grant(self, waiter: _Waiter) -> None:
        if waiter.granted.done():  # cancelled: its task has not run yet
            return
        reservation = waiter.reservation
        reservation.held += waiter.count
        if not waiter.fixed:
            self._growing.add(reservation)
        self.used += waiter.count
        self.peak = max(self.peak, self.used)
        waiter.granted.set_result(None)
