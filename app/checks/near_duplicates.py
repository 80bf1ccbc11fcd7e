"""Near-duplicates: of images that look alike, one is kept, and each of the others knows the one it repeats.

Images come in order of precedence. Whoever finds none before it that is kept and within the distance is kept; each of
the others belongs to the first such one. A group is thus a star around its keeper: a chain of small changes does not
tie its ends together, and an image's fate does not depend on how the work was split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.checks.hamming import Hashes, Pairs, Places, distances, pairs_between, pairs_within
from app.values import Issue, RefusalCode

PAIRS_A_HASH = 4
"""More close pairs than this for each hash, and a set is halved: its first half's keepers claim most of the second."""
SMALL = 512
"""Sets of so many hashes are not halved."""
MIRROR = 0xA2B8_6573_126E_5A28
"""The bits of a hash that a mirrored picture turns, hardly any others: those of the odd horizontal frequencies, whose
waves change their sign. See `app/fetching/phash.py`."""


class Keepers:
    """Who is kept, of hashes in order of precedence.

    The first `given` hashes are kept whatever they are, repeats among themselves too: they were kept before. With
    `mirrored`, what is near when one of the two is mirrored is near as well. Run `steps()` to its end, then read
    `keeper`, `distance` and `mirrored`.
    """

    def __init__(self, hashes: Hashes, radius: int, given: int = 0, *, mirrored: bool = False) -> None:
        self._radius = radius
        self._turns = (0, MIRROR) if mirrored else (0,)
        # Equal hashes share one fate, and a million of them make no pairs.
        _, firsts, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        order = np.argsort(firsts)
        rank = np.empty(order.size, np.intp)
        rank[order] = np.arange(order.size)
        self._hashes, self._given = hashes, given
        self._firsts: Places = firsts[order]
        self._of: Places = rank[inverse]
        self._distinct: Hashes = hashes[self._firsts]
        self._keeper = np.full(self._distinct.size, -1, np.intp)
        """Of each distinct hash, the place of its keeper's among them; -1 while it is not known."""

    def steps(self) -> Iterator[float]:
        """Work in steps of some milliseconds, each of which gives how far it has come, 0..1."""
        size = self._distinct.size
        given = int(np.searchsorted(self._firsts, self._given))
        # The given ones claim one another too: what equals one of them belongs to the first that is near.
        yield from self._claim(np.arange(given), np.arange(size))
        yield from self._settle(self._open(np.arange(given, size)))

    @property
    def keeper(self) -> Places:
        """For each hash, the place of the one that is kept for it: its own where it is kept."""
        found = self._firsts[self._keeper[self._of]]
        found[: self._given] = np.arange(self._given)
        return found

    @property
    def distance(self) -> NDArray[np.uint8]:
        """For each hash, in how many bits it differs from its keeper's, or from its keeper's mirrored."""
        keepers = self._hashes[self.keeper]
        found = distances(self._hashes, keepers)
        for turn in self._turns[1:]:
            found = np.minimum(found, distances(self._hashes, keepers ^ np.uint64(turn)))
        return found

    @property
    def mirrored(self) -> NDArray[np.bool_]:
        """For each hash, whether it is its keeper's mirrored that it is near to."""
        return np.asarray(distances(self._hashes, self._hashes[self.keeper]) > self.distance)

    def _done(self) -> float:
        return float(np.count_nonzero(self._keeper >= 0)) / max(1, self._keeper.size)

    def _open(self, places: Places) -> Places:
        return places[self._keeper[places] < 0]

    def _settle(self, places: Places) -> Iterator[float]:
        """Decide about places of which no keeper before them is near."""
        limit, count = _most_pairs(places.size), 0
        done, share = self._done(), places.size / max(1, self._keeper.size)
        left, right = [_NONE], [_NONE]
        for pairs in self._within(self._distinct[places]):
            left.append(pairs.left)
            right.append(pairs.right)
            count += pairs.left.size
            if count > limit:
                break
            yield done + share * pairs.share
        if count <= limit:
            yield from self._choose(places, np.concatenate(left), np.concatenate(right))
            return
        half = places.size // 2
        before, after = places[:half], places[half:]
        yield from self._settle(before)
        yield from self._claim(before[self._keeper[before] == before], after)
        yield from self._settle(self._open(after))

    def _claim(self, keepers: Places, places: Places) -> Iterator[float]:
        """Give each place that is near one of the keepers to the first of them."""
        if not (keepers.size and places.size):
            return
        limit, count, done = _most_pairs(keepers.size, places.size), 0, self._done()
        first = np.full(places.size, _NOBODY, np.intp)
        for pairs in self._between(self._distinct[keepers], self._distinct[places]):
            np.minimum.at(first, pairs.right, keepers[pairs.left])
            count += pairs.left.size
            if count > limit:
                break
            yield done
        if count <= limit:
            claimed = first != _NOBODY
            self._keeper[places[claimed]] = first[claimed]
            return
        half = keepers.size // 2
        yield from self._claim(keepers[:half], places)
        yield from self._claim(keepers[half:], self._open(places))

    def _within(self, hashes: Hashes) -> Iterator[Pairs]:
        """Near pairs of an array, the smaller place on the left; one that is near in both ways comes twice."""
        many = len(self._turns)
        for pairs in pairs_within(hashes, self._radius):
            yield Pairs(pairs.left, pairs.right, pairs.share / many)
        for turn in self._turns[1:]:
            for pairs in pairs_between(hashes, hashes ^ np.uint64(turn), self._radius):
                rising = pairs.left < pairs.right
                yield Pairs(pairs.left[rising], pairs.right[rising], (1 + pairs.share) / many)

    def _between(self, left: Hashes, right: Hashes) -> Iterator[Pairs]:
        """Near pairs of two arrays; one that is near in both ways comes twice."""
        for turn in self._turns:
            yield from pairs_between(left, right ^ np.uint64(turn), self._radius)

    def _choose(self, places: Places, left: Places, right: Places) -> Iterator[float]:
        """Keep, in order, whoever is near none that is kept before it; `left` comes before `right`."""
        order = np.lexsort((left, right))
        keeper = np.arange(places.size)
        kept = bytearray(b"\1") * places.size
        for begin in range(0, order.size, _PAIRS):
            part = order[begin : begin + _PAIRS]
            for one, other in zip(left[part].tolist(), right[part].tolist(), strict=True):
                if kept[one] and kept[other]:
                    kept[other] = 0
                    keeper[other] = one
            yield self._done()
        self._keeper[places] = places[keeper]


