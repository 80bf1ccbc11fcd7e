"""Photos from Flickr: openly licensed ones, the whole of what a keyword has, and in the size that is wanted."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources import flickr
from app.sources.flickr import Flickr
from app.values import Candidate, Provenance
from tests.sources.asking import Asked, urls
from tests.stand_ins.flickr import KEY, FlickrStandIn, failed, photo
from tests.stand_ins.keyword_api import throttled

CATS = [photo(number, "cat") for number in range(250)]
DOGS = [photo(number, "dog") for number in range(300, 312)]


def asked(server: FlickrStandIn, **settings: Any) -> Asked:
    return Asked(Flickr(), **({"flickr_url": server.url, "flickr_key": KEY} | settings))


async def test_keywords_take_turns_until_each_has_run_dry() -> None:
    async with FlickrStandIn(CATS + DOGS) as server:
        found = await asked(server).pages("cat", "dog")
    assert [(page.candidates[0].keyword, len(page.candidates)) for page in found] == [
        ("cat", 100), ("dog", 12), ("cat", 100), ("cat", 50),
    ]  # fmt: skip
    assert sorted(urls(found)) == sorted(one["url_l"] for one in CATS + DOGS)


async def test_any_cursor_continues_where_its_page_ended() -> None:
    async with FlickrStandIn(CATS + DOGS) as server:
        await asked(server).check_every_cursor("cat", "dog", "bird")


async def test_what_lies_beyond_the_depth_of_one_search_is_found_by_time_of_upload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flickr, "DEPTH", 300)
    monkeypatch.setattr(flickr, "WINDOW_DEPTH", 250)
    many = [photo(number, "cat", dateupload=str(1_300_000_000 + number * 100_000)) for number in range(1_000)]
    async with FlickrStandIn(many, depth=300) as server:
        one = asked(server)
        found = await one.pages("cat")
        assert await one.pages("cat", cursor=found[9].cursor) == found[10:]
    assert set(urls(found)) == {one["url_l"] for one in many}
    assert urls(found)[:300] == [one["url_l"] for one in many[:300]]
    assert len(found) < 40


async def test_a_candidate_carries_its_owner_and_its_license() -> None:
    async with FlickrStandIn([photo(1, "cat")]) as server:
        (page,) = await asked(server).pages("cat")
    assert page.candidates == (
        Candidate(
            "https://live.photos.example/65535/cat-1_b.jpg",
            "cat",
            Provenance(
                source="flickr",
                landing_url="https://www.flickr.com/photos/ann/1",
                title="A cat, the 1th",
                creator="Ann Example",
                creator_url="https://www.flickr.com/photos/ann",
                license="by 2.0",
                license_url="https://creativecommons.org/licenses/by/2.0/",
                extra={
                    "id": "1",
                    "thumbnail": "https://live.photos.example/65535/cat-1_n.jpg",
                    "description": "A cat",
                    "tags": "cat",
                    "width": 1024,
                },
            ),
        ),
    )


async def test_what_flickr_does_not_know_is_absent() -> None:
    nothing = photo(1, "cat", title="", ownername=None, pathalias=None, owner=None, description=None, width_l=None)
    without = photo(2, "cat", url_l=None, url_z=None, url_n=None)
    async with FlickrStandIn([nothing, without, photo(3, "cat", pathalias="", owner="1@N0/x")]) as server:
        (page,) = await asked(server).pages("cat")
    first, third = (candidate.provenance for candidate in page.candidates)
    assert (first.title, first.creator, first.creator_url, first.landing_url) == (None, None, None, None)
    assert third.landing_url == "https://www.flickr.com/photos/1@N0%2Fx/3"


async def test_photos_with_all_rights_reserved_are_not_sought() -> None:
    photos = [photo(number, "cat", license=str(number)) for number in range(17)]
    async with FlickrStandIn(photos) as server:
        everything = await asked(server).pages("cat")
        some = await asked(server).pages("cat", license=["cc0", "by"], match="tags")
    assert [candidate.provenance.license for candidate in everything[0].candidates].count(None) == 0
    assert len(urls(everything)) == 15
    assert [candidate.provenance.license for candidate in some[0].candidates] == ["by 2.0", "cc0 1.0", "by 4.0"]
    assert (server.requests[1]["tags"], server.requests[1]["license"]) == ("cat", "4,9,11")


@pytest.mark.parametrize(("width", "suffix"), [(None, "b"), (500, "z"), (640, "z"), (641, "b"), (5_000, "b"), (1, "n")])
async def test_the_rendition_is_the_smallest_that_is_wide_enough(width: int | None, suffix: str) -> None:
    async with FlickrStandIn([photo(1, "cat"), photo(2, "cat", width_l=900)]) as server:
        options = {} if width is None else {"rendition_width": width}
        assert urls(await asked(server).pages("cat", min_width=1_000, **options)) == [
            f"https://live.photos.example/65535/cat-1_{suffix}.jpg"
        ]


async def test_troubles_that_pass_are_waited_for() -> None:
    async with FlickrStandIn(DOGS, [failed(105, "Service currently unavailable"), throttled(9)]) as server:
        one = asked(server)
        assert len(urls(await one.pages("dog"))) == 12
    assert one.waits.seconds == [1, 9]


async def test_a_key_that_is_refused_is_told_at_once_and_never_shown() -> None:
    async with FlickrStandIn(DOGS) as server:
        trouble = await asked(server, flickr_key="wrong-key").trouble("dog")
    assert (len(server.requests), "PIXCRAWLER_FLICKR_KEY" in trouble.message) == (1, True)
    async with FlickrStandIn(DOGS, [web.HTTPFound(f"/services/rest/?api_key={KEY}") for _ in range(99)]) as server:
        assert KEY not in (await asked(server).trouble("dog")).message


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: throttled(None), "enough of our requests"),
        (lambda: web.Response(status=500), "it answered 500"),
        (lambda: web.Response(text="jsonFlickrApi({})"), "not JSON"),
        (lambda: failed(3, "Parameterless searches have been disabled"), "refused the query (3): Parameterless"),
        (lambda: failed(201, "Sorry, the Flickr API service is not currently available."), "not currently available"),
        (lambda: web.json_response({"stat": "ok", "photos": []}), "something else than photos"),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str) -> None:
    async with FlickrStandIn(DOGS, [fault() for _ in range(4)]) as server:
        assert message in (await asked(server).trouble("dog")).message


def test_without_a_key_it_says_which_setting_is_missing() -> None:
    assert Flickr().available(Settings()) == (False, "Flickr answers only with a key: set PIXCRAWLER_FLICKR_KEY.")
    assert Flickr().available(Settings(flickr_key=KEY)) == (True, None)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"license": ["all rights reserved"]}, ("license", "0")),
        ({"match": "title"}, ("match",)),
        ({"rendition_width": True}, ("renditionWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        Flickr().check(options)
    assert caught.value.path == path
