"""The first directory of a TIFF file: what it says of the pixels and where they lie, without decoding (TIFF 6.0)."""

from __future__ import annotations

import struct

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, ROWS = 256, 257, 258, 259, 277, 278
STRIPS, STRIP_SIZES, TILES, TILE_SIZES = 273, 279, 324, 325
_WANTED = frozenset({WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, ROWS, STRIPS, STRIP_SIZES, TILES, TILE_SIZES})
_KINDS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_ENTRIES = 500
_MOST_VALUES = 100_000

DECODED_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 32_771, 32_773, 32_946, 34_925, 50_000})
"""What Pillow's libtiff is built to decode. Not among them: WebP (50001), JPEG 2000, LogLuv, lossy camera raw."""

Tags = dict[int, list[int]]


def directory(data: bytes) -> Tags:
    """The wanted tags' values by tag. Raises struct.error where the file ends before them."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\x00", b"\x00+")
    word, entry_bytes = ("Q", 20) if big else ("I", 12)
    (at,) = struct.unpack_from(order + word, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at += 8 if big else 2
    tags: Tags = {}
    for entry in range(at, at + entry_bytes * min(count, _MOST_ENTRIES), entry_bytes):
        tag, kind, length = struct.unpack_from(order + "HH" + word, data, entry)
        letter = _KINDS.get(kind)
        if tag not in _WANTED or letter is None or length > _MOST_VALUES:
            continue
        where = entry + 4 + struct.calcsize(order + word)
        if struct.calcsize(f"{order}{length}{letter}") > struct.calcsize(order + word):
            (where,) = struct.unpack_from(order + word, data, where)
        tags[tag] = list(struct.unpack_from(f"{order}{length}{letter}", data, where))
    return tags


def plain_strip_bytes(tags: Tags) -> int | None:
    """The most bytes that a strip of uncompressed pixels may have; None where they are compressed or in tiles."""
    if tags.get(COMPRESSION, [1])[0] != 1 or STRIPS not in tags or WIDTH not in tags or HEIGHT not in tags:
        return None
    bits, samples = tags.get(BITS, [1]), tags.get(SAMPLES, [1])[0]
    pixel_bits = sum(bits) if len(bits) > 1 else bits[0] * samples
    rows = min(tags[HEIGHT][0], tags.get(ROWS, tags[HEIGHT])[0])
    return rows * ((tags[WIDTH][0] * pixel_bits + 7) // 8)
