"""The perceptual hash: 64 bits that hardly change when an image is resized, recompressed, relit or cropped a little.

It is a DCT hash as of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), section
3.2.1: of a 32x32 gray picture the lowest frequencies, one bit each. Three things differ, since more is found so:

- The 64 frequencies are those of a quarter circle, 0 < u² + v² <= 72, and not of a square: low ones change least.
- The picture fades towards its edges, where a crop moves it most (Tukey's window over a floor).
- A bit is the sign and no comparison with the median: mirroring the picture turns the bits of the odd horizontal
  frequencies then, and hardly any others.

The picture is shrunk by area, so that the value hardly depends on the scale at which the file was decoded. What is
found so is in docs/near-duplicates.md, and what else was tried in docs/decisions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Gray = NDArray[np.float32]
SIDE = 32
FREQUENCIES = 9
CIRCLE = 72
"""The greatest u² + v²: 64 pairs of frequencies lie within, (0, 0) not counted."""
EDGE, FADED = 0.4, 0.15
"""What the picture's edge weighs, and the share of a side, at each end, within which the picture fades to that."""
FLAT = 1e-3
"""Coefficients (of gray values 0..255) below this are rounding, not picture: a flat image hashes to 0."""


def _waves() -> NDArray[np.float64]:
    """Rows 0..8 of the DCT-II of length 32, sqrt(2/n) cos(pi (2i + 1) k / 2n), faded by a raised cosine.

    Of each row but 0 so much of the fading is taken off again that its sum is 0: none sees how bright the picture is.
    """
    k, place = np.arange(FREQUENCIES)[:, None], (np.arange(SIDE)[None, :] + 0.5) / SIDE
    edge = np.minimum(np.minimum(place, 1 - place) / FADED, 1)
    fading = EDGE + (1 - EDGE) * (1 - np.cos(np.pi * edge)) / 2
    waves = np.sqrt(2 / SIDE) * np.cos(np.pi * k * place) * fading
    waves[1:] -= waves[1:].sum(axis=1, keepdims=True) * fading / fading.sum()
    return np.asarray(waves)


def _lowest() -> NDArray[np.intp]:
    """Places of the 64 frequencies in the matrix of coefficients, the lowest first."""
    found = sorted((u * u + v * v, u, v) for u in range(FREQUENCIES) for v in range(FREQUENCIES))
    return np.array([u * FREQUENCIES + v for square, u, v in found if 0 < square <= CIRCLE])


_WAVES, _LOWEST = _waves(), _lowest()


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
    coefficients = (_WAVES @ small @ _WAVES.T).ravel()
    bits = np.packbits(coefficients[_LOWEST] > FLAT)
    return int.from_bytes(bits.tobytes(), "big", signed=True)
