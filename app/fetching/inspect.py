"""Bytes → measures: what the file is, that all of it decodes, how large it is shown and its perceptual hash.

Everything here may run in several threads at once; the decoders release the interpreter's lock.
"""

from __future__ import annotations

import io
import threading
import warnings
from contextlib import nullcontext

import numpy as np
import simplejpeg
from numpy.typing import NDArray
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

from app.fetching.damage import DECODER_ERRORS, damage
from app.fetching.magic import format_of
from app.fetching.phash import hash_of, shrink, turned
from app.fetching.refusal import refusal
from app.values import Measures, RefusalCode

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

HASHED_SIDE_PX = 64
"""The least side of what is hashed: twice the hash's own, so that its cells are averages."""

LARGE_PIXELS = 16_000_000
"""Above this one image is decoded at a time: at the pixel limit a decoded one takes 400 MB."""
_one_large = threading.Lock()

FRAMES_CHECKED = 32
"""Frames of an animation, or pages, that are decoded; their pixels together stay under the limit for one image."""

USUAL_SCANS = 20
"""Scans of a progressive JPEG. Files made to burn time have thousands, each of which costs a pass over all pixels."""

BROKEN_SCAN = ("premature end of data segment", "bad huffman", "found marker", "inconsistent progression")
"""The strict decoder's complaints that mean lost pixels. Its others (stray bytes between segments) lose none."""

# Ours is checked before decoding, against the setting, and refuses instead of warning.
Image.MAX_IMAGE_PIXELS = None
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # images are decoded side by side; one of them is not spread over the cores


def inspect(data: bytes, max_pixels: int) -> Measures:
    """Verify an image file and measure it. Raises Refusal with the reason; nothing else, whatever the bytes are.

    `max_pixels` bounds a frame's width times height and is compared before anything is decoded.
    """
    name = format_of(data)
    _hush()
    try:
        with Image.open(io.BytesIO(data), formats=(PLUGINS[name] or "",)) as image:
            width, height = image.size
            _check_pixels(width, height, max_pixels)
            with _one_large if width * height > LARGE_PIXELS else nullcontext():
                if name == "jpeg":
                    return _measure(name, image, (width, height), _jpeg_gray(data, image, max_pixels))
                gray = _decoded_gray(image)
                measures = _measure(name, image, image.size, gray)
                _check_frames(image, max_pixels)
                return measures
    except DECODER_ERRORS as error:
        raise damage(name, data, error) from error


def _measure(name: str, image: Image.Image, size: tuple[int, int], gray: NDArray[np.generic]) -> Measures:
    orientation = _orientation(name, image)
    width, height = size if orientation < 5 else (size[1], size[0])  # 5 to 8 turn by a quarter
    return Measures(width, height, name, hash_of(turned(shrink(gray), orientation)))


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise refusal(RefusalCode.CORRUPT, "The image has no pixels.", f"{width}x{height}")
    if width * height > max_pixels:
        raise refusal(
            RefusalCode.TOO_MANY_PIXELS,
            "The image has too many pixels.",
            f"{width * height:,} pixels ({width}x{height})",
            f"{max_pixels:,} pixels",
        )


def _orientation(name: str, image: Image.Image) -> int:
    """EXIF orientation 1..8. TIFF is turned by its reader; a broken EXIF block around good pixels counts as none."""
    if name == "tiff":
        return 1
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _jpeg_gray(data: bytes, image: Image.Image, max_pixels: int) -> NDArray[np.generic]:
    """Decode every coefficient at an eighth of the size: all the check of a full decode at less than half its time."""
    scans = data.count(b"\xff\xda") if "progressive" in image.info else 1
    pixels = image.width * image.height
    if scans > USUAL_SCANS and scans * pixels > USUAL_SCANS * max_pixels:
        raise refusal(RefusalCode.CORRUPT, "The JPEG has too many scans.", f"{scans} scans", f"{USUAL_SCANS} scans")
    side = HASHED_SIDE_PX
    try:
        gray: NDArray[np.generic] = simplejpeg.decode_jpeg(data, "GRAY", min_height=side, min_width=side)
    except ValueError as error:
        if any(text in str(error).lower() for text in BROKEN_SCAN):
            raise
    else:
        if image.mode != "CMYK":  # the fast decoder's gray of CMYK is not the picture's lightness
            return gray[:, :, 0]
    image.draft("L", (side, side))  # what the strict decoder dislikes is dropped only if Pillow cannot read it either
    return _decoded_gray(image)


def _decoded_gray(image: Image.Image) -> NDArray[np.generic]:
    """Decode all of the present frame; its lightness, shrunk, over white where it is transparent."""
    image.load()
    factor = max(1, min(image.size) // (2 * HASHED_SIDE_PX))
    if image.mode.startswith("I;16"):
        return np.asarray(image.convert("I").reduce(factor)) / 257  # 65,535 / 255
    if image.mode in ("I", "F"):
        return _stretched(np.asarray(image.reduce(factor)))
    picture: Image.Image = image
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        picture = image.convert("RGBA")
    elif image.mode in ("1", "LAB", "HSV"):
        picture = image.convert("L" if image.mode == "1" else "RGB")
    picture = picture.reduce(factor)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("L"))


def _stretched(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Samples without a range of their own (32-bit integers, floats): their extremes become 0 and 255."""
    samples = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    stretched: NDArray[np.generic] = (samples - low) * (255.0 / (high - low or 1.0))
    return stretched


def _check_frames(image: Image.Image, max_pixels: int) -> None:
    """Decode the frames after the first, as many as FRAMES_CHECKED and the pixel limit let."""
    pixels = image.width * image.height
    for index in range(1, FRAMES_CHECKED):
        try:
            image.seek(index)
        except EOFError:
            return
        pixels += image.width * image.height
        _check_pixels(image.width, image.height, max_pixels)
        if pixels > max_pixels:
            return
        image.load()


def _hush() -> None:
    """Keep Pillow's warnings (odd EXIF, odd tags) from the log: what matters of them is in the verdict.

    A filter and not `catch_warnings`, which is not safe with threads. Set when it is not the first, since whoever
    changes the filters in between puts his own before it.
    """
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", None) != r"PIL\.":
        warnings.filterwarnings("ignore", module=r"PIL\.")
