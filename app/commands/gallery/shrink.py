"""Shrinks original photographs to what the gallery ships: `python -m app.commands.gallery.shrink FOLDER`.

FOLDER holds the originals anywhere below it, under the names that `photos.json` gives. Only needed to add photographs:
an entry there, the original here, and a line in `CREDITS.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
from PIL import Image, ImageOps

HERE = Path(__file__).parent
LONGEST_SIDE_PX = 1000
QUALITY = 85


def shrink(original: Path, target: Path) -> None:
    """Writes a JPEG of at most LONGEST_SIDE_PX a side, upright, without metadata."""
    with Image.open(original) as opened:
        image: Image.Image = ImageOps.exif_transpose(opened) or opened
        image = image.convert("L" if image.mode == "L" else "RGB")
        image.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
        image.save(target, "JPEG", quality=QUALITY, optimize=True)


def main(folder: Path) -> None:
    """Shrinks every photograph of `photos.json` whose original is found; names those that are missing."""
    for photo in orjson.loads((HERE / "photos.json").read_bytes()):
        found = next(iter(sorted(folder.rglob(photo["original"]))), None)
        if found is None:
            print(f"missing: {photo['original']}", file=sys.stderr)
            continue
        shrink(found, HERE / "photos" / photo["file"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
