"""Bytes are read ahead of the writer, in order and within a budget."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from app.exports.base import ExportImage
from app.exports.prefetch import AHEAD_IMAGES, with_bytes
from app.storage import StoredNotFound
from tests.exports.images import made, streamed


class Slow:
    """Storage that answers when it is told to, and notes how much it was asked for at once."""

    def __init__(self, images: list[tuple[ExportImage, bytes]]) -> None:
        self.stored = {image.storage_key: data for image, data in images}
        self.asked = 0
        self.most = 0

    async def get(self, key: str) -> bytes:
        self.asked += 1
        self.most = max(self.most, self.asked)
        await asyncio.sleep(0.001)
        self.asked -= 1
        if key not in self.stored:
            raise StoredNotFound(f"{key} is not stored.")
        return self.stored[key]


async def test_images_come_in_order_with_their_bytes() -> None:
    images = [made(number) for number in range(100)]
    storage = Slow(images)
    async with contextlib.aclosing(with_bytes(streamed([image for image, _ in images]), storage.get)) as filled:
        assert [pair async for pair in filled] == images
    assert 8 < storage.most <= AHEAD_IMAGES + 1


async def test_no_more_bytes_are_held_than_allowed() -> None:
    images = [made(number, file_size=400) for number in range(30)]
    storage = Slow(images)
    filled = with_bytes(streamed([image for image, _ in images]), storage.get, ahead_bytes=1_000)
    assert [pair async for pair in filled] == images
    assert storage.most <= 2


async def test_an_image_larger_than_the_budget_comes_all_the_same() -> None:
    images = [made(number, file_size=5_000) for number in range(3)]
    filled = with_bytes(streamed([image for image, _ in images]), Slow(images).get, ahead_bytes=1_000)
    assert [pair async for pair in filled] == images


async def test_a_missing_image_is_told_when_its_turn_comes() -> None:
    images = [made(number) for number in range(10)]
    storage = Slow(images[:5] + images[6:])
    filled = with_bytes(streamed([image for image, _ in images]), storage.get)
    assert [(await anext(filled))[0].image_id for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(StoredNotFound):
        await anext(filled)


async def test_leaving_early_leaves_no_read_under_way() -> None:
    images = [made(number) for number in range(50)]
    before = asyncio.all_tasks()
    async with contextlib.aclosing(with_bytes(streamed([i for i, _ in images]), Slow(images).get)) as filled:
        async for _ in filled:
            break
    assert not [task for task in asyncio.all_tasks() - before if not task.done()]
