"""Text that an archive can only write at its end, kept small in memory and otherwise in a temporary file."""

from __future__ import annotations

import tempfile
import weakref
import zlib
from collections.abc import Iterator

from app.errors import StorageRefused

IN_MEMORY_BYTES = 8 * 2**20
READ_BYTES = 2**20


class Spool:
    """Bytes that are appended now and read once, later; `size` and `crc` (CRC-32) are those of all of them.

    The temporary file has no name and goes with the object. Raises StorageRefused where there is no space for it.
    """

    def __init__(self, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        self._file = tempfile.SpooledTemporaryFile(in_memory_bytes)  # noqa: SIM115 - it lives as long as the object
        self._closing = weakref.finalize(self, self._file.close)
        self.size = 0
        self.crc = 0

    def append(self, data: bytes) -> None:
        """Add `data`."""
        try:
            self._file.write(data)
        except OSError as error:
            raise StorageRefused(f"No temporary space for the export: {error}") from error
        self.size += len(data)
        self.crc = zlib.crc32(data, self.crc)

    def blocks(self) -> Iterator[bytes]:
        """All that was appended, in blocks."""
        try:
            self._file.seek(0)
            while block := self._file.read(READ_BYTES):
                yield block
        except OSError as error:
            raise StorageRefused(f"No temporary space for the export: {error}") from error

    def close(self) -> None:
        """Let the bytes go."""
        self._closing()
