"""Images of a dataset that tests make up: small, and different in their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from app.exports.base import ExportImage


def made(number: int, keyword: str | None = "cat", size: int = 50, **more: Any) -> tuple[ExportImage, bytes]:
    """An image and its bytes."""
    data = (b"%d " % number) * size
    digest = hashlib.sha256(data).digest()
    values: dict[str, Any] = {
        "image_id": number,
        "sha256": digest,
        "storage_key": f"images/{digest.hex()[:2]}/{digest.hex()}.jpg",
        "filename": f"{digest.hex()}.jpg",
        "width": 640,
        "height": 480,
        "file_size": len(data),
        "format": "jpeg",
        "keyword": keyword,
        "original_url": f"https://example.org/{number}.jpg",
        "phash": number - 3,
    }
    return ExportImage(**(values | more)), data


class Archive:
    """Takes what a writer writes."""

    def __init__(self) -> None:
        self.content = bytearray()

    async def write(self, data: bytes) -> None:
        self.content += data


async def streamed(images: Iterable[ExportImage]) -> AsyncIterator[ExportImage]:
    """The images, one after another, as a cursor gives them."""
    for image in images:
        yield image
