"""Pairs of 64-bit hashes that differ in few bits: all of them, without comparing each with each.

The bits are cut into `radius + chosen` bands. Two hashes within `radius` differ in at most that many bands, so in at
least `chosen` of them they agree (the pigeonhole principle, as in multi-index hashing: Norouzi, Punjani, Fleet, "Fast
Search in Hamming Space with Multi-Index Hashing", 2012). For every choice of that many bands, those hashes are compared
whose bits there are equal. More chosen bands make fewer comparisons and more sorting; the cheapest number is taken.

Everything runs in short steps, so that whoever drives them can stop in between or do something else.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.intp]

MAX_RADIUS = 8
KEY_BITS = 32
MAX_CHOSEN = 4
INDEXED = (22, 21, 21)
"""Bits of the bands by which the database finds hashes: the expression is in `app/models/image.py`."""
CANDIDATES = 2**18
"""Pairs compared in one step: what is in hand fits a processor's cache, and a step takes some milliseconds."""
CHOICE_NS, HASH_NS, CANDIDATE_NS = 60_000.0, 60.0, 8.0
"""What a choice of bands costs, each hash in it and each pair compared, roughly: they only balance one another."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """What a step found: places in the left and the right array, and how far the join has come then, 0..1."""

    left: Places
    right: Places
    share: float


@dataclass(frozen=True, slots=True)
class Bands:
    """How the bits are cut: each band's lowest bit and width, and how many bands are compared at a time."""

    cuts: tuple[tuple[int, int], ...]
    chosen: int

    @property
    def choices(self) -> list[tuple[int, ...]]:
        """Every choice of that many bands."""
        return list(itertools.combinations(range(len(self.cuts)), self.chosen))

    def mask(self, band: int) -> np.uint64:
        """The bits of a band."""
        low, width = self.cuts[band]
        return np.uint64(((1 << width) - 1) << low)

    def price(self, hashes: float, pairs: float) -> float:
        """Nanoseconds for so many hashes, and pairs of them, if all bits were fair coins."""
        total = 0.0
        for choice in self.choices:
            bits = sum(self.cuts[band][1] for band in choice)
            total += CHOICE_NS + hashes * HASH_NS + pairs / 2.0**bits * CANDIDATE_NS
        return total


