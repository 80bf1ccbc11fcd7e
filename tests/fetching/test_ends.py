"""Whether a file is cut is read off its own structure, which says so without decoding: of whole files never."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from app.fetching.ends import is_cut
from tests.stand_ins.pictures import encoded, noisy_jpeg, picture

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG": ("JPEG", {}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "JPEG with restarts": ("JPEG", {"restart_marker_blocks": 4}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "GIF": ("GIF", {}),
    "AVIF": ("AVIF", {}),
    "BMP": ("BMP", {}),
    "TIFF": ("TIFF", {}),
    "packed TIFF": ("TIFF", {"compression": "tiff_lzw"}),
    "large TIFF": ("TIFF", {"compression": "tiff_deflate", "big_tiff": True}),
}
FILMS = ("GIF", "WEBP", "PNG", "AVIF", "TIFF")


def made(kind: str) -> tuple[str, bytes]:
    format, options = KINDS[kind]
    return format.lower(), encoded(picture(300, 200), format, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_is_not_cut_whatever_follows_it(kind: str) -> None:
    name, data = made(kind)
    for tail in (b"", b"\x00", bytes(5_000), b"\x1a" * 3_000, b"PK\x03\x04" + bytes(range(256)) * 20, data):
        assert not is_cut(name, data + tail)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_one_is_cut_wherever_it_ends(kind: str) -> None:
    name, data = made(kind)
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert is_cut(name, data[: int(len(data) * share)])


@pytest.mark.parametrize("format", FILMS)
def test_films_are_whole_and_cut_alike(format: str) -> None:
    frames = [picture(80, 60, seed) for seed in range(5)]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    assert not is_cut(format.lower(), data)
    assert is_cut(format.lower(), data[: len(data) // 2]) or format == "TIFF"  # its first page may be whole


def test_a_photograph_with_a_film_behind_it_is_whole_and_one_that_was_cut_before_it_is_not() -> None:
    data, film = noisy_jpeg(), bytes(range(255)) * 60
    assert not is_cut("jpeg", data + film)
    assert is_cut("jpeg", data[:-2])
    assert is_cut("jpeg", data[: len(data) // 2])


def test_a_size_that_says_nothing_of_the_pixels_is_not_believed() -> None:
    bitmap = bytearray(encoded(picture(), "BMP"))
    struct.pack_into("<I", bitmap, 2, 10 * len(bitmap))
    assert not is_cut("bmp", bytes(bitmap))
    tiff = bytearray(encoded(picture().convert("L"), "TIFF"))
    at = struct.unpack_from("<I", tiff, 4)[0] + 2
    while struct.unpack_from("<H", tiff, at)[0] != 279:  # the sizes of its strips
        at += 12
    struct.pack_into("<I", tiff, at + 8, 10 * len(tiff))
    assert not is_cut("tiff", bytes(tiff))


def test_a_gif_without_its_last_byte_is_whole() -> None:
    """Many are written so."""
    assert not is_cut("gif", encoded(picture(), "GIF")[:-1])
