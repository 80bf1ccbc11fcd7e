"""Make the files to compare with: JPEGs from the gallery's photographs, all different, always the same ones.

    python -m tests.bench.peers.corpus FOLDER [--count 5000]

Each is a part of a photograph, perhaps mirrored, in another light, with the grain of a camera, 640 to 2,000 pixels wide
(4:3, small ones more often), quality 85: about 0.97 megapixels and 170 KB. The same number gives the same bytes,
however many processes make them, as long as numpy and Pillow are the same.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.settings import CHECKOUT
from tests.bench.crawl import say

PHOTOGRAPHS = CHECKOUT / "app" / "commands" / "gallery" / "photos"
LEAST_PX, MOST_PX = 640, 2000
QUALITY = 85
GRAIN = 3.6
IN_A_FOLDER = 1000
Pixels = NDArray[np.float32]


@cache
def photographs() -> tuple[Image.Image, ...]:
    """All of the gallery, in the order of their names."""
    return tuple(Image.open(path).convert("RGB") for path in sorted(PHOTOGRAPHS.glob("*.jpg")))


def picture(number: int) -> Image.Image:
    """The picture of that number."""
    rng = np.random.default_rng([5, number])
    photo = photographs()[int(rng.integers(len(photographs())))]
    width = int(LEAST_PX * (MOST_PX / LEAST_PX) ** (rng.random() ** 1.5))
    size = (width, width * 3 // 4)
    share = rng.uniform(0.5, 1.0) * min(photo.width / size[0], photo.height / size[1])
    wide, high = size[0] * share, size[1] * share
    left, top = rng.uniform(0, photo.width - wide), rng.uniform(0, photo.height - high)
    part = photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + wide, top + high))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels: Pixels = np.asarray(part, np.float32) * rng.uniform(0.7, 1.3, 3).astype(np.float32)
    pixels += GRAIN * rng.standard_normal((*pixels.shape[:2], 1), dtype=np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write(number: int, folder: Path) -> int:
    """Write one file; its size in bytes."""
    path = folder / f"{number // IN_A_FOLDER:03d}" / f"{number:06d}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(number).save(path, quality=QUALITY)
    return path.stat().st_size


def main() -> None:
    """Make them all, a process a core."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=5000)
    asked = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        numbers = range(asked.count)
        sizes = list(processes.map(write, numbers, [asked.folder] * asked.count, chunksize=20))
    say(f"{len(sizes):,} files, {sum(sizes) / len(sizes) / 1000:.0f} KB in the mean")


if __name__ == "__main__":
    main()
