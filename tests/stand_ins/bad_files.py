"""Files that must be refused, each with its one reason."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from PIL import Image

from tests.stand_ins.expected import Made, Maker, bad
from tests.stand_ins.good_files import FORMATS, encoded, plain

TOO_MANY_BYTES = 65 * 2**20
"""Just above the largest file that is taken unless told: 64 MiB."""
HTML = b"<!doctype html><html><head><title>Not found</title></head><body>Try another day.</body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'


def makers() -> list[Maker]:
    """Functions that make the files; they may run at once."""
    return [_cut, _damaged, _huge, _foreign]


def _cut() -> Iterable[Made]:
    """Each format ends after a tenth, a half and nine tenths of its bytes."""
    for format, suffix in FORMATS.items():
        for percent in (10, 50, 90):
            whole = plain("nagasaki-boats.jpg", percent, format)
            yield bad(f"cut/{percent}-percent.{suffix}", whole[: len(whole) * percent // 100], "truncated")


def _damaged() -> Iterable[Made]:
    """The right length, and bytes that cannot be decoded."""
    png = plain("life.jpg", 1, "PNG")
    yield bad("damaged/noise.png", _overwritten(png, len(png) // 2, 400), "corrupt")
    yield bad("damaged/checksum.png", png.replace(b"IDAT", b"IDAU", 1), "corrupt")
    webp = plain("life.jpg", 2, "WEBP")
    yield bad("damaged/header.webp", webp[:20] + b"\xff" * 40 + webp[60:], "corrupt")
    jpeg = plain("life.jpg", 3, "JPEG")
    tables, frame = jpeg.index(b"\xff\xdb"), jpeg.index(b"\xff\xc0")
    yield bad("damaged/no-tables.jpg", jpeg[:tables] + jpeg[frame:], "corrupt")
    yield bad("damaged/only-its-first-bytes.jpg", jpeg[:3] + b"\xff" * 500 + b"\xff\xd9", "corrupt")
    tiff = plain("life.jpg", 4, "TIFF")
    yield bad("damaged/noise.tiff", tiff[:8] + b"\xa5" * 4_000 + tiff[4_008:], "corrupt")
    avif = plain("life.jpg", 5, "AVIF")
    # In the middle of its pixels an AVIF has nothing that could tell noise from picture; its first bytes of them do.
    yield bad("damaged/noise.avif", _overwritten(avif, avif.index(b"mdat") + 4, 40), "corrupt")


def _overwritten(data: bytes, at: int, count: int) -> bytes:
    return data[:at] + b"\xa5" * count + data[at + count :]


def _huge() -> Iterable[Made]:
    """Too many bytes, or too many pixels in few bytes."""
    beginning = plain("wine.jpg", 1, "JPEG")
    yield bad("huge/bytes.jpg", beginning, "too_large", TOO_MANY_BYTES)
    bomb = encoded(Image.new("1", (20_000, 6_000)), "PNG", compress_level=9)
    yield bad("huge/pixels.png", bomb, "too_many_pixels")
    yield bad("huge/claimed.png", _png_that_claims(60_000, 60_000), "too_many_pixels")
    gif = bytearray(plain("wine.jpg", 2, "GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    yield bad("huge/claimed.gif", bytes(gif), "too_many_pixels")
    jpeg = bytearray(plain("wine.jpg", 3, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    yield bad("huge/claimed.jpg", bytes(jpeg), "too_many_pixels")


def _png_that_claims(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes of pixels do not have."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _foreign() -> Iterable[Made]:
    """No image, or one of a kind that is not taken."""
    small = Image.new("RGB", (32, 32), "teal")
    yield bad("foreign/empty.jpg", b"", "empty")
    yield bad("foreign/page.jpg", HTML, "not_an_image")
    yield bad("foreign/page-after-blanks.png", b"\r\n  \t" + HTML.upper(), "not_an_image")
    yield bad("foreign/text.png", b"This picture was moved.\n", "not_an_image")
    yield bad("foreign/json.webp", b'{"error": "not found"}', "not_an_image")
    yield bad("foreign/noise.jpg", bytes((index * 197 + 13) % 251 for index in range(4_096)), "not_an_image")
    yield bad("foreign/archive.jpg", b"PK\x03\x04" + b"\0" * 200, "not_an_image")
    yield bad("foreign/film.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 200, "not_an_image")
    yield bad("foreign/drawing.svg", SVG, "unsupported_format")
    yield bad("foreign/drawing-as.jpg", SVG, "unsupported_format")
    yield bad("foreign/icon.jpg", encoded(small, "ICO"), "unsupported_format")
    yield bad("foreign/document.jpg", b"%PDF-1.7\n" + b"0" * 200, "unsupported_format")
    yield bad("foreign/layers.jpg", b"8BPS\0\x01" + b"\0" * 200, "unsupported_format")
    yield bad("foreign/phone.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200, "unsupported_format")
    yield bad("foreign/jpeg-2000.jpg", b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 200, "unsupported_format")
