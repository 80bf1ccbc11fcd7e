"""Makes the bytes of a record: the photograph itself, a view of it, or something broken on purpose."""

from __future__ import annotations

import functools
import io
from typing import Any

from PIL import Image, ImageEnhance

from app.commands.gallery.records import PHOTOS, Photo, Record

VIEW_SIDE_PX = 640
"""The longest side of a view."""
TINY_SIDE_PX = 24
OPTIONS: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 85},
    "png": {"compress_level": 3},
    "webp": {"quality": 80, "method": 2},
    "gif": {},
    "tiff": {"compression": "tiff_lzw"},
    "avif": {"quality": 65, "speed": 9},
}
PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in to see this picture.</body></html>"


def render(record: Record) -> bytes:
    """The file's bytes. Takes tens of milliseconds for a view; thread-safe."""
    make = _BROKEN.get(record.kind)
    if make is not None:
        return make(record.photo)
    if record.view is None:
        return (PHOTOS / record.photo.file).read_bytes()
    return _encoded(_cut(record), record.format)


def _cut(record: Record) -> Image.Image:
    view = record.view
    assert view is not None  # noqa: S101 - render() comes here with a view only
    whole = _pixels(record.photo.file)
    left, top = int(view.left * whole.width), int(view.top * whole.height)
    cut = whole.crop((left, top, left + int(view.share * whole.width), top + int(view.share * whole.height)))
    cut.thumbnail((VIEW_SIDE_PX, VIEW_SIDE_PX))
    return cut if view.light == 1 else ImageEnhance.Brightness(cut).enhance(view.light)


@functools.lru_cache(maxsize=4)
def _pixels(file: str) -> Image.Image:
    with Image.open(PHOTOS / file) as opened:
        return opened.convert("L" if opened.mode == "L" else "RGB")


def _encoded(image: Image.Image, format: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **OPTIONS[format])
    return stream.getvalue()


def thumbnail(record: Record) -> bytes:
    """A small JPEG of the photograph behind a record, broken or not."""
    small = _pixels(record.photo.file).copy()
    small.thumbnail((240, 240))
    return _encoded(small, "jpeg")


def _whole(photo: Photo) -> bytes:
    return (PHOTOS / photo.file).read_bytes()


def _half(photo: Photo) -> bytes:
    whole = _whole(photo)
    return whole[: len(whole) // 2]


def _tiny(photo: Photo) -> bytes:
    return _encoded(_pixels(photo.file).resize((TINY_SIDE_PX, TINY_SIDE_PX)), "png")


def _damaged(photo: Photo) -> bytes:
    small = _pixels(photo.file).copy()
    small.thumbnail((240, 240))
    data = _encoded(small, "png")
    middle = len(data) // 2
    return data[:middle] + b"\xa5" * 200 + data[middle + 200 :]


_BROKEN = {
    "cut": _half,
    "page": lambda _: PAGE,
    "missing": lambda _: b"",
    "tiny": _tiny,
    "damaged": _damaged,
    "empty": lambda _: b"",
    "failing": lambda _: b"",
    "reserved": _whole,
}
"""By kind; `missing` and `failing` are told by the status, `reserved` by a header."""
STATUSES = {"missing": 404, "failing": 500}
HEADERS = {"reserved": {"X-Robots-Tag": "noai, noimageai"}}
