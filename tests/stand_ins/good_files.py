"""Files that must be stored: photographs in every format that is taken, and odd ones that are good all the same."""

from __future__ import annotations

import functools
import io
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
from PIL import Image, ImageEnhance

from app.settings import CHECKOUT
from tests.stand_ins.expected import Made, Maker, good

GALLERY = CHECKOUT / "app" / "commands" / "gallery"
FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "TIFF": "tiff", "AVIF": "avif"}
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 85},
    "PNG": {"compress_level": 1},
    "WEBP": {"quality": 80, "method": 0},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {"quality": 60, "speed": 10},
}
SIDE_PX = 240
"""The longer side of most files: small enough that all are made in seconds."""
VIEWS = {"JPEG": 3, "PNG": 1, "WEBP": 1, "GIF": 1, "TIFF": 1, "AVIF": 1}
"""Views of each photograph, by format."""
COPIES = 12
ORIENTATION = 0x0112


@functools.cache
def photographs() -> tuple[dict[str, Any], ...]:
    """The entries of the shipped photographs."""
    return tuple(orjson.loads((GALLERY / "photos.json").read_bytes()))


@functools.cache
def _shipped(file: str) -> Image.Image:
    with Image.open(Path(GALLERY / "photos" / file)) as opened:
        return opened.convert("RGB")


def view(file: str, number: int, side: int = SIDE_PX) -> Image.Image:
    """A crop of a photograph in another light, at most `side` pixels long; each number is another one."""
    chance = random.Random(f"{file} {number}")
    whole = _shipped(file)
    share = chance.uniform(0.7, 0.95)
    width, height = int(whole.width * share), int(whole.height * share)
    left, top = chance.randint(0, whole.width - width), chance.randint(0, whole.height - height)
    cut = whole.crop((left, top, left + width, top + height))
    cut.thumbnail((side, side))
    return ImageEnhance.Brightness(cut).enhance(chance.uniform(0.85, 1.15))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, format, **(OPTIONS.get(format, {}) | options))
    return stream.getvalue()


def plain(file: str, number: int, format: str) -> bytes:
    """A view of a photograph in a format."""
    return encoded(view(file, number), format)


def makers() -> list[Maker]:
    """Functions that make the files; they may run at once."""
    by_photograph: list[Maker] = [functools.partial(_views, photo) for photo in photographs()]
    return [*by_photograph, _copies, _mislabelled, _turned, _odd_modes, _odd_files, _animated, _tiny]


def _views(photo: dict[str, Any]) -> Iterable[Made]:
    number = 0
    for format, count in VIEWS.items():
        for _ in range(count):
            number += 1
            image, keyword = view(photo["file"], number), photo["tags"][0]
            path = f"{keyword}/{Path(photo['file']).stem}-{number}.{FORMATS[format]}"
            yield good(path, encoded(image, format), format.lower(), size=image.size, keyword=keyword)


def _copies() -> Iterable[Made]:
    """Pairs and one triple of files with the same bytes."""
    for number, photo in enumerate(photographs()[:COPIES]):
        data, first = plain(photo["file"], 50, "JPEG"), f"copies/{number}-first.jpg"
        for name in ("first", "second", "third")[: 3 if number == 0 else 2]:
            yield good(f"copies/{number}-{name}.jpg", data, "jpeg", same_bytes=first)


def _mislabelled() -> Iterable[Made]:
    """Good images under another format's suffix, or none."""
    wrong = [("PNG", "jpg"), ("JPEG", "png"), ("WEBP", "gif"), ("GIF", "jpeg"), ("AVIF", "jpg"), ("JPEG", "html")]
    wrong += [("JPEG", "txt"), ("TIFF", "png"), ("JPEG", "")]
    for number, (format, suffix) in enumerate(wrong):
        path = f"mislabelled/{format.lower()}-as.{suffix}".rstrip(".")
        yield good(path, plain("flower.jpg", 60 + number, format), format.lower())