_NONE: Places = np.empty(0, np.intp)
_NOBODY = np.iinfo(np.intp).max
_PAIRS = 2**16


def _most_pairs(keepers: int, places: int = 0) -> int:
    """Close pairs beyond which a set is halved."""
    return _NOBODY if keepers <= SMALL else PAIRS_A_HASH * (keepers + places)


Ids = NDArray[np.int64]


def by_precedence(jobs: Ids, areas: Ids, sizes: Ids, ids: Ids) -> Places:
    """The order in which images are kept: the older job's, the larger in pixels, in bytes, the one found first."""
    return np.lexsort((ids, -sizes, -areas, jobs))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison found about some images; `ids` ascend, the other arrays say of each what stands against it."""

    ids: Ids
    keepers: Ids
    """The image that is kept for it: 0 where nothing stands against it, -1 where its hash is not known."""
    distances: NDArray[np.uint8]
    """In how many bits its hash differs from its keeper's, or from its keeper's mirrored."""
    mirrored: NDArray[np.bool_]
    """Whether it is its keeper's mirrored."""
    limit: int
    """The greatest distance of near-duplicates, bits."""

    def issue_of(self, image_id: int) -> Issue | None:
        """What stands against an image; nothing too where it was not compared."""
        place = int(np.searchsorted(self.ids, image_id))
        if place == self.ids.size or self.ids[place] != image_id or self.keepers[place] == 0:
            return None
        keeper, limit = int(self.keepers[place]), str(self.limit)
        if keeper < 0:
            return Issue(RefusalCode.NEAR_DUPLICATE, "Its perceptual hash is not known.", "unknown", limit)
        turned = ", mirrored" if self.mirrored[place] else ""
        measured = f"distance {self.distances[place]} to Image:{keeper}{turned}"
        return Issue(RefusalCode.NEAR_DUPLICATE, "It looks like an image that is kept.", measured, limit)
