"""Bytes → measures: what the file is, that all of it decodes, how large it is shown, its hash and its quality.

Everything here may run in several threads at once; the decoders release the interpreter's lock.
"""

from __future__ import annotations

import re
import threading
import warnings
from contextlib import AbstractContextManager, nullcontext

from PIL import (  # the plugins are imported for the formats that they register
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from app.fetching import jpeg
from app.fetching.damage import DECODER_ERRORS, check_end, damage
from app.fetching.lightness import SIDE_PX, is_grayscale, lightness
from app.fetching.magic import format_of
from app.fetching.phash import hash_of, shrink, turned
from app.fetching.pieces import Pieces
from app.fetching.quality import quality_of
from app.fetching.refusal import Refusal, refusal
from app.measures import Measures, Verification
from app.values import RefusalCode

PLUGINS = {
    "jpeg": JpegImagePlugin.JpegImageFile.format,
    "png": PngImagePlugin.PngImageFile.format,
    "webp": WebPImagePlugin.WebPImageFile.format,
    "gif": GifImagePlugin.GifImageFile.format,
    "tiff": TiffImagePlugin.TiffImageFile.format,
    "avif": AvifImagePlugin.AvifImageFile.format,
    "bmp": BmpImagePlugin.BmpImageFile.format,
}
ORIENTATION = 0x0112
"""The EXIF tag that says how the pixels are to be turned for showing."""

LARGE_PIXELS = 16_000_000
"""Above this one image is decoded at a time: at the pixel limit a decoded one takes 400 MB."""
_one_large = threading.Lock()

DEAR = {"webp": 2.5}
"""Formats whose decoder holds so many times what others do (15 bytes a pixel) may have that many times fewer pixels."""

FRAMES_CHECKED = 32
"""Frames of an animation, or pages, that are decoded; their pixels together stay under the limit for one image."""

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # images are decoded side by side; one of them is not spread over the cores


def inspect(data: bytes, max_pixels: int, verification: Verification = Verification.DECODE) -> Measures:
    """Verify an image file and measure it. Raises Refusal with the reason; nothing else, whatever the bytes are.

    `max_pixels` bounds a frame's width times height and is compared before anything is decoded.
    """
    name = format_of(data)
    try:
        if name == "jpeg" and (head := jpeg.head_of(data)) is not None and not head.four_colors:
            measures = _jpeg(data, head, max_pixels, verification)
            if measures is not None:
                return measures
        return _opened(name, data, max_pixels, verification)
    except Image.DecompressionBombError as error:
        claimed = re.search(r"\d+", str(error))
        measured = f"{int(claimed.group()):,} pixels" if claimed else None
        raise _too_many_pixels(measured, _most_pixels(name, max_pixels)) from error
    except DECODER_ERRORS as error:
        raise damage(name, data, error) from error


def _jpeg(data: bytes, head: jpeg.Head, max_pixels: int, verification: Verification) -> Measures | None:
    """None where the strict decoder dislikes something that may lose no pixel: a more lenient one is to decide."""
    pixels = head.width * head.height
    _check_pixels(head.width, head.height, max_pixels)
    width, height = _shown(head.width, head.height, head.orientation)
    if verification is Verification.HEADER:
        check_end("jpeg", data)
        return Measures(width, height, "jpeg", None)
    if head.in_scans:
        jpeg.check_scans(data, pixels, max_pixels)
    with _one_at_a_time(pixels):
        full = verification is Verification.FULL
        picture = jpeg.decoded_color(data) if full else jpeg.decoded_gray(data, SIDE_PX)
        if picture is None:
            return None
        gray = lightness(picture)
    return _measured("jpeg", (width, height), gray, head.orientation, grayscale=head.grayscale)


def _opened(name: str, data: bytes, max_pixels: int, verification: Verification) -> Measures:
    """By Pillow, which knows all the formats that are taken."""
    _hush()
    # Pillow's own limit is for what it makes room for before it tells a size. What is above ours, but not twice, is
    # refused below, with more to say.
    Image.MAX_IMAGE_PIXELS = max_pixels
    max_pixels = _most_pixels(name, max_pixels)
    with Image.open(Pieces(name, data), formats=(PLUGINS[name] or "",)) as image:
        pixels, grayscale = image.width * image.height, is_grayscale(image)
        _check_pixels(image.width, image.height, max_pixels)
        if verification is Verification.HEADER:
            check_end(name, data)
            return Measures(*_shown(*image.size, _orientation(name, image)), name, None)
        with _one_at_a_time(pixels):
            if name == "jpeg":
                size = image.size
                _draft(data, image, max_pixels)
                gray = lightness(image)
            else:
                gray = lightness(image)
                size = image.size  # some formats tell their size while they are decoded
                _check_frames(name, data, image, max_pixels)
        orientation = _orientation(name, image)
        return _measured(name, _shown(*size, orientation), gray, orientation, grayscale=grayscale)


def _draft(data: bytes, image: Image.Image, max_pixels: int) -> None:
    """Have Pillow decode a JPEG to a smaller scale, after the strict decoder has said that no pixel is lost."""
    jpeg.check_scans(data, image.width * image.height, max_pixels)
    jpeg.decoded_gray(data, SIDE_PX)
    image.draft("L", (SIDE_PX, SIDE_PX))


def _measured(name: str, shown: tuple[int, int], gray: Image.Image, orientation: int, *, grayscale: bool) -> Measures:
    """The measures of a decoded picture; `shown` is its size as it is to be shown, `gray` as it is stored."""
    factor = min(gray.size) // SIDE_PX
    if factor > 1:
        gray = gray.reduce(factor)
    phash = hash_of(turned(shrink(gray), orientation))
    return Measures(*shown, name, phash, quality_of(gray, grayscale=grayscale))


def _shown(width: int, height: int, orientation: int) -> tuple[int, int]:
    return (width, height) if orientation < 5 else (height, width)  # 5 to 8 turn by a quarter


def _one_at_a_time(pixels: int) -> AbstractContextManager[object]:
    return _one_large if pixels > LARGE_PIXELS else nullcontext()


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise refusal(RefusalCode.CORRUPT, "The image has no pixels.", f"{width}x{height}")
    if width * height > max_pixels:
        raise _too_many_pixels(f"{width * height:,} pixels ({width}x{height})", max_pixels)


def _too_many_pixels(measured: str | None, most: int) -> Refusal:
    return refusal(RefusalCode.TOO_MANY_PIXELS, "The image has too many pixels.", measured, f"{most:,} pixels")


def _most_pixels(name: str, max_pixels: int) -> int:
    return int(max_pixels / DEAR.get(name, 1))


def _orientation(name: str, image: Image.Image) -> int:
    """EXIF orientation 1..8. TIFF is turned by its reader; a broken EXIF block around good pixels counts as none."""
    if name == "tiff":
        return 1
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _check_frames(name: str, data: bytes, image: Image.Image, max_pixels: int) -> None:
    """Decode the frames after the first, as many as FRAMES_CHECKED and the pixel limit let.

    Of the others the file's end is looked at; of TIFF always, since libtiff gives gray for strips that are not there.
    """
    pixels = image.width * image.height
    if name == "tiff":
        check_end(name, data)
    for index in range(1, FRAMES_CHECKED):
        try:
            image.seek(index)
        except EOFError:
            return
        pixels += image.width * image.height
        _check_pixels(image.width, image.height, max_pixels)
        if pixels > max_pixels:
            break
        image.load()
    check_end(name, data)


def _hush() -> None:
    """Keep Pillow's warnings (odd EXIF, odd tags) from the log: what matters of them is in the verdict.

    A filter and not `catch_warnings`, which is not safe with threads. Set when it is not the first, since whoever
    changes the filters in between puts his own before it.
    """
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", None) != r"PIL\.":
        warnings.filterwarnings("ignore", module=r"PIL\.")