def _cut(radius: int, chosen: int) -> Bands:
    count = radius + chosen
    if chosen == 0:
        return Bands((), 0)
    width, wider = divmod(64, count)
    # Bits that are in no band are not missed: agreeing in the chosen bands is only where a comparison begins.
    widths = [min(width + (band < wider), KEY_BITS // chosen) for band in range(count)]
    lows = itertools.accumulate(widths, initial=0)
    return Bands(tuple(zip(lows, widths, strict=False)), chosen)


@functools.lru_cache(maxsize=4096)
def _cheapest(hashes_log2: int, pairs_log2: int, radius: int) -> Bands:
    hashes, pairs = 2.0**hashes_log2, 2.0**pairs_log2
    return min((_cut(radius, chosen) for chosen in range(MAX_CHOSEN + 1)), key=lambda bands: bands.price(hashes, pairs))


def bands_for(hashes: int, pairs: int, radius: int) -> Bands:
    """The bands by which so many hashes, of which so many pairs can be made, are joined most cheaply.

    Raises ValueError for a radius outside 0..8.
    """
    if not 0 <= radius <= MAX_RADIUS:
        raise ValueError(f"The radius is 0 to {MAX_RADIUS}, not {radius}.")
    return _cheapest(hashes.bit_length(), pairs.bit_length(), radius)


def distances(left: Hashes, right: Hashes) -> NDArray[np.uint8]:
    """In how many bits the hashes of two arrays differ, place by place."""
    return np.asarray(np.bitwise_count(left ^ right), np.uint8)


def pairs_within(hashes: Hashes, radius: int) -> Iterator[Pairs]:
    """All pairs of different places, the smaller on the left, whose hashes differ in at most `radius` (0..8) bits.

    Each pair comes once. Equal hashes are pairs too: many of them make a number of pairs that grows with the square.
    """
    size = hashes.size
    bands = bands_for(size, size * (size - 1) // 2, radius)
    columns = _columns(hashes, bands)
    for done, choice in enumerate(bands.choices, 1):
        keys, order = _sorted(columns, choice, bands, size)
        last = np.flatnonzero(np.append(keys[1:] != keys[:-1], True)) + 1
        ends = np.repeat(last, np.diff(last, prepend=0))
        starts = np.arange(1, size + 1)
        ordered = hashes[order]
        for left, right in _close(ordered, ordered, starts, ends, choice, bands, radius):
            one, other = order[left], order[right]
            yield Pairs(np.minimum(one, other), np.maximum(one, other), (done - 1) / len(bands.choices))
        yield Pairs(_NONE, _NONE, done / len(bands.choices))


def pairs_between(left: Hashes, right: Hashes, radius: int) -> Iterator[Pairs]:
    """All pairs of a left and a right hash that differ in at most `radius` (0..8) bits; each comes once."""
    bands = bands_for(left.size + right.size, left.size * right.size, radius)
    left_columns, right_columns = _columns(left, bands), _columns(right, bands)
    for done, choice in enumerate(bands.choices, 1):
        left_keys, left_order = _sorted(left_columns, choice, bands, left.size)
        right_keys, right_order = _sorted(right_columns, choice, bands, right.size)
        starts = np.searchsorted(left_keys, right_keys, "left")
        ends = np.searchsorted(left_keys, right_keys, "right")
        for found, of in _close(left[left_order], right[right_order], starts, ends, choice, bands, radius):
            yield Pairs(left_order[found], right_order[of], (done - 1) / len(bands.choices))
        yield Pairs(_NONE, _NONE, done / len(bands.choices))


_NONE: Places = np.empty(0, np.intp)


def _columns(hashes: Hashes, bands: Bands) -> list[NDArray[np.uint64]]:
    """Each band's bits, as the smallest numbers."""
    return [(hashes & bands.mask(band)) >> np.uint64(low) for band, (low, _) in enumerate(bands.cuts)]


def _sorted(
    columns: list[NDArray[np.uint64]], choice: tuple[int, ...], bands: Bands, size: int
) -> tuple[NDArray[np.uint64], Places]:
    """The bits of the chosen bands, sorted, and whose they are."""
    # One sort of whole words is several times faster than an argsort: the place rides in the lower half.
    words = np.zeros(size, np.uint64)
    for band in choice:
        words <<= np.uint64(bands.cuts[band][1])
        words |= columns[band]
    words <<= np.uint64(KEY_BITS)
    words |= np.arange(size, dtype=np.uint64)
    words.sort()
    return words >> np.uint64(KEY_BITS), (words & np.uint64(2**KEY_BITS - 1)).astype(np.intp)


def _close(
    left: Hashes,
    right: Hashes,
    starts: Places,
    ends: Places,
    choice: tuple[int, ...],
    bands: Bands,
    radius: int,
) -> Iterator[tuple[Places, Places]]:
    """Of each right place with the left places `starts` to `ends`, the pairs that are close, step by step."""
    for left_places, right_places in _candidates(starts, ends):
        differing = left[left_places] ^ right[right_places]
        near = np.flatnonzero(np.bitwise_count(differing) <= radius)
        near = near[_first_met(differing[near], choice, bands)]
        yield left_places[near], right_places[near]


def _candidates(starts: Places, ends: Places) -> Iterator[tuple[Places, Places]]:
    """The pairs of each place with its range, at most `CANDIDATES` at a time."""
    some = np.flatnonzero(ends > starts)
    starts, counts = starts[some], ends[some] - starts[some]
    sums = np.cumsum(counts)
    total = int(sums[-1]) if sums.size else 0
    for begin in range(0, total, CANDIDATES):
        end = min(begin + CANDIDATES, total)
        first, last = np.searchsorted(sums, (begin, end - 1), "right")
        here = slice(first, last + 1)
        opening = sums[here] - counts[here]
        times = np.minimum(sums[here], end) - np.maximum(opening, begin)
        yield np.arange(begin, end) - np.repeat(opening - starts[here], times), np.repeat(some[here], times)


def _first_met(differing: Hashes, choice: tuple[int, ...], bands: Bands) -> NDArray[np.bool_]:
    """Whether this is the first choice of bands in which a pair agrees: the others bring it again."""
    first = np.ones(differing.size, np.bool_)
    for band in range(choice[-1] if choice else 0):
        if band not in choice:
            first &= (differing & bands.mask(band)) != 0
    return first


@functools.lru_cache(maxsize=MAX_RADIUS + 1)
def reach(radius: int) -> tuple[int, ...]:
    """Where all hashes within `radius` (0..8) bits of one are found, in an index of their bands of 22, 21 and 21 bits.

    Each number is a band, 0 for the highest bits, times 2**22, and the bits to turn in it. Of two hashes within 3a + b
    bits, either one of the first b + 1 bands differs in at most a bits or another in at most a - 1: were it otherwise,
    they would differ in (b + 1)(a + 1) + (2 - b)a > 3a + b.
    """
    if not 0 <= radius <= MAX_RADIUS:
        raise ValueError(f"The radius is 0 to {MAX_RADIUS}, not {radius}.")
    most, rest = divmod(radius, len(INDEXED))
    turned = (
        (band << INDEXED[0]) + sum(1 << bit for bit in bits)
        for band, width in enumerate(INDEXED)
        for count in range(most + (band <= rest))
        for bits in itertools.combinations(range(width), count)
    )
    return tuple(turned)
