"""What the bytes of an image are: every format that is taken, and the ways in which a file is not what it says."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import time
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.fetching.inspect import inspect
from app.fetching.magic import EXTENSIONS
from app.fetching.phash import hash_of, shrink
from app.fetching.refusal import Refusal
from app.values import RefusalCode
from tests.stand_ins.pictures import encoded, jpeg, noisy_jpeg, picture

MANY = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP")


def distance(one: int | None, other: int | None) -> int:
    assert one is not None
    assert other is not None
    return ((one ^ other) & (2**64 - 1)).bit_count()


def refused(data: bytes, max_pixels: int = MANY) -> Refusal:
    with pytest.raises(Refusal) as caught:
        inspect(data, max_pixels)
    return caught.value


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_measured_by_its_content(format: str) -> None:
    measures = inspect(encoded(picture(), format), MANY)
    assert (measures.format, measures.width, measures.height) == (format.lower(), 160, 120)
    assert measures.phash is not None
    assert -(2**63) <= measures.phash < 2**63
    assert distance(measures.phash, inspect(jpeg(), MANY).phash) <= 4


@pytest.mark.parametrize(
    ("mode", "format"),
    [("CMYK", "JPEG"), ("L", "JPEG"), ("P", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("P", "GIF"),
     ("CMYK", "TIFF"), ("LAB", "TIFF"), ("F", "TIFF"), ("I;16", "TIFF"), ("I;16", "PNG"), ("RGBA", "TIFF"),
     ("RGBA", "AVIF")],
)  # fmt: skip
def test_odd_colors_give_the_hash_of_the_picture(mode: str, format: str) -> None:
    plain = picture()
    if mode == "I;16":
        converted = Image.fromarray(np.asarray(plain.convert("L")).astype(np.uint16) * 257)
    else:
        converted = plain.convert(mode)
    measures = inspect(encoded(converted, format), MANY)
    assert distance(measures.phash, inspect(encoded(plain, "PNG"), MANY).phash) <= 4


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_height_and_hash_are_those_of_the_picture_as_shown(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture(), format, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        shown = ImageOps.exif_transpose(image)
        shown.load()
    measures = inspect(data, MANY)
    assert (measures.width, measures.height) == shown.size
    assert distance(measures.phash, inspect(encoded(shown.convert("RGB"), "PNG"), MANY).phash) <= 2


def test_the_hash_hardly_depends_on_size_quality_and_decoder() -> None:
    original = noisy_jpeg(1200, 900)
    with Image.open(io.BytesIO(original)) as image:
        smaller, worse = encoded(image.resize((700, 525)), "JPEG"), encoded(image, "JPEG", quality=50)
        full = hash_of(shrink(image.convert("L")))
    reference = inspect(original, MANY).phash
    assert [distance(reference, inspect(data, MANY).phash) <= 4 for data in (smaller, worse)] == [True, True]
    assert distance(reference, full) <= 4
    assert distance(reference, inspect(jpeg(1200, 900, seed=7), MANY).phash) > 16


def test_a_flat_picture_hashes_to_zero() -> None:
    assert inspect(encoded(Image.new("RGB", (64, 64), "teal"), "PNG"), MANY).phash == 0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_was_cut_is_truncated(format: str, share: float) -> None:
    data = encoded(picture(400, 300), format)
    assert refused(data[: int(len(data) * share)]).issue.code is RefusalCode.TRUNCATED


def test_a_jpeg_whose_scan_was_overwritten_is_corrupt() -> None:
    data = noisy_jpeg()
    middle = len(data) // 2
    damaged = data[:middle] + bytes(len(data) // 10) + data[middle + len(data) // 10 :]
    assert refused(damaged).issue.code is RefusalCode.CORRUPT


@pytest.mark.parametrize("format", ["PNG", "TIFF", "AVIF"])
def test_other_files_with_a_hole_are_corrupt(format: str) -> None:
    data = encoded(picture(400, 300), format, **({"compression": "tiff_lzw"} if format == "TIFF" else {}))
    hole = len(data) // 2
    with pytest.raises(Refusal) as caught:
        inspect(data[:hole] + bytes(len(data) // 3) + data[hole + len(data) // 3 :], MANY)
    assert caught.value.issue.code in (RefusalCode.CORRUPT, RefusalCode.TRUNCATED)


@pytest.mark.parametrize("tail", [bytes(500), b"<html></html>", jpeg(32, 32)])
def test_bytes_after_a_whole_jpeg_do_no_harm(tail: bytes) -> None:
    assert inspect(jpeg() + tail, MANY).width == 160


def test_a_progressive_jpeg_is_taken_and_one_of_endless_scans_is_not() -> None:
    data = jpeg(640, 480, progressive=True)
    assert inspect(data, MANY).format == "jpeg"
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xda", first + 2)
    assert "scans" in refused(data[:second] + data[first:second] * 5_000 + data[second:], 1_000_000).issue.message


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>'
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", RefusalCode.EMPTY),
        (b"<!doctype html><title>Sign in</title>", RefusalCode.NOT_AN_IMAGE),
        (b"\n\n<HTML><body>gone</body></HTML>", RefusalCode.NOT_AN_IMAGE),
        (b'{"error": "no such image"}', RefusalCode.NOT_AN_IMAGE),
        (b"BM is how this text begins, as it happens", RefusalCode.NOT_AN_IMAGE),
        (b"\x1f\x8b\x08\x00" + bytes(50), RefusalCode.NOT_AN_IMAGE),
        (bytes(1_000), RefusalCode.NOT_AN_IMAGE),
        (b"\x00\x00\x00\x18ftypisom" + bytes(100), RefusalCode.NOT_AN_IMAGE),
        (SVG, RefusalCode.UNSUPPORTED_FORMAT),
        (HEIC, RefusalCode.UNSUPPORTED_FORMAT),
        (b"8BPS\x00\x01" + bytes(60), RefusalCode.UNSUPPORTED_FORMAT),
        (b"%PDF-1.7\n", RefusalCode.UNSUPPORTED_FORMAT),
        (b"\xff\x0a" + bytes(60), RefusalCode.UNSUPPORTED_FORMAT),
        (encoded(picture(32, 32), "ICO"), RefusalCode.UNSUPPORTED_FORMAT),
        (encoded(picture(), "JPEG2000"), RefusalCode.UNSUPPORTED_FORMAT),
        (b"\xff\xd8\xff" + bytes(200) + b"\xff\xd9", RefusalCode.CORRUPT),
        (b"\x89PNG\r\n\x1a\n", RefusalCode.TRUNCATED),
    ],
)
def test_what_is_no_image_of_ours_is_refused_by_its_kind(data: bytes, code: RefusalCode) -> None:
    issue = refused(data).issue
    assert (issue.code, bool(issue.message)) == (code, True)


def png_claiming(width: int, height: int) -> bytes:
    """A small file whose header claims many pixels, and whose data would inflate without end."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(10_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_by_its_header_and_costs_no_memory() -> None:
    data = png_claiming(60_000, 60_000)
    tracemalloc.start()
    started_s = time.monotonic()
    issue = refused(data).issue
    spent_s, (_, peak) = time.monotonic() - started_s, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert issue.code is RefusalCode.TOO_MANY_PIXELS
    assert (issue.measured, issue.limit) == ("3,600,000,000 pixels", "100,000,000 pixels")
    assert refused(png_claiming(15_000, 10_000)).issue.measured == "150,000,000 pixels (15000x10000)"
    assert spent_s < 0.5
    assert peak < 5_000_000


