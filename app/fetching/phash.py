"""The perceptual hash: 64 bits that stay nearly the same when an image is resized, recompressed or slightly relit.

It is the DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), section
3.2.1, as in pHash: a 32x32 gray picture, its two-dimensional DCT-II, the 8x8 lowest frequencies without row and column
0, one bit each for being above their median. Ours shrinks by area, so that the value hardly depends on the scale at
which the file was decoded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Gray = NDArray[np.float32]
SIDE = 32
FREQUENCIES = 8
FLAT = 1e-3
"""Coefficients (of gray values 0..255) below this are rounding, not picture: a flat image hashes to 0."""


def _dct_matrix() -> Gray:
    """Rows 1..8 of the orthonormal DCT-II of length 32: sqrt(2/n) cos(pi (2i + 1) k / 2n)."""
    k, i = np.arange(1, FREQUENCIES + 1)[:, None], np.arange(SIDE)[None, :]
    return np.asarray(np.sqrt(2 / SIDE) * np.cos(np.pi * (2 * i + 1) * k / (2 * SIDE)), np.float32)


_DCT = _dct_matrix()


def shrink(gray: Image.Image) -> Gray:
    """An 8-bit gray picture of any size as 32x32 averages, in C and without the interpreter's lock."""
    return np.asarray(gray.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)


def turned(small: Gray, orientation: int) -> Gray:
    """The square picture as EXIF `orientation` (1..8) says that it is to be shown."""
    turns: dict[int, Gray] = {
        2: small[:, ::-1],
        3: small[::-1, ::-1],
        4: small[::-1],
        5: small.T,
        6: small[::-1].T,
        7: small[::-1, ::-1].T,
        8: small.T[::-1],
    }
    return turns.get(orientation, small)


def hash_of(small: Gray) -> int:
    """The hash of a 32x32 gray picture, as a signed 64-bit integer; the lowest frequencies are the highest bits."""
    coefficients = (_DCT @ small @ _DCT.T).ravel()
    coefficients[np.abs(coefficients) < FLAT] = 0.0
    bits = np.packbits(coefficients > np.median(coefficients))
    return int.from_bytes(bits.tobytes(), "big", signed=True)
