"""What a format of dataset is: a writer that is given images one after another and writes a file as they come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.values import Json

Write = Callable[[bytes], Awaitable[None]]
"""Appends bytes to the file that is being made; it waits while storage is slower, and cannot go back."""


@dataclass(frozen=True, slots=True)
class ExportImage:
    """An image of a dataset: what its row says. Images of one export differ in their bytes.

    Width and height are pixels as displayed, `file_size` is bytes, `keyword` is the class label, `phash` a signed
    64-bit perceptual hash; `provenance` has the keys of `app.values.PROVENANCE_KEYS`, absent where unknown.
    """

    image_id: int
    sha256: bytes
    storage_key: str
    filename: str
    width: int
    height: int
    file_size: int
    format: str
    keyword: str | None
    original_url: str
    phash: int | None = None
    provenance: Mapping[str, Json] = field(default_factory=dict)

    @property
    def extension(self) -> str:
        """The suffix of the content, with its dot."""
        return self.storage_key[self.storage_key.rindex(".") :] if "." in self.storage_key else ""


class Writer(Protocol):
    """Writes one dataset: `begin`, then `add` for each image, then `finish`.

    A writer that is left before `finish` has nothing to undo: the file is dropped by whoever took its bytes. Memory is
    bounded however many images come. Raises StorageRefused where its temporary space is full.
    """

    async def begin(self) -> None:
        """Write what comes before the first image."""

    async def add(self, image: ExportImage, data: bytes) -> None:
        """Write an image; `data` is exactly what is stored."""

    async def finish(self) -> None:
        """Write what comes after the last image."""


MakeWriter = Callable[[Write, str], Writer]
"""A format: given where to write and the dataset's name."""
