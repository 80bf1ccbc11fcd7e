"""The stock photo sites: off unless enabled, and then fair by keyword, complete, patient, and clear about terms."""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources.base import Page, Source
from app.sources.pexels import Pexels
from app.sources.pixabay import Pixabay
from app.sources.unsplash import Unsplash
from app.values import Candidate, Provenance
from tests.sources.asking import Asked, urls
from tests.stand_ins import pexels, pixabay, unsplash
from tests.stand_ins.keyword_api import KeywordApi, throttled


@dataclass
class Site:
    """A site and its stand-in."""

    source: Source
    made_by: ModuleType
    stand_in: type[KeywordApi]
    page_size: int
    list_field: str

    def serve(self, photos: list[dict[str, Any]], faults: list[web.Response] | None = None) -> KeywordApi:
        return self.stand_in(photos, faults or [])

    def asked(self, server: Any, **settings: Any) -> Asked:
        name = self.source.name
        return Asked(self.source, **({f"{name}_url": server.url, f"{name}_key": self.made_by.KEY} | settings))

    def photo(self, number: int, keyword: str, **values: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.made_by.photo(number, keyword, **values)
        return made

    def photos(self, keyword: str, count: int) -> list[dict[str, Any]]:
        return [self.photo(number, keyword) for number in range(count)]


SITES = [
    Site(Pexels(), pexels, pexels.PexelsStandIn, 80, "photos"),
    Site(Pixabay(), pixabay, pixabay.PixabayStandIn, 100, "hits"),
    Site(Unsplash(), unsplash, unsplash.UnsplashStandIn, 30, "results"),
]
each_site = pytest.mark.parametrize("site", SITES, ids=lambda site: site.source.name)


@each_site
async def test_keywords_take_turns_until_each_has_run_dry(site: Site) -> None:
    size = site.page_size
    photos = site.photos("cat", size * 2 + 5) + site.photos("dog", 12)
    async with site.serve(photos) as server:
        one = site.asked(server)
        found = await one.pages("cat", "dog")
        await one.check_every_cursor("cat", "dog", "bird")
    assert [(page.candidates[0].keyword, len(page.candidates)) for page in found] == [
        ("cat", size), ("dog", 12), ("cat", size), ("cat", 5),
    ]  # fmt: skip
    assert len(set(urls(found))) == len(photos)


@each_site
async def test_nothing_found_is_the_end(site: Site) -> None:
    async with site.serve([]) as server:
        assert await site.asked(server).pages("cat") == [Page((), None, total=0)]
    assert len(server.requests) == 1


@each_site
async def test_a_photo_that_stands_on_two_pages_and_one_that_is_gone_come_as_they_are(site: Site) -> None:
    """One image of the job per address, and what is dead, is found out where images are stored and fetched."""
    photos = site.photos("cat", site.page_size)
    async with site.serve([*photos, photos[0]]) as server:
        found = urls(await site.asked(server).pages("cat"))
    assert found[0] == found[-1]


@each_site
async def test_narrow_photos_are_left_and_unknown_widths_are_not(site: Site) -> None:
    field = "imageWidth" if site.source.name == "pixabay" else "width"
    photos = [site.photo(number, "cat", **{field: width}) for number, width in enumerate([300, 900, None])]
    async with site.serve(photos) as server:
        found = await site.asked(server).pages("cat", min_width=500)
        assert urls(found) == urls(await site.asked(server).pages("cat"))[1:]


@each_site
async def test_what_is_null_is_absent_and_what_has_no_address_is_left(site: Site) -> None:
    nulls = {name: None for name in site.photo(1, "cat") if name not in ("keywords", "src", "urls", "largeImageURL")}
    nowhere = {name: None for name in ("src", "urls", "largeImageURL", "webformatURL")}
    async with site.serve([site.photo(1, "cat", **nulls), site.photo(2, "cat", **nowhere)]) as server:
        ((candidate,),) = [page.candidates for page in await site.asked(server).pages("cat")]
    told = candidate.provenance
    assert (told.title, told.creator, told.creator_url, told.landing_url, told.attribution) == (None,) * 5
    assert told.license == site.source.name


@each_site
async def test_pauses_are_waited_out_and_a_long_one_is_told(site: Site) -> None:
    faults = [throttled(7), web.Response(status=502), web.Response(text="<html>", content_type="text/html")]
    async with site.serve(site.photos("cat", 3), faults) as server:
        one = site.asked(server)
        assert len(urls(await one.pages("cat"))) == 3
        server.faults.append(throttled(3_000))
        assert (await one.trouble("cat")).retry_after_s == 3_000
    assert one.waits.seconds == [7, 2, 4]


@each_site
async def test_a_limit_that_says_when_it_is_renewed_is_waited_for_until_then(site: Site) -> None:
    soon = web.json_response({}, status=429, headers={"X-RateLimit-Reset": "30"})
    late = web.json_response({}, status=429, headers={"X-RateLimit-Reset": str(int(time.time()) + 3_000)})
    async with site.serve(site.photos("cat", 3), [soon, late]) as server:
        one = site.asked(server)
        trouble = await one.trouble("cat")
    assert (one.waits.seconds, round(trouble.retry_after_s or 0, -2)) == ([30], 3_000)


@each_site
async def test_a_key_that_is_refused_is_told_at_once_and_never_shown(site: Site) -> None:
    name = site.source.name
    async with site.serve(site.photos("cat", 3)) as server:
        trouble = await site.asked(server, **{f"{name}_key": "wrong-key"}).trouble("cat")
    assert (len(server.requests), "wrong-key" in trouble.message) == (1, False)
    assert f"PIXCRAWLER_{name.upper()}_KEY" in trouble.message


@each_site
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: throttled(None), "enough of our requests"),
        (lambda: web.Response(status=503), "it answered 503"),
        (lambda: web.Response(text="{"), "not JSON"),
        (lambda: web.json_response([]), "something else than a page of results"),
        (
            lambda: web.json_response({"errors": ["Query is spam"]}, status=410),
            "refused the query (410): Query is spam",
        ),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(site: Site, fault: Any, message: str) -> None:
    async with site.serve(site.photos("cat", 3), [fault() for _ in range(4)]) as server:
        assert message in (await site.asked(server).trouble("cat")).message


