"""What a decoder's complaint means for the user: cut off, damaged, or of a kind that is not taken."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, UnidentifiedImageError

from app.fetching import tiff
from app.fetching.ends import is_cut
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

SAYS_UNSUPPORTED = (
    "unsupported",
    "not supported",
    "not available",
    "unknown pixel mode",
    "unknown raw mode",
    "cannot handle",
    "too large for pngimageplugin",  # texts of more than 1 MB, for which Pillow does not open the file
)
SAYS_TRUNCATED = ("truncated", "premature end of jpeg file", "unexpected end", "not enough", "insufficient")

_JPEG_PROCESSES = {
    0xC3: "lossless JPEG",
    0xC5: "hierarchical JPEG",
    0xC6: "hierarchical JPEG",
    0xC7: "hierarchical JPEG",
    0xCB: "lossless JPEG",
    0xCD: "hierarchical JPEG",
    0xCE: "hierarchical JPEG",
    0xCF: "hierarchical JPEG",
    0xF7: "JPEG-LS",
}
"""The frames that no decoder of ours knows, by their marker (ITU-T T.81 table B.1, T.87)."""


def damage(name: str, data: bytes, error: BaseException) -> Refusal:
    """The Refusal for what a decoder raised about a file that begins like a `name`."""
    if isinstance(error, UnidentifiedImageError):
        error = _why_unopened(name, data, error)
    said = str(error).lower()
    detail = _words(error)
    if is_cut(name, data) or any(text in said for text in SAYS_TRUNCATED):
        message = f"The {name} file ends before the image does."
        return refusal(RefusalCode.TRUNCATED, message, f"{len(data):,} bytes: {detail}")
    kind = _kind_not_taken(name, data) or (detail if any(text in said for text in SAYS_UNSUPPORTED) else None)
    if kind is not None:
        return refusal(RefusalCode.UNSUPPORTED_FORMAT, f"This kind of {name} is not taken.", kind)
    return refusal(RefusalCode.CORRUPT, f"The {name} file is damaged.", detail)


def check_end(name: str, data: bytes) -> None:
    """Refuse a file that its own structure says should be longer, without decoding it."""
    if is_cut(name, data):
        raise refusal(RefusalCode.TRUNCATED, f"The {name} file ends before the image does.", f"{len(data):,} bytes")


def _why_unopened(name: str, data: bytes, error: BaseException) -> BaseException:
    """What a format's own reader says of a file; Pillow only tells that none of its readers took it."""
    try:
        Image.OPEN[name.upper()][0](io.BytesIO(data), "")
    except DECODER_ERRORS as reason:
        return reason
    return error


def _words(error: BaseException) -> str:
    """What an exception says, without what only speaks of the decoder's inside: a bare key, an object's address."""
    said = str(error)
    if isinstance(error, UnidentifiedImageError):
        return "its head cannot be read"
    return said[:160] if any(letter.isalpha() for letter in said) else "its data makes no sense"


def _kind_not_taken(name: str, data: bytes) -> str | None:
    """What is whole and yet nothing for our decoders, where it can be told."""
    if name == "jpeg":
        return _jpeg_kind(data)
    if name == "tiff":
        return _tiff_kind(data)
    return None


def _tiff_kind(data: bytes) -> str | None:
    try:
        compression = tiff.directory(data).get(tiff.COMPRESSION, [1])[0]
    except (struct.error, ArithmeticError):
        return None
    return None if compression in tiff.DECODED_COMPRESSIONS else f"compression {compression}"


def _jpeg_kind(data: bytes) -> str | None:
    """By the marker of the frame, and the bits of its samples."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 5 <= len(data):
        marker, length, bits = struct.unpack_from(">BHB", data, at + 1)
        if marker in _JPEG_PROCESSES:
            return _JPEG_PROCESSES[marker]
        if marker in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA):
            return f"{bits} bits a sample" if bits != 8 else None
        at += 2 + length
    return None
