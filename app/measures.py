"""What is read off an image's bytes, and how thoroughly."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Verification(StrEnum):
    """How much of a file is decoded before it is taken.

    `header`: its head and its end, no pixel: damage in between passes, and neither hash nor quality is measured.
    `decode`: all of its data, JPEG to pixels of a smaller scale: damage is found, and everything is measured.
    `full`: all of its data to all of its pixels, which finds no more damage and takes longer.
    """

    HEADER = "header"
    DECODE = "decode"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Quality:
    """The picture's lightness in numbers, taken where its lesser side has 96 to 191 pixels (`lightness.SIDE_PX`).

    `brightness` is the mean and `contrast` the standard deviation, as shares of white; `entropy` is of the histogram
    of 256 levels, in bits; `sharpness` is the variance of the Laplacian, in squared levels; `grayscale` says that the
    file has one channel, beside transparency.
    """

    brightness: float
    contrast: float
    entropy: float
    sharpness: float
    grayscale: bool

    def as_json(self) -> dict[str, float | bool]:
        """The document `images.quality`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Measures:
    """What was read off an image's bytes.

    `width` and `height` are pixels as displayed (EXIF orientation applied); `format` is by content (`jpeg`, `png`,
    `webp`, `gif`, `tiff`, `avif`, `bmp`); `phash` is a signed 64-bit perceptual hash. The hash and the quality are
    None where no pixel was decoded.
    """

    width: int
    height: int
    format: str
    phash: int | None
    quality: Quality | None = None
