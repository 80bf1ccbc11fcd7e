"""Which workers a host's images go to: each worker that fetches has an arc of a ring on which every host has its place.

Chunks are made of hosts that lie close together, as far as rows come together, and a worker takes those of its own arc
first, then those next to it. So a host meets few workers, which have connections to it, its address and its rules
already; yet nobody waits while there is work, and nothing is wrong where workers have come or gone since.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PARTS = 4
"""Into so many parts a worker's hosts are divided, as far as there are chunks: it has a chunk of each under way, as a
rule, hence all of its hosts."""
PLACES = 2**32


@dataclass(frozen=True, slots=True)
class Seat:
    """A worker's place on the ring: arc `number`, from 0, of `of` arcs of equal length."""

    number: int = 0
    of: int = 1

    def nearest(self, chunks: Iterable[tuple[int, str]]) -> int:
        """Of at least one chunk, each with a URL of its rows, the first of the arc's hosts, else the one next to it."""
        return min(chunks, key=lambda one: (self._apart(place_of(one[1])), one[0]))[0]

    def _apart(self, place: int) -> float:
        """How far outside the arc that is, in arcs."""
        middle = abs(place * self.of / PLACES - self.number - 0.5)
        return max(0.0, min(middle, self.of - middle) - 0.5)


def place_of(url: str) -> int:
    """The place, below PLACES, of the URL's host with its port; a host that is spelled in two ways has two."""
    host = url.partition("://")[2].partition("/")[0]
    return zlib.crc32(host.lower().encode())


def numbered(urls: Sequence[str], first: int, size: int, workers: int) -> list[int]:
    """The number of each URL's chunk: from `first` on, none left out, each but one of `size` URLs.

    Neighbors on the ring share chunks, `PARTS` times as many sorts of chunks as there are workers; within a sort the
    URLs keep their order, so that a chunk has as many hosts as it can. The sorts take turns in the order of chunks.
    """
    chunks = math.ceil(len(urls) / size)
    if workers == 1 or chunks <= 1:
        return [first + place // size for place in range(len(urls))]
    span = math.ceil(chunks / (PARTS * workers)) * size
    along, cuts = sorted(range(len(urls)), key=lambda at: place_of(urls[at])), [(0, 0)] * len(urls)
    for start in range(0, len(urls), span):
        for place, at in enumerate(sorted(along[start : start + span])):
            cuts[at] = place // size, start
    numbers = {cut: number for number, cut in enumerate(sorted(set(cuts)), first)}
    return [numbers[cut] for cut in cuts]
