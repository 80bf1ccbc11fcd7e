"""JPEG files without Pillow: what the head says, and all coefficients decoded to a small gray picture.

Pillow's reader costs a tenth of the whole inspection and holds the interpreter's lock; it is asked only where this
one does not know its way.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

import simplejpeg
from PIL import Image

from app.fetching.refusal import refusal
from app.values import RefusalCode

USUAL_SCANS = 20
"""Scans of a JPEG. Files made to burn time have thousands, each of which costs a pass over all pixels."""

BROKEN_SCAN = ("premature end of data segment", "bad huffman", "found marker", "inconsistent progression")
"""The strict decoder's complaints that mean lost pixels. Its others (stray bytes between segments) lose none."""

_STRAY = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_STRAY_BYTES = 8
"""Up to so many bytes between the last block and the end are what some encoders leave there; more are lost blocks."""

_FILL = re.compile(rb"\xff+")
_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")
"""A marker with a length, or the end: no stuffed byte, no restart."""
_START_OF_SCAN, _END = 0xDA, 0xD9
_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})  # tables among the markers C0..CF, which else begin a frame
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_APP1 = 0xE1
_ORIENTATION = 0x0112
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")
_IN_FOUR_COLORS = frozenset({"CMYK", "YCCK"})


@dataclass(frozen=True, slots=True)
class Head:
    """A JPEG's stored size in pixels, its EXIF orientation (1..8), and what its data is."""

    width: int
    height: int
    orientation: int
    grayscale: bool
    four_colors: bool
    in_scans: bool
    """Whether the pixels may come in several passes: progressive, or each color by itself."""


def head_of(data: bytes) -> Head | None:
    """What the file's head says, or None where only a more lenient reader can tell."""
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError):  # KeyError: colors that it does not know
        return None
    orientation, in_scans = _segments(data)
    return Head(width, height, orientation, space == "Gray", space in _IN_FOUR_COLORS, in_scans)


def check_scans(data: bytes, pixels: int, max_pixels: int) -> None:
    """Refuse a file of `pixels` whose scans were made to burn time."""
    most = max(USUAL_SCANS, USUAL_SCANS * max_pixels // pixels)
    # What is counted first may lie in a film behind the picture as well; only the second count knows, and takes longer.
    if data.count(b"\xff\xda") > most and (scans := _scans(data)) > most:
        raise refusal(RefusalCode.CORRUPT, "The JPEG has too many scans.", f"{scans} scans", f"{most} scans")


def _scans(data: bytes) -> int:
    """How many scans a decoder finds before the picture's end, stepping over stray bytes as decoders do."""
    scans, at = 0, 2
    while (found := _MARKER.search(data, at)) and (marker := data[found.end() - 1]) != _END:
        scans += marker == _START_OF_SCAN
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return scans


def decoded_gray(data: bytes, side: int) -> Image.Image | None:
    """Decode every coefficient, to lightness at the least of the scales 1/8, 2/8 … whose lesser side is `side` or more.

    None where the decoder dislikes something that loses no pixel; raises ValueError where pixels are lost.
    """
    return _decoded(data, "GRAY", side)


def decoded_color(data: bytes) -> Image.Image | None:
    """The same to all pixels in RGB."""
    return _decoded(data, "RGB", 0)


def _decoded(data: bytes, space: str, side: int) -> Image.Image | None:
    try:
        pixels = simplejpeg.decode_jpeg(data, space, min_height=side, min_width=side)
    except ValueError as error:
        if any(text in str(error).lower() for text in BROKEN_SCAN) or _is_out_of_step(str(error), data):
            raise
        return None
    return Image.fromarray(pixels[:, :, 0] if space == "GRAY" else pixels)


def _is_out_of_step(said: str, data: bytes) -> bool:
    """Whether all blocks were read before the scan's data was: of some, other bits were taken than were written.

    Padding, all of one byte, is none of it.
    """
    found = _STRAY.search(said)
    if found is None or int(found.group(1)) <= _STRAY_BYTES:
        return False
    ends = data.find(b"\xff\xd9", data.find(b"\xff\xda"))
    return len(set(data[max(0, ends - int(found.group(1))) : ends])) > 1


def _segments(data: bytes) -> tuple[int, bool]:
    """Orientation and whether there may be several scans; what cannot be read counts as upright and as several."""
    orientation, progressive, colors, at = 0, True, 0, 2
    try:
        while data[at] == 0xFF:
            marker = data[at + 1]
            if marker == 0xFF and (fill := _FILL.match(data, at)):
                at = fill.end() - 1
                continue
            if marker == _START_OF_SCAN:
                return orientation or 1, progressive or data[at + 4] < colors
            (length,) = struct.unpack_from(">H", data, at + 2)
            if marker == _APP1 and not orientation:
                orientation = _orientation(data[at + 4 : at + 2 + length])
            elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
                progressive, colors = marker in _PROGRESSIVE, data[at + 9]
            at += 2 + length
    except (IndexError, struct.error):
        pass
    return orientation or 1, True


def _orientation(segment: bytes) -> int:
    """EXIF orientation 1..8 of an APP1 segment, or XMP's; 0 where it has none. A broken block counts as none."""
    if not segment.startswith(b"Exif\x00"):
        found = _XMP_ORIENTATION.search(segment)
        return int(found.group(1)) if found else 0
    exif = segment[6:]
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (at,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == _ORIENTATION and kind in (3, 4):  # 16 or 32 bits
                (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), exif, entry + 8)
                return value if 1 <= value <= 8 else 0
    except struct.error:
        pass
    return 0
