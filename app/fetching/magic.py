"""What bytes are, by their own first words: never by a suffix or a header."""

from __future__ import annotations

import struct

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
_FOREIGN = (
    (b"8BPS", "Photoshop"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\x00\x00\x01\x00", "icon"),
    (b"\x00\x00\x02\x00", "cursor"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"DDS ", "DirectDraw surface"),
    (b"qoif", "QOI"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"gimp xcf", "GIMP"),
    (b"\xd7\xcd\xc6\x9a", "Windows metafile"),
)
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""The sizes that the header after a BMP's first 14 bytes has had; `BM` alone begins many texts."""
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_SNIFFED_BYTES = 1024
_SVG_SNIFFED_BYTES = 4096


def format_of(data: bytes) -> str:
    """The format of an image file, one of EXTENSIONS. Raises Refusal: empty, unsupported_format or not_an_image."""
    if not data:
        raise refusal(RefusalCode.EMPTY, "The answer has no body.", "0 bytes")
    for start, name in _FORMATS:
        if data.startswith(start):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(b"BM") and len(data) >= 18 and struct.unpack_from("<I", data, 14)[0] in _BMP_HEADERS:
        return "bmp"
    if data[4:8] == b"ftyp":
        return _iso_media(data)
    raise _foreign(data)


def _iso_media(data: bytes) -> str:
    """An ISO media file tells its kind by its brands: the major one, then those that it is compatible with."""
    size = min(struct.unpack_from(">I", data)[0], _SNIFFED_BYTES, len(data))
    brands = {data[at : at + 4] for at in (8, *range(16, size - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "avif"
    if brands & _HEIF_BRANDS:
        raise refusal(RefusalCode.UNSUPPORTED_FORMAT, "HEIF images are not taken.", "HEIF", _taken())
    raise refusal(RefusalCode.NOT_AN_IMAGE, "The file is a video or sound, not an image.", "ISO media")


def _foreign(data: bytes) -> Refusal:
    for start, name in _FOREIGN:
        if data.startswith(start):
            return refusal(RefusalCode.UNSUPPORTED_FORMAT, f"{name} files are not taken.", name, _taken())
    head = data[:_SVG_SNIFFED_BYTES].lower()
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if b"<!doctype html" in text or b"<html" in text:
        return refusal(RefusalCode.NOT_AN_IMAGE, "The file is a web page, not an image.", "HTML")
    if text.startswith(b"<") and b"<svg" in text:
        return refusal(RefusalCode.UNSUPPORTED_FORMAT, "SVG drawings are not taken.", "SVG", _taken())
    kind = "text" if _is_text(head) else "unknown bytes"
    return refusal(RefusalCode.NOT_AN_IMAGE, f"The file is {kind}, not an image.", kind)


def _is_text(head: bytes) -> bool:
    return all(byte >= 0x20 or byte in b"\t\r\n\x0c\x1b" for byte in head)


def _taken() -> str:
    return ", ".join(EXTENSIONS)
