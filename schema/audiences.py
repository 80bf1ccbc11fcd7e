"""Those who hear the same: of a feed, one reader makes each answer once, and lays it at every listener's seat.

A seat holds the newest answer about each thing that its listener has not taken yet. One who is slow holds up neither
the reader nor the others, and misses nothing but what was over anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from typing import NamedTuple

from strawberry.utils.aio import aclosing

from schema.answers import Answer
from schema.feeds import Event, Feed

Make = Callable[[Event], Awaitable[Answer]]
"""Event → what is told of it."""
Fail = Callable[[Exception], Answer]
"""What went wrong → what is told of it."""


class Told(NamedTuple):
    """An answer at a seat, and what its event was about."""

    of: Hashable
    revision: int
    answer: Answer


class Seat:
    """One listener's place."""

    __slots__ = ("_heard", "_over", "_waiting", "_woken", "audience")

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self._waiting: dict[Hashable, Told] = {}
        self._heard: Event | None = None
        """The first event, once it is known: what is not newer is no news."""
        self._woken: asyncio.Future[None] | None = None
        self._over = False

    def begin(self, first: Event) -> None:
        """The listener hears of `first` first, whatever is here already."""
        self._heard = first
        self._waiting = {of: told for of, told in self._waiting.items() if self.wants(of, told.revision)}

    def wants(self, of: Hashable, revision: int) -> bool:
        """Whether an event is news here."""
        return self._heard is None or self._heard.revision < revision or self._heard.of != of

    def put(self, told: Told) -> None:
        """Lay an answer here, in place of an older one about the same."""
        if self.wants(told.of, told.revision):
            self._waiting[told.of] = told
            self._wake()

    def end(self) -> None:
        """Nothing more comes."""
        self._over = True
        self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def take(self) -> Answer | None:
        """The next answer, once there is one; None at the end."""
        while not self._waiting:
            if self._over:
                return None
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        return self._waiting.pop(next(iter(self._waiting))).answer


class Audience:
    """All who hear the same."""

    def __init__(self, key: Hashable, feed: Feed[Event], make: Make, fail: Fail) -> None:
        self.key = key
        self.feed = feed
        self.seats: set[Seat] = set()
        self.over = False
        """Whether all has been told."""
        self.make = make
        self._fail = fail
        feed.open()
        self._reading = asyncio.create_task(self._read())

    def leave(self, seat: Seat) -> bool:
        """One listener less; True if it was the last, for whom the reading ends."""
        self.seats.discard(seat)
        if self.seats:
            return False
        self._reading.cancel()
        self._end()
        return True

    async def _read(self) -> None:
        try:
            async with aclosing(aiter(self.feed)) as events:
                async for event in events:
                    if any(seat.wants(event.of, event.revision) for seat in self.seats):
                        answer = await self.make(event)
                        if answer.is_gone:
                            break
                        self._tell(event, answer)
        except Exception as error:  # noqa: BLE001 - whatever a feed raises is masked, and the last that is heard
            self._tell(Event(of=self), self._fail(error))
        self._end()

    def _tell(self, event: Event, answer: Answer) -> None:
        told = Told(event.of, event.revision, answer)
        for seat in self.seats:
            seat.put(told)

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self.feed.close()
        for seat in self.seats:
            seat.end()


class Audiences:
    """The audiences that there are, by what they hear."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Audience] = {}

    async def hear(self, key: Hashable, feed: Feed[Event], make: Make, fail: Fail) -> AsyncGenerator[Answer, None]:
        """The state as it is, then what the audience of `key` hears until its end.

        The first to come brings the feed and the makers of answers for all. The seat is taken before the state is
        read, so that nothing falls between.
        """
        seat = self._join(key, feed, make, fail)
        audience = seat.audience
        del key, feed, make, fail  # while they listen, those of who came first are enough
        try:
            first = await audience.feed.first()
            seat.begin(first)
            yield await audience.make(first)
            while not first.final and (found := await seat.take()) is not None:
                yield found
        finally:
            if audience.leave(seat) and self._known.get(audience.key) is audience:
                del self._known[audience.key]

    def _join(self, key: Hashable, feed: Feed[Event], make: Make, fail: Fail) -> Seat:
        audience = self._known.get(key)
        if audience is None or audience.over:
            audience = self._known[key] = Audience(key, feed, make, fail)
        seat = Seat(audience)
        audience.seats.add(seat)
        return seat
