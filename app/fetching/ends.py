"""Whether a file ends before its own structure does: by lengths and markers that each format writes, without decoding.

Bytes after the end are no matter: cameras and phones put a film behind a photograph, and some pad.
"""

from __future__ import annotations

import re
import struct

from app.fetching import tiff

_TAIL_BYTES = 1024
_JPEG_END = b"\xff\xd9"
_JPEG_FILL = re.compile(rb"\xff+")
_JPEG_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""What ends a scan's data: a marker that is neither a stuffed byte nor a restart. Not with the fill bytes before it:
each of a million of them would be tried as the first."""


def is_cut(name: str, data: bytes) -> bool:
    """Whether a file that begins like a `name` should, by its own structure, be longer."""
    try:
        return _CUT[name](data)
    except (struct.error, LookupError):
        return True  # the structure itself ends in the middle
    except ArithmeticError:
        return False  # an offset beyond any file: damaged, not cut


def _jpeg_cut(data: bytes) -> bool:
    if _JPEG_END in data[-_TAIL_BYTES:]:
        return False
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _JPEG_END[1]:
            return False
        if marker == 0xFF and (fill := _JPEG_FILL.match(data, at)):
            at = fill.end() - 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # alone, without a length
            at += 2
            continue
        at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
        if marker == 0xDA:
            found = _JPEG_AFTER_SCAN.search(data, at)
            if found is None:
                return True
            at = found.end() - 2
    return False  # something else stands where a marker should: damaged, not cut


def _png_cut(data: bytes) -> bool:
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            return False
        at += 12 + length
    return True


def _webp_cut(data: bytes) -> bool:
    return int(struct.unpack_from("<I", data, 4)[0]) + 8 > len(data)


def _gif_cut(data: bytes) -> bool:
    at = 13 + _gif_colors(data[10])
    images = 0
    while True:
        if at == len(data):
            return images == 0  # many end without the trailer, after a whole image
        kind = data[at]
        if kind == 0x2C:
            images += 1
            at += 11 + _gif_colors(data[at + 9])
        elif kind == 0x21:
            at += 2
        else:
            return False  # the trailer, or padding
        while data[at]:
            at += 1 + data[at]
        at += 1


def _gif_colors(flags: int) -> int:
    """The bytes of a color table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _tiff_cut(data: bytes) -> bool:
    tags = tiff.directory(data)
    starts = tags.get(tiff.STRIPS) or tags.get(tiff.TILES) or []
    sizes = tags.get(tiff.STRIP_SIZES) or tags.get(tiff.TILE_SIZES) or []
    most = tiff.plain_strip_bytes(tags)  # some writers' sizes are nonsense where none is needed
    return any(start + min(size, most or size) > len(data) for start, size in zip(starts, sizes, strict=False))


def _avif_cut(data: bytes) -> bool:
    at, needed = 0, {b"meta", b"mdat"}
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        if size < 8 or not kind.isalnum():  # 0: to the end of the file; others are damaged or no box any more
            return False
        needed.discard(kind)
        at += size
    return at > len(data) or bool(needed)


def _bmp_cut(data: bytes) -> bool:
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<4H", data, 18)
        compression, size = 0, 0
    else:
        width, height, _, bits, compression, size = struct.unpack_from("<iiHHII", data, 18)
    if compression in (0, 3):  # pixels as they are: the size of the file, which is often wrong, says nothing more
        size = (width * bits + 31) // 32 * 4 * abs(height)
    return int(start + size) > len(data)


_CUT = {
    "jpeg": _jpeg_cut,
    "png": _png_cut,
    "webp": _webp_cut,
    "gif": _gif_cut,
    "tiff": _tiff_cut,
    "avif": _avif_cut,
    "bmp": _bmp_cut,
}
