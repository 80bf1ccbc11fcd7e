"""Of images that look alike one is kept; which one depends on their order and their bits, and on nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.checks import hamming, near_duplicates
from app.checks.hamming import MAX_CHOSEN, MAX_RADIUS, pairs_between, pairs_within
from app.checks.near_duplicates import MIRROR, Keepers
from app.fetching.phash import hash_of, shrink
from tests.stand_ins.pictures import picture

RADII = st.integers(0, MAX_RADIUS)
BITS = st.integers(0, 2**64 - 1)


@st.composite
def crowds(draw: st.DrawFn, most: int = 60) -> list[int]:
    """Hashes of which many lie near one another, as those of real images do: a few pictures, each a little changed."""
    pictures = draw(st.lists(BITS, min_size=1, max_size=6))
    flips = st.lists(st.integers(0, 63), max_size=10)
    changed = draw(st.lists(st.tuples(st.sampled_from(pictures), flips), max_size=most))
    found = list(pictures)
    for shown, places in changed:
        for place in places:
            shown ^= 1 << place
        found.append(shown)
    return draw(st.permutations(found))


def array(hashes: list[int]) -> hamming.Hashes:
    return np.array(hashes, np.uint64)


def apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def hashed(shown: Image.Image) -> int:
    return hash_of(shrink(shown.convert("L"))) % 2**64


def kept_one_by_one(hashes: list[int], radius: int, given: int = 0, *, mirrored: bool = False) -> list[int]:
    """The rule as it is told: in order, whoever finds none before it that is kept and near is kept."""
    keepers = list(range(given))
    found = list(range(given))
    for place in range(given, len(hashes)):
        turns = (0, MIRROR) if mirrored else (0,)
        near = [k for k in keepers if min(apart(hashes[k], hashes[place] ^ turn) for turn in turns) <= radius]
        found.append(near[0] if near else place)
        if not near:
            keepers.append(place)
    return found


def kept(hashes: list[int], radius: int, given: int = 0) -> list[int]:
    search = Keepers(array(hashes), radius, given)
    shares = list(search.steps())
    assert all(0 <= share <= 1 for share in shares)
    assert search.distance.tolist() == [apart(one, hashes[k]) for one, k in zip(hashes, search.keeper, strict=True)]
    return [int(place) for place in search.keeper]


@pytest.fixture(params=range(MAX_CHOSEN + 1), ids=lambda chosen: f"{chosen} bands chosen")
def bands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way to cut the bits, whatever would be cheapest; small steps, so that every seam is met."""
    monkeypatch.setattr(hamming, "bands_for", lambda _hashes, _pairs, radius: hamming._cut(radius, request.param))
    monkeypatch.setattr(hamming, "CANDIDATES", 7)


@pytest.mark.usefixtures("bands")
@settings(deadline=None)
@given(crowds(), RADII)
def test_all_pairs_within_the_distance_are_found_once_and_no_others(hashes: list[int], radius: int) -> None:
    found = [pair for step in pairs_within(array(hashes), radius) for pair in zip(step.left, step.right, strict=True)]
    places = itertools.combinations(range(len(hashes)), 2)
    assert sorted(found) == [(i, j) for i, j in places if apart(hashes[i], hashes[j]) <= radius]


@pytest.mark.usefixtures("bands")
@settings(deadline=None)
@given(crowds(30), crowds(30), RADII)
def test_all_pairs_between_two_sets_are_found_once_and_no_others(
    left: list[int], right: list[int], radius: int
) -> None:
    right = right + left[:3]
    steps = pairs_between(array(left), array(right), radius)
    found = [pair for step in steps for pair in zip(step.left, step.right, strict=True)]
    places = itertools.product(range(len(left)), range(len(right)))
    assert sorted(found) == [(i, j) for i, j in places if apart(left[i], right[j]) <= radius]


@settings(deadline=None)
@given(crowds(), RADII, st.integers(0, 20))
def test_an_image_is_kept_unless_one_before_it_is_kept_and_near(hashes: list[int], radius: int, given: int) -> None:
    given = min(given, len(hashes))
    assert kept(hashes, radius, given) == kept_one_by_one(hashes, radius, given)


