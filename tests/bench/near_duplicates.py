"""Near-duplicates: what is found of pictures that were changed in known ways, and what a million hashes cost.

    python -m tests.bench.near_duplicates found FOLDER [PEER]
    python -m tests.bench.near_duplicates batch [COUNT]

FOLDER holds `manifest.jsonl`, whose lines name a `file`, and where it was made of another one, which (`duplicate_of`,
`near_duplicate_of`) and how (`transform`). PEER is a Python with imagededup, see `imagededup_hashes.py`. `batch` runs
each case in a process of its own: CPU seconds, the process's peak memory, and whether everything planted was found.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.checks.hamming import Hashes, pairs_within
from app.checks.near_duplicates import MIRROR, Keepers
from app.fetching.inspect import inspect
from tests.bench.crawl import say

RADII = (4, 6, 8, 10)
MANY_PIXELS = 10**9
PICTURES = 2_000


@dataclass(frozen=True)
class Picture:
    """A file of the folder, and what it was made of."""

    file: str
    made_of: str | None
    transform: str | None


def read_manifest(folder: Path) -> list[Picture]:
    """The folder's pictures; equal files are left out, which SHA-256 finds."""
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    return [
        Picture(line["file"], line["near_duplicate_of"], line["transform"])
        for line in lines
        if not line["duplicate_of"]
    ]


def own_hashes(folder: Path, pictures: Sequence[Picture]) -> tuple[Hashes, float]:
    """The hashes as a crawl takes them, with verification and measuring, and CPU milliseconds an image."""
    inspect((folder / pictures[0].file).read_bytes(), MANY_PIXELS)
    begun = time.process_time()
    found = [inspect((folder / one.file).read_bytes(), MANY_PIXELS).phash for one in pictures]
    return np.array(found, np.int64).view(np.uint64), 1000 * (time.process_time() - begun) / len(pictures)


def peers_hashes(python: str, folder: Path, pictures: Sequence[Picture]) -> tuple[Hashes, float]:
    """The same of imagededup."""
    script = Path(__file__).with_name("imagededup_hashes.py")
    files = "\n".join(str(folder / one.file) for one in pictures)
    answer = subprocess.run([python, script], input=files, capture_output=True, text=True, check=True).stdout
    found = json.loads(answer)
    return np.array([int(one, 16) for one in found["hashes"]], np.uint64), float(found["cpu_ms"])


def apart(hashes: Hashes, *, mirrored: bool) -> np.ndarray:
    """The distances of all pairs of pictures."""
    differing = hashes[:, None] ^ hashes[None, :]
    found = np.bitwise_count(differing)
    return np.asarray(np.minimum(found, np.bitwise_count(differing ^ np.uint64(MIRROR))) if mirrored else found)


def show_found(name: str, far: np.ndarray, pictures: Sequence[Picture], cpu_ms: float) -> None:
    """A line for each radius: the share of each transform that is found, and how much of what is found is true."""
    places = {one.file: place for place, one in enumerate(pictures)}
    roots = np.array([places[one.made_of or one.file] for one in pictures])
    same = roots[:, None] == roots[None, :]
    upper = np.triu(np.ones(same.shape, bool), 1)
    transforms = sorted({one.transform for one in pictures if one.transform})
    for radius in RADII:
        near = (far <= radius) & upper
        true = int((near & same).sum())
        shares = [
            np.mean([far[place, roots[place]] <= radius for place, one in enumerate(pictures) if one.transform == kind])
            for kind in transforms
        ]
        wrong = int(near.sum()) - true
        precision = true / max(1, int(near.sum()))
        cells = " ".join(f"{share:15.2f}" for share in shares)
        say(f"{name:22} {radius:6} {cells} {np.mean(shares):7.3f} {precision:9.4f} {wrong:6} {cpu_ms:7.2f}")


def found(folder: Path, peer: str | None) -> None:
    """Print recall by transform, precision and cost, beside the peer's."""
    pictures = read_manifest(folder)
    transforms = sorted({one.transform for one in pictures if one.transform})
    head = " ".join(f"{kind:>15}" for kind in transforms)
    say(f"{'':22} {'radius':>6} {head} {'recall':>7} {'precision':>9} {'wrong':>6} {'CPU ms':>7}")
    own, cpu_ms = own_hashes(folder, pictures)
    show_found("ours", apart(own, mirrored=False), pictures, cpu_ms)
    show_found("ours, mirrored too", apart(own, mirrored=True), pictures, cpu_ms)
    if peer:
        theirs, cpu_ms = peers_hashes(peer, folder, pictures)
        show_found("imagededup PHash", apart(theirs, mirrored=False), pictures, cpu_ms)


