"""The ZIP dataset: a folder per class, `metadata.jsonl` and `ATTRIBUTION.md`, streamed with no temporary copy.

Bytes are exactly those stored; a file is named by its SHA-256, so that unpacking two exports into one place doubles
nothing. What is known of the images is spooled until the last of them is written.
"""

from __future__ import annotations

from app.exports.attribution import Attribution
from app.exports.base import ExportImage, Write
from app.exports.folders import Folders
from app.exports.metadata import metadata_line
from app.exports.spool import Spool
from app.exports.zip_stream import ZipStream

METADATA = "metadata.jsonl"
ATTRIBUTION = "ATTRIBUTION.md"


class ZipWriter:
    """Writes a ZIP dataset."""

    def __init__(self, write: Write, name: str) -> None:
        self._stream = ZipStream(write)
        self._folders = Folders(reserved=(METADATA, ATTRIBUTION))
        self._metadata = Spool()
        self._attribution = Attribution(name)

    async def begin(self) -> None:
        """Nothing comes before the first image."""

    async def add(self, image: ExportImage, data: bytes) -> None:
        """Write the image under its class."""
        file_name = f"{self._folders.of(image.keyword)}/{image.sha256.hex()}{image.extension}"
        await self._stream.add(file_name, data)
        self._metadata.append(metadata_line(image, file_name))
        self._attribution.add(image, file_name)

    async def finish(self) -> None:
        """Write what is known of the images, and the archive's directory."""
        await self._stream.add_spooled(METADATA, self._metadata)
        await self._stream.add_spooled(ATTRIBUTION, self._attribution.text())
        await self._stream.finish()
        self._metadata.close()
