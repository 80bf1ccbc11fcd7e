"""Pixels that are lost without the decoder saying so, and odd files that lose none."""

from __future__ import annotations

import random
import struct

import pytest
from PIL import Image

from app.fetching import lightness
from app.fetching.inspect import inspect
from app.fetching.refusal import Refusal
from app.values import RefusalCode
from tests.stand_ins.pictures import encoded, jpeg, noisy_jpeg, picture

MANY = 100_000_000


def code_of(data: bytes) -> RefusalCode | None:
    """The refusal's code; None where the file is taken."""
    try:
        inspect(data, MANY)
    except Refusal as refused:
        return refused.issue.code
    return None


@pytest.mark.parametrize("padding", [bytes(1), bytes(500), b"\xff" * 40, b"\x1a\x2b\x3c"])
def test_what_encoders_leave_before_a_jpegs_end_loses_no_pixel(padding: bytes) -> None:
    data = noisy_jpeg()
    assert code_of(data[:-2] + padding + data[-2:]) is None


def test_a_scan_of_which_much_is_left_after_the_last_block_has_lost_its_step() -> None:
    """Some holes end so: every bit had a meaning, but not the one that was written."""
    data = noisy_jpeg()
    chance = random.Random(1)
    left = bytes(chance.randrange(1, 255) for _ in range(60))
    assert code_of(data[:-2] + left + data[-2:]) is RefusalCode.CORRUPT
    assert code_of(data[:-2] + left + data[-2:] + jpeg(32, 32)) is RefusalCode.CORRUPT


def test_a_tiff_whose_strips_lie_beyond_its_end_is_truncated_though_the_decoder_fills_them_in() -> None:
    data = bytearray(encoded(picture(300, 200), "TIFF", compression="jpeg"))
    at = struct.unpack_from("<I", data, 4)[0] + 2
    while struct.unpack_from("<H", data, at)[0] != 279:  # the sizes of its strips
        at += 12
    assert code_of(bytes(data)) is None
    kind, count, where = struct.unpack_from("<HII", data, at + 2)
    size_at = where if count > 1 else at + 8
    struct.pack_into("<I" if kind == 4 else "<H", data, size_at, 60_000)
    assert code_of(bytes(data)) is RefusalCode.TRUNCATED


def test_an_animation_cut_beyond_the_frames_that_are_decoded_is_truncated() -> None:
    frames = [picture(60, 40, seed) for seed in range(60)]
    for format in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert code_of(data) is None
        assert code_of(data[: int(len(data) * 0.95)]) is RefusalCode.TRUNCATED


def test_gray_with_premultiplied_transparency_is_taken() -> None:
    picture_of_two = Image.merge("LA", (picture().convert("L"), picture(seed=1).convert("L")))
    tiff = bytearray(encoded(picture_of_two, "TIFF"))
    at = struct.unpack_from("<I", tiff, 4)[0] + 2
    while struct.unpack_from("<H", tiff, at)[0] != 338:  # what the further sample is
        at += 12
    struct.pack_into("<H", tiff, at + 8, 1)  # transparency with which the others are multiplied
    assert code_of(bytes(tiff)) is None


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGBa"])
def test_a_picture_over_white_looks_the_same_in_bands_as_in_one(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(410, 307).convert("RGBA")
    image.putalpha(picture(410, 307, seed=1).convert("L"))
    image = image.quantize() if mode == "P" else image.convert(mode)
    whole = lightness.lightness(image)
    monkeypatch.setattr(lightness, "BAND_PIXELS", 5_000)
    assert lightness.lightness(image).tobytes() == whole.tobytes()
