"""What a subscription yields and, where it is a state of which only the newest counts, what it follows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Hashable
from typing import TypeVar

import strawberry


@strawberry.type
class Event:
    """What a subscription yields. Events of one `of` and `revision` have one answer for all who see the same."""

    of: strawberry.Private[Hashable] = None
    """Names what the event is about; an event about nothing is shared with nobody."""
    revision: strawberry.Private[int] = 0
    """Grows with each event about the same."""
    final: strawberry.Private[bool] = False
    """Whether nothing follows."""


E_co = TypeVar("E_co", bound=Event, covariant=True)


class Feed(AsyncIterable[E_co]):
    """A state that may be followed; made for one who may see it.

    Of all who ask the same of the same `of`, one's feed is opened and serves them all. Iterated over, it gives what is
    new since then: of each thing the newest, and the end after the last.
    """

    of: Hashable

    @abstractmethod
    def open(self) -> None:
        """Begin to keep what is new."""

    @abstractmethod
    def close(self) -> None:
        """Keep nothing any more."""

    @abstractmethod
    async def first(self) -> E_co:
        """The state as it is now, for one who has just come; raises `AppError` where there is none any more."""

    @abstractmethod
    def __aiter__(self) -> AsyncGenerator[E_co, None]:
        """What is new."""
