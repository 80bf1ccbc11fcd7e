"""Candidates from the operator's own SearXNG: to its end and no further, and its silence told from it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources.searxng import Searxng
from tests.sources.asking import Asked, urls
from tests.stand_ins.searxng import SearxngStandIn, limited, no_json, result

CATS = [result(number, "cat") for number in range(24)]
DOGS = [result(number, "dog") for number in range(12)]
DOUBLE = result(30, "cat", img_src=CATS[3]["img_src"])


async def test_keywords_take_turns_to_the_empty_page_of_each() -> None:
    async with SearxngStandIn([*CATS, DOUBLE, *DOGS]) as server:
        asked = Asked(Searxng(), searxng_url=server.url)
        found = await asked.pages("cat", "dog")
        await asked.check_every_cursor("cat", "dog")
    assert [(page.candidates[0].keyword if page.candidates else None, len(page.candidates)) for page in found] == [
        ("cat", 10), ("dog", 10), ("cat", 10), ("dog", 2), ("cat", 5), (None, 0), (None, 0),
    ]  # fmt: skip
    assert found[-1].cursor is None
    assert sorted(set(urls(found))) == sorted(one["img_src"] for one in CATS + DOGS)
    assert set(asked.waits.seconds) == {1.0}


async def test_a_candidate_says_where_it_was_found_and_nothing_about_a_license() -> None:
    async with SearxngStandIn([result(1, "cat", title="A <b>cat</b> &amp; more")]) as server:
        page, _ = await Asked(Searxng(), searxng_url=server.url).pages("cat")
    (found,) = page.candidates
    assert found.provenance.as_json() == {
        "source": "searxng",
        "landing_url": "https://pages.example/cat-1",
        "title": "A cat & more",
        "creator": "Ann Example",
        "extra": {
            "engine": "bing images",
            "source": "images.example",
            "img_format": "jpeg",
            "filesize": "1.2 MB",
            "resolution": "1920 x 1080",
            "engines": ["bing images", "flickr"],
            "thumbnail": "https://thumbs.example/cat-1.jpg",
            "width": 1920,
            "height": 1080,
        },
    }


async def test_odd_results_are_read_or_left_out() -> None:
    names = ["title", "author", "resolution", "thumbnail_src", "engines", "filesize"]
    odd = [
        result(1, "cat", img_src="//images.example/1.jpg", **dict.fromkeys(names)),
        result(2, "cat", img_src="data:image/png;base64,AAAA"),
        result(3, "cat", img_src=None),
        result(4, "cat", resolution="640x480", url="javascript:alert(1)"),
    ]
    async with SearxngStandIn(odd) as server:
        page, _ = await Asked(Searxng(), searxng_url=server.url).pages("cat")
    first, last = page.candidates
    assert (first.url, first.provenance.title, first.provenance.creator) == (
        "https://images.example/1.jpg", None, None,
    )  # fmt: skip
    assert (last.provenance.landing_url, (last.provenance.extra or {})["width"]) == (None, 640)


async def test_the_options_are_asked_for_and_narrow_images_are_left() -> None:
    wide = result(1, "cat", resolution=None)
    async with SearxngStandIn([wide, result(2, "cat", resolution="640x480")]) as server:
        asked = Asked(Searxng(), searxng_url=server.url)
        options = {"engines": "flickr,bing images", "language": "de", "safe_search": 2, "time_range": "year"}
        assert urls(await asked.pages("cat", min_width=800, **options)) == [wide["img_src"]]
    assert server.requests[0] == {
        "q": "cat", "format": "json", "categories": "images", "pageno": "1", "language": "de", "safesearch": "2",
        "engines": "flickr,bing images", "time_range": "year",
    }  # fmt: skip


async def test_engines_that_repeat_themselves_are_not_followed_for_ever() -> None:
    same = [result(number % 10, "cat") for number in range(100)]
    async with SearxngStandIn(same) as server:
        assert len(urls(await Asked(Searxng(), searxng_url=server.url).pages("cat"))) == 10
    assert len(server.requests) == 3


async def test_nothing_from_silent_engines_is_a_failure_and_something_is_not() -> None:
    silent = (("bing images", "timeout"), ("flickr", "Suspended: CAPTCHA"))
    async with SearxngStandIn(CATS, silent=silent) as server:
        asked = Asked(Searxng(), searxng_url=server.url)
        trouble = await asked.trouble("bird")
    assert trouble.message == "SearXNG's engines do not answer (bing images: timeout; flickr: Suspended: CAPTCHA)."


async def test_short_pauses_are_waited_out() -> None:
    async with SearxngStandIn(DOGS, [limited(7), web.Response(status=502)]) as server:
        asked = Asked(Searxng(), searxng_url=server.url)
        assert len(urls(await asked.pages("dog"))) == 12
    assert asked.waits.seconds[:2] == [7, 2]


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        (no_json, "must list json under search.formats", 1),
        (limited, "limiter has had enough", 1),
        (lambda: limited(3_000), "429", 1),
        (lambda: web.Response(status=500), "it answered 500", 4),
        (lambda: web.Response(text="{"), "something else than a page", 1),
        (lambda: web.json_response({"results": None}), "something else than a page", 1),
        (lambda: web.json_response({"error": "No query"}, status=400), r"refused the query \(400\): No query", 1),
        (lambda: web.Response(status=302, headers={"Location": "https://a.example/x"}), "on to a.example", 1),
        (lambda: web.Response(body=b"[" + b" " * 9_000_000), "more than 8,388,608 bytes", 1),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str, requests: int) -> None:
    async with SearxngStandIn(DOGS, [fault() for _ in range(4)]) as server:
        trouble = await Asked(Searxng(), searxng_url=server.url).trouble("dog")
    assert re.search(message, trouble.message)
    assert len(server.requests) == requests


async def test_without_an_instance_it_says_which_setting_names_one() -> None:
    usable, reason = Searxng().available(Settings())
    assert not usable
    assert "PIXCRAWLER_SEARXNG_URL" in (reason or "")
    assert "PIXCRAWLER_SEARXNG_URL" in (await Asked(Searxng()).trouble("cat")).message


async def test_an_instance_that_is_not_there_or_not_allowed_is_a_failure_in_words() -> None:
    async with SearxngStandIn(CATS) as server:
        assert "not public" in (await Asked(Searxng(), searxng_url=server.url, allow_addresses="").trouble("a")).message
    assert "does not answer" in (await Asked(Searxng(), searxng_url=server.url).trouble("cat")).message
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"safe_search": 3}, ("safeSearch",)),
        ({"language": "english please"}, ("language",)),
        ({"engines": "a;b"}, ("engines",)),
        ({"time_range": "week"}, ("timeRange",)),
        ({"min_width": 0}, ("minWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        Searxng().check(options)
    assert caught.value.path == path