@each_site
def test_it_is_off_until_who_runs_it_says_otherwise_knowing_its_terms(site: Site) -> None:
    name = site.source.name
    key: dict[str, Any] = {f"{name}_key": "k"}
    switch: dict[str, Any] = {f"{name}_enabled": True}
    off, reason = site.source.available(Settings(**key))
    assert (off, f"PIXCRAWLER_{name.upper()}_ENABLED=true" in str(reason), "its terms" in str(reason)) == (
        False,
        True,
        True,
    )
    keyless = site.source.available(Settings(**switch))
    assert keyless == (False, f"{site.source.title} answers only with a key: set PIXCRAWLER_{name.upper()}_KEY.")
    assert site.source.available(Settings(**switch, **key)) == (True, None)
    assert site.source.terms.startswith("https://")


@each_site
@pytest.mark.parametrize(
    ("options", "path"), [({"orientation": "upright"}, ("orientation",)), ({"min_width": -1}, ("minWidth",))]
)
def test_wrong_options_name_their_field(site: Site, options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        site.source.check(options)
    assert caught.value.path == path


@each_site
async def test_orientation_is_asked_for_in_the_sites_own_word(site: Site) -> None:
    async with site.serve(site.photos("cat", 3)) as server:
        await site.asked(server).pages("cat", orientation="portrait")
    word = "vertical" if site.source.name == "pixabay" else "portrait"
    assert server.requests[0]["orientation"] == word


async def test_a_candidate_of_pexels() -> None:
    site = SITES[0]
    async with site.serve(site.photos("cat", 1)) as server:
        (page,) = await site.asked(server).pages("cat")
    at = "https://images.photos.example/photos/0/cat.jpeg"
    extra = {"id": 0, "width": 4000, "height": 3000, "thumbnail": f"{at}?h=350"}
    assert page.candidates == (
        Candidate(
            at,
            "cat",
            Provenance(
                "pexels", "https://photos.example/photo/cat-0/", "A cat, the 0th", "Ann Example",
                "https://photos.example/@ann", "pexels", "https://www.pexels.com/license/",
                "Photo by Ann Example on Pexels", extra,
            ),
        ),
    )  # fmt: skip


async def test_pixabay_is_read_to_its_depth_and_a_page_that_went_away_is_the_end() -> None:
    site = SITES[1]
    async with site.serve(site.photos("cat", 700)) as server:
        one = site.asked(server)
        found = await one.pages("cat")
        assert (len(urls(found)), len(server.requests)) == (500, 5)
        assert await one.pages("cat", cursor={"states": [9], "turn": 0}) == [Page((), None)]
    told = found[0].candidates[0].provenance
    assert (told.creator_url, told.license_url) == (
        "https://pixabay.com/users/Ann%20Example-48777/", "https://pixabay.com/service/license-summary/",
    )  # fmt: skip
    assert found[0].candidates[0].url.endswith("_1280.jpg")


async def test_unsplash_keeps_where_a_use_is_to_be_told_and_says_403_when_its_limit_is_used_up() -> None:
    site = SITES[2]
    used_up = [web.Response(status=403, text="Rate Limit Exceeded") for _ in range(4)]
    async with site.serve(site.photos("cat", 1), used_up) as server:
        one = site.asked(server)
        assert "enough of our requests" in (await one.trouble("cat")).message
        (page,) = await one.pages("cat")
    told = page.candidates[0].provenance
    assert told.extra is not None
    assert told.extra["download_location"] == "https://api.photos.example/photos/0/download?ixid=abc"
    assert page.candidates[0].url == "https://images.photos.example/photo-cat-0?ixid=abc&q=85"
    assert (told.title, told.creator_url) == ("A cat, the 0th", "https://photos.example/@ann")
