"""Answers of sources whose terms want them kept, in Redis: for all workers and the API.

A Redis that is away, or has dropped them, costs a request.
"""

from __future__ import annotations

import asyncio
import zlib

from app.queue import REDIS_ERRORS, redis

PREFIX = "pixcrawler:answer:"
LEVEL = 3
MOST_BYTES = 8 * 2**20
"""Of an answer, unpacked: what is larger is not an answer of ours."""


class KeptAnswers:
    """See the module. Answers are kept packed: JSON comes to an eighth."""

    async def get(self, name: str) -> bytes | None:
        """What was kept under the name; None too where Redis does not answer."""
        try:
            packed = await redis().get(PREFIX + name)
        except REDIS_ERRORS:
            return None
        return None if packed is None else await asyncio.to_thread(_unpacked, packed)

    async def put(self, name: str, answer: bytes, keep_s: int) -> None:
        """Keep it for so many seconds, if Redis is there."""
        packed = await asyncio.to_thread(zlib.compress, answer, LEVEL)
        try:
            await redis().set(PREFIX + name, packed, ex=keep_s)
        except REDIS_ERRORS:
            return


def _unpacked(packed: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, MOST_BYTES)
    except zlib.error:
        return None