def turned(chance: np.random.Generator, hashes: Hashes, bits: int) -> Hashes:
    """Hashes of which up to so many bits are turned."""
    for _ in range(bits):
        hashes = hashes ^ (np.uint64(1) << chance.integers(0, 64, hashes.size, np.uint64))
    return hashes


def uniform(chance: np.random.Generator, count: int) -> Hashes:
    """Strangers."""
    return chance.integers(0, 2**64, count, dtype=np.uint64)


def planted(chance: np.random.Generator, count: int) -> Hashes:
    """Strangers, and one in fifty changed in up to four bits: the second half of the last 4 % repeats the first."""
    few = count // 50
    strangers = uniform(chance, count - few)
    return np.concatenate([strangers, turned(chance, strangers[-few:], 4)])


def clustered(chance: np.random.Generator, count: int) -> Hashes:
    """A third strangers, a third variants of some pictures, a sixth one dense crowd, the rest equal."""
    pictures = np.repeat(uniform(chance, PICTURES), count // 3 // PICTURES)
    crowd = np.full(count // 6, uniform(chance, 1)[0])
    parts = [uniform(chance, count // 3), turned(chance, pictures, 3), turned(chance, crowd, 6)]
    equal = np.zeros(count - sum(part.size for part in parts), np.uint64)
    return chance.permutation(np.concatenate([*parts, equal]))


def crowd_last(chance: np.random.Generator, count: int) -> Hashes:
    """Half strangers, then half in one dense crowd, as the frames of a film are."""
    crowd = np.full(count - count // 2, uniform(chance, 1)[0])
    return np.concatenate([uniform(chance, count // 2), turned(chance, crowd, 5)])


CASES: Mapping[str, Callable[[np.random.Generator, int], Hashes]] = {
    "uniform, 2 % planted": planted,
    "clustered": clustered,
    "a crowd at the end": crowd_last,
    "all equal": lambda _, count: np.zeros(count, np.uint64),
}


def run_case(name: str, count: int, radius: int, what: str) -> str:
    """One measured case, as a line; in a process of its own."""
    hashes = CASES[name](np.random.default_rng(1), count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, cpu = time.monotonic(), time.process_time()
    right, said = _all_pairs(hashes, radius) if what == "pairs" else _kept(hashes, radius, mirrored=what != "kept")
    spent, cpu = time.monotonic() - begun, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (
        f"{name:22} {what:15} {radius:6} {cpu:8.2f} {spent:8.2f} {peak / 1024:8.0f} {(peak - before) / 1024:8.0f}"
        f" {'yes' if right() else 'NO':>6}  {said}"
    )


Answer = tuple[Callable[[], bool], str]


def _all_pairs(hashes: Hashes, radius: int) -> Answer:
    """All pairs of the planted case; right where each planted one is among them."""
    steps = [(step.left, step.right) for step in pairs_within(hashes, radius) if step.left.size]
    left, right = (np.concatenate(side) for side in zip(*steps, strict=True))
    few = hashes.size // 50

    def all_found() -> bool:
        met = set(zip(left.tolist(), right.tolist(), strict=True))
        return all((place, place + few) in met for place in range(hashes.size - 2 * few, hashes.size - few))

    return all_found, f"{left.size:,} pairs"


def _kept(hashes: Hashes, radius: int, *, mirrored: bool) -> Answer:
    """Who is kept; right where nobody kept is near another, and everybody else is near their keeper."""
    search = Keepers(hashes, radius, mirrored=mirrored)
    for _ in search.steps():
        pass
    keeper, distance = search.keeper, search.distance
    kept = np.flatnonzero(keeper == np.arange(hashes.size))

    def holds() -> bool:
        strangers = not any(step.left.size for step in pairs_within(hashes[kept], radius))
        return strangers and bool((distance <= radius).all())

    return holds, f"{kept.size:,} kept"


def batch(count: int) -> None:
    """Print a line for each case."""
    say(
        f"{f'{count:,} hashes':22} {'what':15} {'radius':>6} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'added':>8}"
        f" {'right':>6}"
    )
    cases = [("uniform, 2 % planted", radius, "pairs") for radius in (4, 6, 8)]
    cases += [(name, radius, "kept") for name in CASES for radius in (4, 6, 8)]
    cases += [("clustered", 6, "kept, mirrored")]
    for name, radius, what in cases:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            say(pool.apply(run_case, (name, count, radius, what)))


def main() -> None:
    """Run what is asked for."""
    what, *more = sys.argv[1:]
    if what == "found":
        found(Path(more[0]), more[1] if len(more) > 1 else None)
    else:
        batch(int(more[0]) if more else 1_000_000)


if __name__ == "__main__":
    main()