@pytest.mark.parametrize("format", [one for one in FORMATS if one != "WEBP"])
def test_the_pixel_limit_holds_for_every_format(format: str) -> None:
    data = encoded(picture(100, 100), format)
    assert inspect(data, 10_000).width == 100
    assert refused(data, 9_999).issue.code is RefusalCode.TOO_MANY_PIXELS


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_animations_are_measured_by_their_first_frame_and_damage_later_on_is_found(format: str) -> None:
    frames = [picture(200, 150, seed) for seed in range(6)]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    assert (inspect(data, MANY).width, inspect(data, MANY).height) == (200, 150)
    assert refused(data[: int(len(data) * 0.7)]).issue.code is RefusalCode.TRUNCATED


def test_broken_exif_around_good_pixels_does_no_harm() -> None:
    data = jpeg(exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff\x12\x01broken")
    assert inspect(data, MANY).width == 160


@pytest.mark.parametrize("format", FORMATS)
def test_whatever_the_bytes_are_it_is_measures_or_a_refusal(format: str) -> None:
    rng = random.Random(format)
    data = encoded(picture(90, 70), format)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 3, 30))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        with contextlib.suppress(Refusal):
            assert inspect(bytes(damaged), 1_000_000).format in EXTENSIONS


def test_a_warning_of_the_decoder_is_not_passed_on() -> None:
    """A palette picture with transparency in bytes: Pillow warns about its conversion."""
    data = encoded(picture().convert("P"), "PNG", transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert inspect(data, MANY).format == "png"


def test_several_threads_give_what_one_gives() -> None:
    files: list[Any] = [encoded(picture(300, 200, seed), FORMATS[seed % len(FORMATS)]) for seed in range(40)]
    alone = [inspect(data, MANY) for data in files]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda data: inspect(data, MANY), files)) == alone


def test_a_webp_may_have_fewer_pixels_since_its_decoder_holds_more_of_each() -> None:
    data = encoded(picture(160, 120), "WEBP")
    assert inspect(data, 48_000).format == "webp"
    refusal = refused(data, 47_000)
    assert (refusal.issue.code, refusal.issue.limit) == (RefusalCode.TOO_MANY_PIXELS, "18,800 pixels")
