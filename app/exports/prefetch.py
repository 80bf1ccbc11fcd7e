"""Reads the bytes of images to come while the present one is written: storage answers late, but to many at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from app.exports.base import ExportImage

AHEAD_BYTES = 48 * 2**20
"""What is held in memory at most; one image that is larger comes alone."""
AHEAD_IMAGES = 32

Ahead = deque[tuple[ExportImage, "asyncio.Task[bytes]"]]


async def with_bytes(
    images: AsyncIterator[ExportImage],
    get: Callable[[str], Awaitable[bytes]],
    ahead_bytes: int = AHEAD_BYTES,
) -> AsyncGenerator[tuple[ExportImage, bytes], None]:
    """Each image with its bytes, in the same order. Close it (`aclosing`) where it is left early.

    Raises what `get` raises, when the image's turn comes.
    """
    ahead: Ahead = deque()
    held = 0
    try:
        async for image in images:
            while ahead and (held + image.file_size > ahead_bytes or len(ahead) >= AHEAD_IMAGES):
                first, reading = ahead[0]
                yield first, await reading
                ahead.popleft()
                held -= first.file_size
            ahead.append((image, asyncio.create_task(_read(get, image.storage_key))))
            held += image.file_size
        while ahead:
            first, reading = ahead[0]
            yield first, await reading
            ahead.popleft()
    finally:
        await _drop(ahead)


async def _read(get: Callable[[str], Awaitable[bytes]], key: str) -> bytes:
    return await get(key)


async def _drop(ahead: Ahead) -> None:
    for _, reading in ahead:
        reading.cancel()
    await asyncio.gather(*(reading for _, reading in ahead), return_exceptions=True)
