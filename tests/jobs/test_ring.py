"""Chunks by host: which rows share a chunk, and which chunk a worker takes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import pytest

from app.jobs.ring import PARTS, PLACES, Seat, numbered, place_of

URLS = [f"https://images-{number % 40}.example.org/{number}.jpg" for number in range(5_000)]


@pytest.mark.parametrize("workers", [1, 2, 4, 7, 40, 1_000])
def test_chunks_are_numbered_without_gaps_and_never_too_large(workers: int) -> None:
    sizes = Counter(numbered(URLS, 8, 300, workers))
    assert sorted(sizes) == list(range(8, 8 + len(sizes)))
    assert max(sizes.values()) <= 300
    assert len(sizes) == math.ceil(len(URLS) / 300)


def test_for_one_worker_chunks_are_as_the_rows_come() -> None:
    assert numbered(URLS, 1, 300, 1) == [1 + place // 300 for place in range(len(URLS))]


def test_a_host_is_in_few_chunks_and_a_chunk_has_several_hosts() -> None:
    chunks, hosts = defaultdict[str, set[int]](set), defaultdict[int, set[str]](set)
    for url, number in zip(URLS, numbered(URLS, 1, 300, 4), strict=True):
        chunks[url.split("/")[2]].add(number)
        hosts[number].add(url.split("/")[2])
    assert max(map(len, chunks.values())) <= 3
    assert min(map(len, hosts.values())) >= 2


def test_small_chunks_have_all_hosts_of_their_part_not_one_host_each() -> None:
    hosts = defaultdict[int, set[str]](set)
    for url, number in zip(URLS, numbered(URLS, 1, 25, 4), strict=True):
        hosts[number].add(url.split("/")[2])
    assert sum(map(len, hosts.values())) >= 2 * len(hosts)


def test_neighboring_numbers_are_chunks_of_different_hosts() -> None:
    numbers, parts = numbered(URLS, 0, 25, 4), 4 * PARTS
    first = [{url for url, number in zip(URLS, numbers, strict=True) if number == chunk} for chunk in range(parts)]
    places = [max(place_of(url) for url in chunk) for chunk in first]
    assert places == sorted(places)


def test_every_worker_has_hosts_and_a_host_is_the_same_in_all_its_addresses() -> None:
    hosts = Counter(place_of(f"https://images-{number}.example.org/") * 4 // PLACES for number in range(400))
    assert all(70 < hosts[arc] < 130 for arc in range(4))
    assert len({place_of(url) for url in ("https://Example.org/a.jpg", "http://example.org")}) == 1


def test_nothing_that_was_found_is_no_chunk() -> None:
    assert numbered([], 1, 300, 4) == []


def test_a_worker_takes_its_own_hosts_in_order_and_then_those_next_to_them() -> None:
    along = sorted({place_of(url): url for url in URLS}.items())
    chunks = list(enumerate(url for _, url in along))
    order = []
    while chunks:
        number = Seat(1, 4).nearest(chunks)
        order.append(number)
        chunks = [one for one in chunks if one[0] != number]
    own = [number for number, (place, _) in enumerate(along) if place * 4 // PLACES == 1]
    assert order[: len(own)] == own
    assert set(order[len(own) : len(own) + 2]) <= {own[0] - 2, own[0] - 1, own[-1] + 1, own[-1] + 2}
    assert Seat().nearest([(7, "no address"), (3, "")]) == 3
