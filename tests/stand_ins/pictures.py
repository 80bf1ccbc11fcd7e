"""Image files made for a test: photographs they are not, but every one differs and has edges and shades."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def picture(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """An RGB picture of soft blobs, a function of its seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """The picture as a file of Pillow's `format`."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def jpeg(width: int = 160, height: int = 120, seed: int = 0, **options: Any) -> bytes:
    return encoded(picture(width, height, seed), "JPEG", **{"quality": 85} | options)


def noisy_jpeg(width: int = 640, height: int = 480, seed: int = 0) -> bytes:
    """A JPEG with much in its scan, so that damage in the middle hits it."""
    pixels = np.asarray(picture(width, height, seed), np.int16)
    grain = np.random.default_rng(seed).normal(0, 12, pixels.shape)
    return encoded(Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)), "JPEG", quality=85)
