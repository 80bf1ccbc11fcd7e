"""Odd and hostile files that are made rather than found, for `odd_files`.

    python -m tests.bench.odd_made FOLDER [--large]

Writes pictures of every format, color and orientation, whole, cut, with holes, with things before and behind them,
under wrong suffixes; bombs whose header claims more than there is; with `--large` also files of nearly as many pixels
as are taken (100 million), in the modes that cost most to decode.
"""

from __future__ import annotations

import argparse
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.bench.crawl import say
from tests.bench.damaged import large_hole
from tests.stand_ins.pictures import encoded, jpeg, noisy_jpeg, picture

Files = Iterator[tuple[str, bytes]]
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP")
ODD_MODES = (
    ("CMYK", "JPEG"), ("L", "JPEG"), ("P", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("P", "GIF"),
    ("CMYK", "TIFF"), ("LAB", "TIFF"), ("F", "TIFF"), ("I", "TIFF"), ("RGBA", "TIFF"), ("1", "TIFF"), ("RGBA", "AVIF"),
    ("1", "BMP"), ("P", "BMP"), ("RGBA", "PNG"),
)  # fmt: skip
SIDE = 9_990
"""Of a square of nearly 100 million pixels."""


def whole() -> Files:
    """Pictures that are to be taken."""
    for mode, format in ODD_MODES:
        yield f"mode-{mode}.{format.lower()}", encoded(picture().convert(mode), format)
    deep = Image.fromarray(np.asarray(picture().convert("L")).astype(np.uint16) * 257)
    yield "mode-16.png", encoded(deep, "PNG")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield f"orientation-{orientation}.jpg", jpeg(exif=exif)
    frames = [picture(90, 60, seed) for seed in range(40)]
    for format in ("GIF", "WEBP", "PNG", "AVIF", "TIFF"):
        yield f"film.{format.lower()}", encoded(frames[0], format, save_all=True, append_images=frames[1:])
    yield "progressive.jpg", jpeg(640, 480, progressive=True)
    yield "really-a-png.jpg", encoded(picture(), "PNG")
    yield "one-pixel.png", encoded(picture(1, 1), "PNG")
    yield "very-wide.png", encoded(picture(20_000, 1), "PNG")
    yield "behind-it-a-zip.jpg", jpeg() + _zipped()
    yield "behind-it-a-page.gif", encoded(picture(), "GIF") + b"<html><script>alert(1)</script></html>"
    yield "broken-exif.jpg", jpeg(exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff\x12\x01broken")


def damaged() -> Files:
    """Pictures of which something is missing, and things that are no pictures."""
    for format in FORMATS:
        data = encoded(picture(400, 300), format)
        for share in (0.1, 0.5, 0.9):
            yield f"cut-{share:.0%}.{format.lower()}", data[: int(len(data) * share)]
    photograph = noisy_jpeg()
    yield "hole.jpg", large_hole(photograph)
    yield "empty.jpg", b""
    yield "page.jpg", b"<!doctype html><title>Sign in</title>"
    yield "zip.jpg", _zipped()
    yield "page-and-picture.gif", b"GIF89a/*<html><script>alert(1)</script></html>*/=1;"
    first = photograph.index(b"\xff\xda")
    yield "scans.jpg", photograph[:first] + photograph[first:-2] * 200 + photograph[-2:]


def bombs() -> Files:
    """Small files that claim much, or inflate to much."""
    yield "claims-pixels.png", png(60_000, 60_000, bytes(1_000_000))
    yield "inflates-beyond-its-pixels.png", png(64, 64, bytes(200_000_000))
    inflating = b"a\x00\x00" + zlib.compress(bytes(50_000_000), 9)
    yield "large-text.png", png(64, 64, bytes(64 * 65 * 3), (b"zTXt", inflating))
    yield "large-profile.png", png(64, 64, bytes(64 * 65 * 3), (b"iCCP", inflating))
    gif = bytearray(encoded(picture(), "GIF"))
    struct.pack_into("<HH", gif, 6, 65_535, 65_535)
    yield "claims-a-screen.gif", bytes(gif)
    bitmap = bytearray(encoded(picture(), "BMP"))
    struct.pack_into("<ii", bitmap, 18, 2**31 - 1, -(2**31))
    yield "claims-pixels.bmp", bytes(bitmap)


def large() -> Files:
    """Nearly as many pixels as are taken."""
    flat: dict[str, Any] = {"RGBA": (9, 9, 9, 9), "RGB": (9, 9, 9), "L": 9, "P": 9, "1": 1, "I;16": 999}
    for mode, color in flat.items():
        yield f"large-{mode.replace(';', '-')}.png", encoded(Image.new(mode, (SIDE, SIDE), color), "PNG")
    for mode in ("F", "CMYK", "I;16"):
        image = Image.new(mode, (SIDE, SIDE))
        yield f"large-{mode.replace(';', '-')}.tiff", encoded(image, "TIFF", compression="tiff_deflate")
    for name, options in (("large.jpg", {}), ("large-progressive.jpg", {"progressive": True})):
        yield name, encoded(Image.new("RGB", (SIDE, SIDE), "teal"), "JPEG", **options)
    yield "large-cmyk.jpg", encoded(Image.new("CMYK", (SIDE, SIDE)), "JPEG")
    yield "large.gif", encoded(Image.new("P", (SIDE, SIDE)), "GIF")
    yield "large.webp", encoded(Image.new("RGBA", (16_383, 6_000), (9, 9, 9, 9)), "WEBP", lossless=True, method=0)
    frames = [Image.new("P", (3_000, 3_000), seed) for seed in range(60)]
    yield "large-film.gif", encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def png(width: int, height: int, pixels: bytes, further: tuple[bytes, bytes] | None = None) -> bytes:
    """A PNG of RGB whose head claims a size, with whatever data, and a further chunk before it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *([further] if further else []), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    framed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cat.jpg", jpeg())
    return file.getvalue()


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", action="store_true", help="also files near the limit of pixels")
    asked = parser.parse_args()
    kinds = {"whole": whole, "damaged": damaged, "bombs": bombs} | ({"large": large} if asked.large else {})
    for name, files in kinds.items():
        folder = asked.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, data in files():
            (folder / file).write_bytes(data)
        say(f"{len(list(folder.iterdir()))} files in {folder}")


if __name__ == "__main__":
    main()
