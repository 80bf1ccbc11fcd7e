"""What a decoder's complaint means for the user: cut off, damaged, or of a kind that is not taken."""

from __future__ import annotations

import struct
import zlib

from app.fetching.refusal import Refusal, refusal
from app.values import RefusalCode

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    AssertionError,
    MemoryError,
)
"""What Pillow's plugins raise on damaged files: parsers of foreign bytes, whose every slip means a broken file."""

SAYS_UNSUPPORTED = ("unsupported", "not supported", "not available", "unknown pixel mode", "unknown raw mode")
SAYS_TRUNCATED = ("truncated", "premature end of jpeg file", "unexpected end", "not enough", "insufficient")


def damage(name: str, data: bytes, error: BaseException) -> Refusal:
    """The Refusal for what a decoder raised about a file that begins like a `name`."""
    said = str(error).lower()
    detail = str(error)[:160] or type(error).__name__
    if is_cut(name, data) or any(text in said for text in SAYS_TRUNCATED):
        message = f"The {name} file ends before the image does."
        return refusal(RefusalCode.TRUNCATED, message, f"{len(data):,} bytes: {detail}")
    if any(text in said for text in SAYS_UNSUPPORTED):
        return refusal(RefusalCode.UNSUPPORTED_FORMAT, f"This kind of {name} is not taken.", detail)
    return refusal(RefusalCode.CORRUPT, f"The {name} file is damaged.", detail)


def check_end(name: str, data: bytes) -> None:
    """Refuse a file that its own structure says should be longer, without decoding it."""
    if is_cut(name, data):
        raise refusal(RefusalCode.TRUNCATED, f"The {name} file ends before the image does.", f"{len(data):,} bytes")


def is_cut(name: str, data: bytes) -> bool:
    """Whether the file's own structure says that it should be longer."""
    try:
        return _CUT[name](data)
    except (struct.error, LookupError):
        return True  # the structure itself ends in the middle
    except ArithmeticError:
        return False  # an offset beyond any file: damaged, not cut


def _jpeg_cut(data: bytes) -> bool:
    return b"\xff\xd9" not in data[-1024:]  # end of image; some cameras pad the file after it


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
    return b"\x3b" not in data[-16:]


def _tiff_cut(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    at = int(struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0])
    count = int(struct.unpack_from(order + ("Q" if big else "H"), data, at)[0])
    ends = _strip_ends(data, order, at + 2, count) if not big else [at + 8 + 20 * count]
    return max(ends, default=0) > len(data)


def _strip_ends(data: bytes, order: str, at: int, count: int) -> list[int]:
    """Where the strips or tiles of a classic TIFF's first directory end."""
    values: dict[int, list[int]] = {}
    for entry in range(at, at + 12 * min(count, 500), 12):
        tag, kind, length = struct.unpack_from(order + "HHI", data, entry)
        if tag in (273, 279, 324, 325) and kind in (3, 4) and length <= 100_000:  # offsets and sizes, 16 or 32 bits
            letter, size = ("H", 2) if kind == 3 else ("I", 4)
            where = entry + 8 if length * size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
            values[tag] = list(struct.unpack_from(f"{order}{length}{letter}", data, where))
    starts, sizes = values.get(273) or values.get(324) or [], values.get(279) or values.get(325) or []
    return [start + size for start, size in zip(starts, sizes, strict=False)]


def _avif_cut(data: bytes) -> bool:
    at = 0
    while at < len(data):
        size = int(struct.unpack_from(">I", data, at)[0])
        if size == 1:
            size = int(struct.unpack_from(">Q", data, at + 8)[0])
        if size == 0:  # to the end of the file
            return False
        if size < 8:
            return False  # damaged, not cut
        at += size
    return at > len(data)


def _bmp_cut(data: bytes) -> bool:
    return int(struct.unpack_from("<I", data, 2)[0]) > len(data)


_CUT = {
    "jpeg": _jpeg_cut,
    "png": _png_cut,
    "webp": _webp_cut,
    "gif": _gif_cut,
    "tiff": _tiff_cut,
    "avif": _avif_cut,
    "bmp": _bmp_cut,
}
