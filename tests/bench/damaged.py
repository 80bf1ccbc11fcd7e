"""How often damage is found: 200 JPEGs whole, cut, and with holes, by our verifier and by the strict decoder alone.

python -m tests.bench.damaged FOLDER
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable
from pathlib import Path

import simplejpeg

from app.fetching.inspect import inspect
from app.fetching.refusal import Refusal
from tests.bench.crawl import say

FILES = 200
LEAST_HOLES = 171
"""Of 200 holes of 200 bytes each: what the strict decoder at an eighth was measured to find in such a corpus."""
MANY_PIXELS = 100_000_000
Way = Callable[[bytes, random.Random], bytes]


def whole(data: bytes, _: random.Random) -> bytes:
    """As it is."""
    return data


def cut(data: bytes, _: random.Random) -> bytes:
    """The first 60 %."""
    return data[: len(data) * 6 // 10]


def small_hole(data: bytes, chance: random.Random) -> bytes:
    """200 zero bytes somewhere in the middle half of the file, hence in the scan."""
    at = chance.randrange(len(data) // 4, len(data) * 3 // 4)
    return data[:at] + bytes(200) + data[at + 200 :]


def large_hole(data: bytes, _: random.Random | None = None) -> bytes:
    """Zeros in the middle tenth of the file."""
    at, length = len(data) // 2, len(data) // 10
    return data[:at] + bytes(length) + data[at + length :]


WAYS: dict[str, Way] = {"whole": whole, "cut to 60 %": cut, "200 zero bytes": small_hole, "a tenth zeros": large_hole}


def refused_by_us(data: bytes) -> bool:
    """Whether our verifier refuses it."""
    try:
        inspect(data, MANY_PIXELS)
    except Refusal:
        return True
    return False


def refused_by_strict_decoder(data: bytes) -> bool:
    """Whether the strict decoder refuses it at an eighth of its size."""
    with contextlib.suppress(ValueError):
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, strict=True)
        return False
    return True


def damage_is_found(folder: Path) -> bool:
    """Print the counts; False where we refuse a whole file, miss a cut one, or find fewer holes than we must."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))[:FILES]]
    say(f"\n{'of ' + str(len(files)) + ' files':16} {'refused':>8} {'by the strict decoder alone':>28}")
    found = {}
    for name, way in WAYS.items():
        chance = random.Random(name)
        made = [way(data, chance) for data in files]
        found[name] = ours, strict = sum(map(refused_by_us, made)), sum(map(refused_by_strict_decoder, made))
        say(f"{name:16} {ours:8} {strict:28}")
    least = LEAST_HOLES * len(files) // FILES
    holes = all(found[name][0] >= found[name][1] for name in ("200 zero bytes", "a tenth zeros"))
    return (
        found["whole"][0] == 0
        and found["cut to 60 %"][0] == len(files)
        and holes
        and (found["200 zero bytes"][0] >= least)
    )


if __name__ == "__main__":
    sys.exit(0 if damage_is_found(Path(sys.argv[1])) else 1)