@settings(deadline=None)
@given(crowds(), st.lists(st.integers(0, 60)), RADII, st.integers(0, 20))
def test_a_mirrored_image_is_near_where_that_is_asked(
    hashes: list[int], mirrored: list[int], radius: int, given: int
) -> None:
    hashes = hashes + [hashes[place] ^ MIRROR for place in mirrored if place < len(hashes)]
    given = min(given, len(hashes))
    search = Keepers(array(hashes), radius, given, mirrored=True)
    assert all(0 <= share <= 1 for share in search.steps())
    assert search.keeper.tolist() == kept_one_by_one(hashes, radius, given, mirrored=True)
    for place, keeper in enumerate(search.keeper):
        as_it_is, turned = apart(hashes[place], hashes[keeper]), apart(hashes[place], hashes[keeper] ^ MIRROR)
        assert (search.distance[place], search.mirrored[place]) == (min(as_it_is, turned), turned < as_it_is)


def test_the_bits_that_a_mirror_turns_are_those_of_the_hash_that_is_taken() -> None:
    for seed in range(20):
        shown = picture(320, 240, seed)
        one, other = hashed(shown), hashed(shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
        assert apart(one, other ^ MIRROR) <= 1
        assert apart(one, other) > 16


def test_a_picture_whose_edges_were_cut_off_is_near_and_another_is_not() -> None:
    shown = [picture(400, 300, seed) for seed in range(20)]
    cut = [one.crop((6, 4, 394, 296)) for one in shown]
    assert max(apart(hashed(one), hashed(other)) for one, other in zip(shown, cut, strict=True)) <= MAX_RADIUS
    assert min(apart(hashed(one), hashed(other)) for one, other in itertools.combinations(shown, 2)) > 2 * MAX_RADIUS


@settings(deadline=None)
@given(crowds(), RADII, st.integers(0, 20))
def test_splitting_a_crowd_changes_nothing(hashes: list[int], radius: int, given: int) -> None:
    given = min(given, len(hashes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "SMALL", 3)
        patch.setattr(near_duplicates, "PAIRS_A_HASH", 0)
        assert kept(hashes, radius, given) == kept_one_by_one(hashes, radius, given)


def test_a_chain_of_small_changes_does_not_tie_its_ends_together() -> None:
    first, second, third = 0, 0b111, 0b111111
    assert kept([first, second, third], 3) == [0, 0, 2]
    assert kept([second, first, third], 3) == [0, 0, 0]


def test_of_two_that_are_kept_and_near_the_first_is_the_keeper() -> None:
    assert kept([0b1111, 0b11110000, 0b11111], 4) == [0, 1, 0]


def test_equal_hashes_are_one_group_however_many_they_are() -> None:
    hashes = [7] * 200_000 + [0] * 200_000
    assert kept(hashes, 2) == [0] * 200_000 + [200_000] * 200_000
    assert kept([7] * 200_000, 0) == [0] * 200_000


def test_a_dense_crowd_needs_no_pairs_of_everyone_with_everyone() -> None:
    random = np.random.default_rng(1)
    hashes = np.zeros(30_000, np.uint64)
    for _ in range(3):
        hashes ^= np.uint64(1) << random.integers(0, 64, hashes.size, np.uint64)
    search = Keepers(hashes, 6)
    assert sum(1 for _ in search.steps()) < 2_000
    assert (search.distance <= 6).all()
    assert np.unique(search.keeper).size < 50


def test_a_dense_crowd_that_was_kept_before_claims_without_pairs_of_everyone_with_everyone() -> None:
    random = np.random.default_rng(2)
    hashes = np.uint64(1) << random.integers(0, 64, 20_000, np.uint64) ^ random.integers(0, 512, 20_000, np.uint64)
    search = Keepers(hashes, 8, given=10_000)
    assert sum(1 for _ in search.steps()) < 2_000
    assert (search.keeper[10_000:] < 10_000).all()


def test_nothing_to_compare_is_nothing_found() -> None:
    assert kept([], 4) == []
    assert list(pairs_between(array([]), array([1]), 4))[-1].left.size == 0


@pytest.mark.parametrize("radius", [-1, 9])
def test_a_distance_that_is_not_offered_is_refused(radius: int) -> None:
    with pytest.raises(ValueError, match="0 to 8"):
        list(pairs_within(array([1, 2]), radius))
