"""What is measured of a picture beside its hash, and how little is measured where only the head is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from app.fetching.inspect import inspect
from app.fetching.refusal import Refusal
from app.measures import Quality, Verification
from app.values import RefusalCode
from tests.stand_ins.pictures import encoded, jpeg, noisy_jpeg, picture

MANY = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "BMP")
LOSSLESS: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}, "AVIF": {"quality": 95}}


def quality(image: Image.Image, format: str = "PNG", **options: Any) -> Quality:
    found = inspect(encoded(image, format, **options), MANY).quality
    assert found is not None
    return found


def grainy(width: int = 400, height: int = 300) -> Image.Image:
    grain = np.random.default_rng(3).normal(0, 25, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(picture(width, height)) + grain, 0, 255).astype(np.uint8))


def test_black_white_and_an_even_mix_are_measured_as_such() -> None:
    assert quality(Image.new("RGB", (64, 64), "black")) == Quality(0.0, 0.0, 0.0, 0.0, grayscale=False)
    assert quality(Image.new("L", (64, 64), "white")) == Quality(1.0, 0.0, 0.0, 0.0, grayscale=True)
    halves = Image.new("L", (64, 64), "black")
    halves.paste("white", (0, 0, 32, 64))
    mixed = quality(halves)
    assert (mixed.brightness, mixed.contrast, mixed.entropy) == (0.5, 0.5, 1.0)


def test_a_blurred_copy_is_less_sharp_and_a_dimmed_one_darker_and_flatter() -> None:
    sharp = quality(grainy())
    blurred = quality(grainy().filter(ImageFilter.GaussianBlur(6)))
    assert blurred.sharpness < sharp.sharpness / 10
    assert abs(blurred.brightness - sharp.brightness) < 0.01
    dimmed = quality(ImageEnhance.Brightness(grainy()).enhance(0.4))
    assert dimmed.brightness == pytest.approx(0.4 * sharp.brightness, abs=0.02)
    assert dimmed.contrast < 0.6 * sharp.contrast
    assert dimmed.entropy < sharp.entropy


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_picture_has_the_same_quality_in_each_format(format: str) -> None:
    plain = picture(500, 400)
    found, expected = quality(plain, format, **LOSSLESS.get(format, {})), quality(plain)
    assert found.brightness == pytest.approx(expected.brightness, abs=0.01)
    assert found.contrast == pytest.approx(expected.contrast, abs=0.01)
    assert found.entropy == pytest.approx(expected.entropy, abs=0.2)  # a GIF has 256 colors


@pytest.mark.parametrize(
    ("mode", "format", "expected"),
    [("L", "JPEG", True), ("1", "PNG", True), ("LA", "PNG", True), ("L", "TIFF", True), ("RGB", "JPEG", False),
     ("CMYK", "JPEG", False), ("P", "GIF", False), ("RGBA", "WEBP", False)],
)  # fmt: skip
def test_a_file_of_one_channel_is_grayscale(mode: str, format: str, expected: bool) -> None:
    assert quality(picture().convert(mode), format).grayscale is expected


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (5000, 3), (97, 4000)])
def test_odd_shapes_have_a_quality_too(size: tuple[int, int]) -> None:
    for format in ("PNG", "JPEG"):
        assert 0 < quality(Image.new("RGB", size, "gray"), format).brightness < 1


@pytest.mark.parametrize("format", FORMATS)
def test_header_only_tells_size_and_format_and_nothing_of_the_pixels(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options: dict[str, Any] = {"exif": exif} if format in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    found = inspect(encoded(picture(), format, **options), MANY, Verification.HEADER)
    assert (found.phash, found.quality, found.format) == (None, None, format.lower())
    assert (found.width, found.height) == ((120, 160) if options else (160, 120))


@pytest.mark.parametrize("format", FORMATS)
def test_header_only_still_catches_a_file_that_was_cut_off(format: str) -> None:
    data = encoded(picture(), format)
    with pytest.raises(Refusal) as caught:
        inspect(data[: len(data) * 2 // 3], MANY, Verification.HEADER)
    assert caught.value.issue.code is RefusalCode.TRUNCATED


def test_header_only_still_refuses_too_many_pixels_and_what_is_no_image() -> None:
    for data, limit, code in (
        (jpeg(), 100, RefusalCode.TOO_MANY_PIXELS),
        (b"<html>", MANY, RefusalCode.NOT_AN_IMAGE),
    ):
        with pytest.raises(Refusal) as caught:
            inspect(data, limit, Verification.HEADER)
        assert caught.value.issue.code is code


def test_damage_within_a_scan_passes_header_only_and_nothing_else() -> None:
    whole = noisy_jpeg()
    hole = len(whole) // 2
    damaged = whole[:hole] + bytes(400) + whole[hole + 400 :]
    assert inspect(damaged, MANY, Verification.HEADER).width == 640
    for level in (Verification.DECODE, Verification.FULL):
        with pytest.raises(Refusal):
            inspect(damaged, MANY, level)


def test_all_pixels_give_the_measures_of_the_smaller_scale() -> None:
    data = noisy_jpeg(1600, 1200)
    small, full = inspect(data, MANY), inspect(data, MANY, Verification.FULL)
    assert (small.width, small.height, small.format) == (full.width, full.height, full.format)
    assert small.phash is not None
    assert full.phash is not None
    assert (small.phash ^ full.phash).bit_count() <= 4
    assert small.quality is not None
    assert full.quality is not None
    assert full.quality.brightness == pytest.approx(small.quality.brightness, abs=0.01)
