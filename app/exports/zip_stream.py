"""A ZIP archive written front to back: stored entries, UTF-8 names, ZIP64 where sizes ask for it, nothing gone back to.

Written after APPNOTE.TXT 6.3.10 of PKWARE. The same entries give the same bytes: every entry is of 1980-01-01, the
format's first day, so that no clock enters. Images do not deflate, and stored ones can be read in place.
"""

from __future__ import annotations

import struct
import zlib

from app.exports.base import Write
from app.exports.spool import Spool

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")

UTF8_NAMES = 0x800
PLAIN, WITH_64 = 20, 45
"""Versions of the format that a reader needs."""
MADE_BY = 3 << 8 | WITH_64
"""Unix, so that the mode below is taken."""
MODE = 0o100644 << 16
FIRST_DAY = 1 << 5 | 1
"""1980-01-01 in MS-DOS days: (year - 1980) << 9 | month << 5 | day."""
FULL_16, FULL_32 = 0xFFFF, 0xFFFFFFFF
"""In a field: the value does not fit, see the ZIP64 one."""
EXTRA_64 = 1


class ZipStream:
    """An archive under way. Its directory, about 150 bytes an entry, is spooled until the end."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._directory = Spool()
        self._entries = 0
        self.offset = 0
        """Bytes of the file so far."""

    async def add(self, name: str, data: bytes) -> None:
        """Write an entry of known bytes. `name` is a relative path with slashes, and new to the archive."""
        await self._begin(name, len(data), zlib.crc32(data))
        await self._append(data)

    async def add_spooled(self, name: str, content: Spool) -> None:
        """Write an entry that was spooled."""
        await self._begin(name, content.size, content.crc)
        for block in content.blocks():
            await self._append(block)

    async def finish(self) -> None:
        """Write the directory; the archive is whole then."""
        start = self.offset
        for block in self._directory.blocks():
            await self._append(block)
        await self._append(self._end(start, self.offset - start))
        self._directory.close()

    async def _begin(self, name: str, size: int, crc: int) -> None:
        """The entry's header here, and its line in the directory."""
        raw = name.encode()
        long = size >= FULL_32
        shown = FULL_32 if long else size
        extra = struct.pack("<2H2Q", EXTRA_64, 16, size, size) if long else b""
        needs = WITH_64 if long else PLAIN
        header = LOCAL.pack(b"PK\3\4", needs, UTF8_NAMES, 0, 0, FIRST_DAY, crc, shown, shown, len(raw), len(extra))
        self._directory.append(self._line(raw, size, crc))
        self._entries += 1
        await self._append(header + raw + extra)

    def _line(self, raw: bytes, size: int, crc: int) -> bytes:
        far, long = self.offset >= FULL_32, size >= FULL_32
        wide = ((size, size) if long else ()) + ((self.offset,) if far else ())
        extra = struct.pack(f"<2H{len(wide)}Q", EXTRA_64, 8 * len(wide), *wide) if wide else b""
        shown, place = (FULL_32 if long else size), (FULL_32 if far else self.offset)
        needs = WITH_64 if wide else PLAIN
        fixed = (b"PK\1\2", MADE_BY, needs, UTF8_NAMES, 0, 0, FIRST_DAY, crc, shown, shown, len(raw), len(extra))
        return CENTRAL.pack(*fixed, 0, 0, 0, MODE, place) + raw + extra

    def _end(self, start: int, size: int) -> bytes:
        count = self._entries
        end = END.pack(b"PK\5\6", 0, 0, *[min(count, FULL_16)] * 2, min(size, FULL_32), min(start, FULL_32), 0)
        if count < FULL_16 and size < FULL_32 and start < FULL_32:
            return end
        wide = END_64.pack(b"PK\6\6", END_64.size - 12, MADE_BY, WITH_64, 0, 0, count, count, size, start)
        return wide + LOCATOR_64.pack(b"PK\6\7", 0, start + size, 1) + end

    async def _append(self, data: bytes) -> None:
        await self._write(data)
        self.offset += len(data)
