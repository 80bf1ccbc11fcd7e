"""Where the bytes of one large object are written, a little at a time, while they are sent on elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from app.errors import StorageRefused

BLOCK_BYTES = 2**20
"""Small writes are gathered to this size: each hand-over to a store costs tens of microseconds."""
BLOCKS_WAITING = 2


class Aborted(Exception):
    """The writer gave up: what was sent is dropped."""


class Sink:
    """Takes the bytes of one object from one writer; at most a few blocks of it are in memory."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._blocks: asyncio.Queue[bytes | Aborted | None] = asyncio.Queue(BLOCKS_WAITING)
        self._failure: BaseException | None = None
        self._ended = False

    async def write(self, data: bytes) -> None:
        """Append `data`; waits while the store is slower. Raises StorageRefused."""
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes >= BLOCK_BYTES:
            await self._hand_held()

    async def finish(self) -> None:
        """Hand the last bytes on, and the end. Raises StorageRefused."""
        if self._held:
            await self._hand_held()
        await self._hand(None)

    def abort(self) -> None:
        """Give up: the store is told by an exception in the middle of the bytes."""
        self._empty()
        self._blocks.put_nowait(Aborted())

    async def send(self, put: Callable[[AsyncIterator[bytes]], Awaitable[object]]) -> None:
        """Give the blocks to `put` as they come, for as long as it takes them. Raises what it raises, or Aborted."""
        try:
            await put(self._read())
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._ended = True
            self._empty()

    async def _hand_held(self) -> None:
        block, self._held, self._held_bytes = b"".join(self._held), [], 0
        await self._hand(block)

    async def _hand(self, block: bytes | None) -> None:
        if not self._ended:
            await self._blocks.put(block)
        # The store may have failed while we waited, and then nobody reads any more.
        if self._failure is not None:
            if isinstance(self._failure, StorageRefused):
                raise self._failure
            raise StorageRefused(str(self._failure)) from self._failure

    async def _read(self) -> AsyncIterator[bytes]:
        while (block := await self._blocks.get()) is not None:
            if isinstance(block, Aborted):
                raise block
            yield block

    def _empty(self) -> None:
        while not self._blocks.empty():
            self._blocks.get_nowait()