def _turned() -> Iterable[Made]:
    """EXIF orientations 1 to 8: width and height are as shown."""
    for orientation in range(1, 9):
        image = view("bridge.jpg", 70 + orientation)
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        size = image.size if orientation < 5 else (image.height, image.width)
        yield good(f"turned/{orientation}.jpg", encoded(image, "JPEG", exif=exif), "jpeg", size=size)


def _odd_modes() -> Iterable[Made]:
    """CMYK, gray, one bit, sixteen bits, palettes, alpha."""
    image = functools.partial(view, "greentock.jpg")
    faded = image(80).convert("RGBA")
    faded.putalpha(Image.linear_gradient("L").resize(faded.size))
    sixteen = image(81).convert("L").convert("I").point(lambda value: value * 257).convert("I;16")
    files: list[tuple[str, Image.Image, str]] = [
        ("cmyk.jpg", image(82).convert("CMYK"), "JPEG"),
        ("cmyk.tiff", image(83).convert("CMYK"), "TIFF"),
        ("gray.jpg", image(84).convert("L"), "JPEG"),
        ("gray.png", image(85).convert("L"), "PNG"),
        ("one-bit.png", image(86).convert("1"), "PNG"),
        ("sixteen-bits.png", sixteen, "PNG"),
        ("sixteen-bits.tiff", sixteen, "TIFF"),
        ("palette.png", image(87).convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        ("alpha.png", faded, "PNG"),
        ("gray-alpha.png", faded.convert("LA"), "PNG"),
        ("alpha.webp", faded, "WEBP"),
        ("alpha.avif", faded, "AVIF"),
        ("alpha.tiff", faded, "TIFF"),
        ("alpha.gif", faded, "GIF"),
    ]
    for name, picture, format in files:
        yield good(f"modes/{name}", encoded(picture, format), format.lower(), size=picture.size)


def _odd_files() -> Iterable[Made]:
    """Other ways to write a good file."""
    image = functools.partial(view, "china.jpg")
    whole = encoded(image(90), "JPEG")
    files: list[tuple[str, bytes, str]] = [
        ("progressive.jpg", encoded(image(91), "JPEG", progressive=True), "jpeg"),
        ("whole-color.jpg", encoded(image(92), "JPEG", subsampling=0), "jpeg"),
        ("bytes-after-the-end.jpg", whole + b"\0" * 64, "jpeg"),
        ("broken-exif.jpg", encoded(image(93), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"), "jpeg"),
        ("lossless.webp", encoded(image(94), "WEBP", lossless=True), "webp"),
        ("interlaced.gif", encoded(image(95), "GIF", interlace=1), "gif"),
        ("deflate.tiff", encoded(image(96), "TIFF", compression="tiff_adobe_deflate"), "tiff"),
        ("uncompressed.tiff", encoded(image(97), "TIFF", compression=None), "tiff"),
        ("bitmap.bmp", encoded(image(98), "BMP"), "bmp"),
    ]
    for name, data, format in files:
        yield good(f"odd/{name}", data, format)


def _animated() -> Iterable[Made]:
    """Several frames: the first is measured."""
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        ("animated.gif", "GIF", {"duration": 100, "loop": 0}),
        ("animated.webp", "WEBP", {"duration": 100}),
        ("animated.png", "PNG", {"duration": 100}),
        ("animated.avif", "AVIF", {"duration": 100}),
        ("pages.tiff", "TIFF", {}),
    ]
    for place, (name, format, options) in enumerate(kinds):
        frames = [view("coffee.jpg", 100 + place).rotate(angle) for angle in (0, 5, 10)]
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
        yield good(f"animated/{name}", data, format.lower(), size=frames[0].size)


def _tiny() -> Iterable[Made]:
    """So small that validation would refuse them; fetching takes them."""
    make: Callable[[int, int], Image.Image] = lambda number, side: view("fig.jpg", number, side)  # noqa: E731
    for number, (format, side) in enumerate([("PNG", 1), ("JPEG", 8), ("GIF", 2), ("WEBP", 16)]):
        image = make(110 + number, side)
        yield good(f"tiny/{side}px.{FORMATS[format]}", encoded(image, format), format.lower(), size=image.size)
