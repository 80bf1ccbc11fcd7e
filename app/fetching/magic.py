"""What bytes are, by their own first words: never by a suffix or a header."""

from __future__ import annotations

import struct

from app.fetching.foreign import brands_of, kind_of
from app.fetching.refusal import Refusal, refusal
from app.values import RefusalCode

EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif", "tiff": "tiff", "avif": "avif", "bmp": "bmp"}
"""The formats that are taken, by our name, and the file extension of each."""

_FORMATS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""The sizes that the header after a BMP's first 14 bytes has had; `BM` alone begins many texts."""
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_CAMERA_RAW = b"CR"
"""What Canon's raw files have after the header of TIFF, as which only their thumbnail could be read."""


def format_of(data: bytes) -> str:
    """The format of an image file, one of EXTENSIONS. Raises Refusal: empty, unsupported_format or not_an_image."""
    if not data:
        raise refusal(RefusalCode.EMPTY, "The answer has no body.", "0 bytes")
    for start, name in _FORMATS:
        if data.startswith(start) and not (name == "tiff" and data[8:10] == _CAMERA_RAW):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(b"BM") and len(data) >= 18 and struct.unpack_from("<I", data, 14)[0] in _BMP_HEADERS:
        return "bmp"
    if data[4:8] == b"ftyp" and _AVIF_BRANDS.intersection(brands_of(data)):
        return "avif"
    raise _foreign(data)


def _foreign(data: bytes) -> Refusal:
    kind = kind_of(data)
    if kind.is_image:
        taken = ", ".join(EXTENSIONS)
        message = f"{kind.name[:1].upper()}{kind.name[1:]} files are not taken."
        return refusal(RefusalCode.UNSUPPORTED_FORMAT, message, kind.name, taken)
    name = "a web page" if kind.name == "HTML" else kind.name
    bare_name = kind.name.removeprefix("an ").removeprefix("a ")
    return refusal(RefusalCode.NOT_AN_IMAGE, f"The file is {name}, not an image.", bare_name)
