"""Pixels → the picture's lightness, small: what the perceptual hash and the quality measures are taken from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 96
"""The lesser side is shrunk by whole numbers as long as it keeps this many pixels: three of each cell of the hash."""

ONE_CHANNEL = frozenset({"1", "L", "LA", "La", "I", "F"})
"""Pillow's modes of pictures without color; those of 16 bits begin with `I;16`."""

TRANSPARENT = frozenset({"P", "PA", "LA", "La", "RGBA", "RGBa"})
"""Modes that are looked at over white; a palette may hold transparent colors."""
BAND_PIXELS = 4_000_000
"""Of how many pixels at once the transparency is resolved: about 40 MB."""


def is_grayscale(image: Image.Image) -> bool:
    """Whether the file has one channel, beside transparency."""
    return image.mode in ONE_CHANNEL or image.mode.startswith("I;16")


def lightness(image: Image.Image) -> Image.Image:
    """An image's lightness in 8 bits, shrunk, over white where it is transparent. Decodes all of the present frame."""
    image.load()
    factor = max(1, min(image.size) // SIDE_PX)
    if image.mode.startswith("I;16"):
        return _of_levels(np.asarray(image.convert("I").reduce(factor)) / 257)  # 65,535 / 255
    if image.mode in ("I", "F"):
        return _of_levels(_stretched(np.asarray(image.reduce(factor))))
    if image.mode in TRANSPARENT or "transparency" in image.info:
        return _over_white(image, factor)
    picture: Image.Image = image
    if image.mode in ("1", "LAB", "HSV"):
        picture = image.convert("L" if image.mode == "1" else "RGB")
    picture = picture.reduce(factor) if factor > 1 else picture
    return picture if picture.mode == "L" else picture.convert("L")


def _over_white(image: Image.Image, factor: int) -> Image.Image:
    """By bands of rows: a large image would otherwise be held once more, or twice, in four channels."""
    width, height = image.size
    rows = max(1, BAND_PIXELS // (width * factor)) * factor
    gray = Image.new("L", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        band = image if rows >= height else image.crop((0, top, width, min(top + rows, height)))
        band = band.convert("LA") if band.mode == "La" else band  # the one conversion that Pillow has of it
        small = (band if band.mode == "RGBA" else band.convert("RGBA")).reduce(factor)
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
        gray.paste(small.convert("L"), (0, top // factor))
    return gray


def _of_levels(levels: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def _stretched(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Samples without a range of their own (32-bit integers, floats): their extremes become 0 and 255."""
    samples = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    return np.asarray((samples - low) * (255.0 / (high - low or 1.0)))
