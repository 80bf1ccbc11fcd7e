"""An image's near-duplicates: all of those that its viewer sees and that are near, and no others, nearest first."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from app.checks.hamming import reach
from app.checks.near_duplicates import MIRROR
from app.models.states import STORED
from app.values import Viewer
from tests.reading.test_parity import EVERY_PREDICATE
from tests.reading.world import ADMIN, OWNER, STRANGER, VIEWERS, World, ask, data

PICTURES = (0, -1, 0x0123_4567_89AB_CDEF, -(2**63), 0x0F0F_0F0F_0F0F_0F0F)
QUERY = """query($id: ID!, $distance: Int! = 4, $scope: NearDuplicateScope! = JOB, $mirrored: Boolean! = false,
    $first: Int, $after: String, $last: Int, $before: String) {
  image(id: $id) { nearDuplicates(distance: $distance, scope: $scope, mirrored: $mirrored, first: $first,
      after: $after, last: $last, before: $before) {
    totalCount nodes { databaseId } edges { cursor distance node { id downloadUrl crawlJob { project { id } } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


@dataclass(frozen=True)
class Shown:
    """An image as plain SQL shows it."""

    id: int
    job: int
    project: int
    owner: Any
    hash: int | None
    stored: bool


Images = Mapping[int, Shown]


@pytest_asyncio.fixture(scope="module")
async def images(rows: World) -> AsyncIterator[Images]:
    """The world's images, whose hashes lie in a few crowds."""
    from app.database import acquire

    chance = random.Random(3)
    async with acquire() as connection:
        for key in rows.images:
            await connection.execute("update images set phash = $2 where id = $1", key, near_a_picture(chance))
        found = await connection.fetch(
            "select i.id, i.crawl_job_id, j.project_id, p.user_id, i.phash, i.status from images i"
            " join crawl_jobs j on j.id = i.crawl_job_id join projects p on p.id = j.project_id"
        )
    yield {row[0]: Shown(row[0], row[1], row[2], row[3], row[4], row[5] in STORED) for row in found}


def near_a_picture(chance: random.Random) -> int | None:
    """A signed hash a few bits from a picture's; one in ten is not known."""
    if chance.random() < 0.1:
        return None
    found = chance.choice(PICTURES) % 2**64
    if chance.random() < 0.3:
        found ^= MIRROR
    for _ in range(chance.randrange(5)):
        found ^= 1 << chance.randrange(64)
    return found - 2**64 if found >= 2**63 else found


def expected(images: Images, of: int, distance: int, scope: str, *, mirrored: bool = False) -> list[tuple[int, int]]:
    """Distance and key of each near-duplicate, by comparing with every image."""
    one = images[of]
    place = "job" if scope == "JOB" else "project"
    found = []
    for other in images.values():
        if one.hash is None or other.hash is None or not other.stored or other.id == of:
            continue
        differing = (one.hash ^ other.hash) % 2**64
        apart = min((differing ^ turn).bit_count() for turn in ((0, MIRROR) if mirrored else (0,)))
        if apart <= distance and getattr(one, place) == getattr(other, place):
            found.append((apart, other.id))
    return sorted(found)


async def near(of: int, viewer: Viewer = ADMIN, **variables: Any) -> dict[str, Any]:
    """The page of an image's near-duplicates."""
    found = await data(QUERY, {"id": f"Image:{of}", **variables}, viewer)
    return dict(found["image"]["nearDuplicates"])


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("scope", ["JOB", "PROJECT"])
@pytest.mark.parametrize("distance", [0, 3, 4, 6, 8])
async def test_all_that_are_near_are_listed_nearest_first(
    images: Images, distance: int, scope: str, mirrored: bool
) -> None:
    some = 0
    for key in images:
        page = await near(key, distance=distance, scope=scope, mirrored=mirrored, first=100)
        listed = [(edge["distance"], int(edge["node"]["id"].partition(":")[2])) for edge in page["edges"]]
        assert listed == expected(images, key, distance, scope, mirrored=mirrored)
        assert [node["databaseId"] for node in page["nodes"]] == [key for _, key in listed]
        assert page["totalCount"] == len(listed)
        some += len(listed)
    assert some > 0


@pytest.mark.parametrize("viewer", [OWNER, STRANGER])
async def test_nobody_is_shown_another_persons_images(images: Images, viewer: Viewer) -> None:
    for key, one in images.items():
        answer = await data(QUERY, {"id": f"Image:{key}", "distance": 8, "scope": "PROJECT"}, viewer)
        if one.owner != viewer.id:
            assert answer["image"] is None
            continue
        for edge in answer["image"]["nearDuplicates"]["edges"]:
            assert images[int(edge["node"]["id"].partition(":")[2])].owner == viewer.id


async def test_every_way_to_answer_gives_the_same(images: Images) -> None:
    for key in list(images)[:40]:
        variables = {"id": f"Image:{key}", "distance": 6, "scope": "PROJECT", "first": 3}
        for viewer in VIEWERS:
            passed = await ask(QUERY, variables, viewer)
            assert passed["errors"] == []
            assert await ask(QUERY, variables, viewer, walked=True) == passed
            assert await ask(QUERY, variables, viewer, on=EVERY_PREDICATE) == passed


async def test_pages_from_both_ends_hold_each_once(images: Images) -> None:
    most = max(images, key=lambda key: len(expected(images, key, 8, "PROJECT")))
    whole = [key for _, key in expected(images, most, 8, "PROJECT")]
    assert len(whole) > 4
    forward: list[int] = []
    page = await near(most, distance=8, scope="PROJECT", first=2)
    while True:
        forward += [node["databaseId"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        page = await near(most, distance=8, scope="PROJECT", first=2, after=page["pageInfo"]["endCursor"])
    assert forward == whole
    last = await near(most, distance=8, scope="PROJECT", last=2)
    assert [node["databaseId"] for node in last["nodes"]] == whole[-2:]
    before = await near(most, distance=8, scope="PROJECT", last=2, before=last["pageInfo"]["startCursor"])
    assert [node["databaseId"] for node in before["nodes"]] == whole[-4:-2]


async def test_unless_told_it_looks_four_bits_far_in_the_job(images: Images) -> None:
    key = max(images, key=lambda key: len(expected(images, key, 4, "JOB")))
    found = await data(
        "query($id: ID!) { image(id: $id) { nearDuplicates { totalCount } } }", {"id": f"Image:{key}"}, ADMIN
    )
    assert found["image"]["nearDuplicates"]["totalCount"] == len(expected(images, key, 4, "JOB")) > 0


@pytest.mark.parametrize(("distance", "limit"), [(-1, "0"), (9, "8"), (2**31 - 1, "8")])
async def test_a_distance_that_is_not_offered_is_refused_with_its_limit(
    images: Images, distance: int, limit: str
) -> None:
    answer = await ask(QUERY, {"id": f"Image:{min(images)}", "distance": distance})
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["extensions"]["limit"]) == ("INVALID", limit)
    assert error["extensions"]["path"] == ["image", "nearDuplicates", "distance"]


async def test_the_look_up_asks_the_index_for_few_keys() -> None:
    assert [len(reach(distance)) for distance in range(9)] == [1, 2, 3, 25, 46, 67, 298, 508, 718]


async def test_near_duplicates_are_filtered_and_put_into_another_order(images: Images) -> None:
    of = max(images, key=lambda one: len(expected(images, one, 8, "PROJECT")))
    query = """query($id: ID!, $filter: ImageFilter, $order: [ImageOrder!]) { image(id: $id) { nearDuplicates(
      distance: 8, scope: PROJECT, first: 100, filter: $filter, orderBy: $order) {
      totalCount edges { distance node { databaseId status } } } } }"""

    async def asked(**variables: Any) -> list[tuple[int, int]]:
        found = await data(query, {"id": f"Image:{of}", **variables}, ADMIN)
        page = found["image"]["nearDuplicates"]
        assert page["totalCount"] == len(page["edges"])
        return [(edge["distance"], edge["node"]["databaseId"]) for edge in page["edges"]]

    everything = expected(images, of, 8, "PROJECT")
    valid = [one for one in everything if one in await asked(filter={"status": ["VALID"]})]
    assert 0 < len(valid) < len(everything)
    assert await asked(filter={"status": ["VALID"]}) == valid
    assert await asked(order=[{"field": "CREATED_AT"}]) != everything
    assert sorted(await asked(order=[{"field": "CREATED_AT"}])) == everything
