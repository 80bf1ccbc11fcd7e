"""Quality measures of a picture's lightness: cheap enough to be taken of every image while it is fetched."""

from __future__ import annotations

import numpy as np
from PIL import Image

from app.measures import Quality

_LEVELS = np.arange(256, dtype=np.float64)


def quality_of(gray: Image.Image, *, grayscale: bool) -> Quality:
    """The measures of an 8-bit gray picture; of `lightness.SIDE_PX`, so that those of two images can be compared.

    Brightness, contrast and entropy (C. Shannon, "A Mathematical Theory of Communication", 1948) are read off the
    histogram. For sharpness see `_sharpness`.
    """
    share = np.array(gray.histogram(), np.float64)
    share /= share.sum()
    mean = float(share @ _LEVELS)
    variance = float(share @ (_LEVELS - mean) ** 2)
    seen = share[share > 0]
    entropy = abs(float(seen @ np.log2(seen)))
    return Quality(
        brightness=round(mean / 255, 4),
        contrast=round(variance**0.5 / 255, 4),
        entropy=round(entropy, 3),
        sharpness=round(_sharpness(np.asarray(gray)), 1),
        grayscale=grayscale,
    )


def _sharpness(gray: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    """The variance of the Laplacian (J. Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000).

    Four neighbours, inner pixels; 0 where there are none.
    """
    if min(gray.shape) < 3:
        return 0.0
    levels = gray.astype(np.int16)
    edges = levels[1:-1, 1:-1] * 4
    for beside in (levels[:-2, 1:-1], levels[2:, 1:-1], levels[1:-1, :-2], levels[1:-1, 2:]):
        edges -= beside
    values = edges.ravel().astype(np.float32)
    return float(np.einsum("i,i", values, values) / values.size - values.mean() ** 2)
