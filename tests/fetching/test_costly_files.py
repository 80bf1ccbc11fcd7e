"""Small files that were made to cost much: they are refused, or read as quickly as others of their length."""

from __future__ import annotations

import resource
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.fetching.inspect import inspect
from app.fetching.refusal import Refusal
from app.measures import Verification
from app.values import Issue, RefusalCode
from tests.stand_ins.pictures import encoded, jpeg, picture

MANY = 100_000_000
MB = 2**20


@contextmanager
def soon() -> Iterator[None]:
    """What takes hours where the cost grows with the square, and well below a second where it does not."""
    began_s = time.process_time()
    yield
    assert time.process_time() - began_s < 5


def issue_of(data: bytes, verification: Verification = Verification.DECODE) -> Issue | None:
    try:
        inspect(data, MANY, verification)
    except Refusal as refused:
        return refused.issue
    return None


@pytest.mark.parametrize("verification", Verification)
@pytest.mark.parametrize("place", ["in front of the picture", "behind a cut one"])
def test_a_jpeg_padded_with_megabytes_of_fill_bytes_is_read_at_once(place: str, verification: Verification) -> None:
    data, fill = jpeg(), b"\xff" * (16 * MB)
    with soon():
        if place == "in front of the picture":
            assert issue_of(data[:2] + fill + data[2:], verification) is None
        else:
            issue = issue_of(data[:-2] + fill, verification)
            assert issue is not None
            assert issue.code is RefusalCode.TRUNCATED


def in_scans(count: int, width: int, height: int) -> bytes:
    """A sequential JPEG, coded arithmetically, of which each color has scans of its own; those of the first are empty.

    To the decoder an empty one is a pass over all pixels in which nothing is missing.
    """
    tables = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\x01" * 64
    frame = b"\xff\xc9" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"
    scans = [b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, color, 0, 0, 63, 0) for color in (1, 2, 3)]
    return b"\xff\xd8" + tables + frame + scans[0] * count + scans[1] + scans[2] + b"\xff\xd9"


def test_a_jpeg_of_endless_scans_is_refused_also_where_it_is_not_progressive() -> None:
    assert issue_of(in_scans(10, 200, 200)) is None
    with soon():
        issue = issue_of(in_scans(100_000, 5_000, 5_000))
    assert issue is not None
    assert (issue.code, issue.measured, issue.limit) == (RefusalCode.CORRUPT, "100002 scans", "80 scans")


def test_what_looks_like_scans_in_a_film_behind_a_progressive_jpeg_is_none() -> None:
    film = b"\x00\x00\x00\x18ftypmp42" + b"\xff\xda\x00\x02" * 2_000_000
    assert issue_of(jpeg(640, 480, progressive=True) + film) is None


def gif_claiming(width: int, height: int, frame: int) -> bytes:
    """A GIF whose frame of that number claims so many pixels, all to be wiped after it."""
    whole = encoded(picture(8, 8), "GIF", optimize=False)
    start = 13 + (3 << ((whole[10] & 7) + 1))
    picture_at = whole.index(b",", start)
    pixels = whole[picture_at + 9 : -1]
    wiped = b"\x21\xf9\x04\x08\x00\x00\x00\x00"
    small = wiped + b"," + struct.pack("<4H", 0, 0, 8, 8) + pixels
    return whole[:start] + small * frame + wiped + b"," + struct.pack("<4H", 0, 0, width, height) + pixels + b";"


@pytest.mark.parametrize(
    ("frame", "verification"),
    [(0, Verification.HEADER), (0, Verification.DECODE), (0, Verification.FULL), (1, Verification.DECODE)],
)
def test_a_gif_of_a_few_bytes_gets_no_room_for_the_pixels_that_it_claims(
    frame: int, verification: Verification
) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    issue = issue_of(gif_claiming(60_000, 60_000, frame), verification)
    assert issue is not None
    assert (issue.code, issue.measured) == (RefusalCode.TOO_MANY_PIXELS, "3,600,000,000 pixels")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def gif_of_comments(blocks: int) -> bytes:
    data = encoded(picture(), "GIF")
    at = 13 + (3 << ((data[10] & 7) + 1))
    return data[:at] + b"\x21\xfe" + b"\x02ab" * blocks + b"\x00" + data[at:]


def png_of_texts(count: int) -> bytes:
    data = encoded(picture(), "PNG")
    text = struct.pack(">I4s3sI", 3, b"tEXt", b"a\0b", zlib.crc32(b"tEXta\0b"))
    return data[:33] + text * count + data[33:]


def test_a_file_in_millions_of_pieces_is_refused_and_one_in_thousands_is_not() -> None:
    for made in (gif_of_comments, png_of_texts):
        assert issue_of(made(20_000)) is None
        issue = issue_of(made(1_000_000))
        assert issue is not None
        assert (issue.code, issue.limit) == (RefusalCode.CORRUPT, "500,000")
