"""Candidates from SerpApi: page by page to Google's end, no paid search more, and its key in nobody's sight."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources.serpapi import Serpapi
from tests.sources.asking import Asked, urls
from tests.stand_ins.serpapi import KEY, SerpapiStandIn, failure, result

CATS = [result(number, "cat") for number in range(150)]
DOGS = [result(number, "dog") for number in range(120)]
DOUBLE = result(150, "cat", original=CATS[3]["original"])


def asked(server: SerpapiStandIn, key: str = KEY) -> Asked:
    return Asked(Serpapi(), serpapi_url=server.url, serpapi_key=key)


def busy(retry_after_s: int | None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return failure(429, "Your account has run out of searches.", **headers)


async def test_keywords_take_turns_to_the_end_of_each() -> None:
    async with SerpapiStandIn([*CATS, DOUBLE, *DOGS]) as server:
        found = await asked(server).pages("cat", "dog", "bird")
        await asked(server).check_every_cursor("cat", "dog", "bird")
    assert [len(page.candidates) for page in found] == [100, 100, 0, 51, 20, 0, 0]
    assert found[-1].cursor is None
    assert set(urls(found)) == {one["original"] for one in CATS + DOGS}


async def test_a_candidate_keeps_the_license_filter_and_claims_no_license() -> None:
    async with SerpapiStandIn([result(1, "cat", title="Cat &amp; <b>co</b>")]) as server:
        page, _ = await asked(server).pages("cat", license="creative_commons", country="de", language="de")
    (found,) = page.candidates
    assert found.provenance.as_json() == {
        "source": "serpapi",
        "landing_url": "https://pages.example/cat-1",
        "title": "Cat & co",
        "extra": {
            "site": "Pages Example",
            "thumbnail": "https://serpapi.example/cat-1.jpeg",
            "width": 1024,
            "height": 683,
            "is_product": False,
            "license_filter": "creative_commons",
        },
    }
    assert server.requests[0] == {
        "engine": "google_images", "q": "cat", "ijn": "0", "safe": "active", "api_key": KEY, "gl": "de", "hl": "de",
        "tbs": "il:cl",
    }  # fmt: skip


async def test_odd_results_are_read_or_left_out() -> None:
    names = ["title", "link", "source", "thumbnail", "original_width", "original_height", "is_product"]
    odd = [
        result(1, "cat", **dict.fromkeys(names)),
        result(2, "cat", original=None),
        result(3, "cat", original_width=200),
        result(4, "cat", original_width="1200"),
    ]
    async with SerpapiStandIn(odd) as server:
        page, _ = await asked(server).pages("cat", min_width=500, safe_search=False)
    assert [one.url for one in page.candidates] == [odd[0]["original"], odd[3]["original"]]
    assert page.candidates[0].provenance.as_json() == {"source": "serpapi"}
    assert server.requests[0]["safe"] == "off"


async def test_no_search_is_paid_for_a_page_that_only_repeats() -> None:
    same = [result(number % 100, "cat") for number in range(1_000)]
    async with SerpapiStandIn(same) as server:
        assert len(urls(await asked(server).pages("cat"))) == 100
    assert len(server.requests) == 2


async def test_results_without_addresses_of_images_are_a_failure_and_not_an_end() -> None:
    async with SerpapiStandIn([result(1, "cat", original=None)]) as server:
        assert "hold no addresses of images" in (await asked(server).trouble("cat")).message


@pytest.mark.parametrize("retry_after_s", [7, None])
async def test_short_pauses_are_waited_out(retry_after_s: int | None) -> None:
    async with SerpapiStandIn(DOGS, [busy(retry_after_s), web.Response(status=502)]) as server:
        used = asked(server)
        assert len(urls(await used.pages("dog"))) == 120
    assert used.waits.seconds[:2] == [1 if retry_after_s is None else 7, 2]


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        (lambda: busy(None), "run out of searches", 4),
        (lambda: busy(3_000), "run out of searches", 1),
        (lambda: web.Response(status=503), "it answered 503", 4),
        (lambda: web.Response(text="{"), "something else than a page", 1),
        (lambda: web.json_response({"error": "Engine in trouble."}), "Engine in trouble", 1),
        (lambda: web.json_response({"images_results": None}), "no list of images", 1),
        (lambda: failure(400, "Unsupported value."), r"refused the query \(400\): Unsupported value.", 1),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str, requests: int) -> None:
    async with SerpapiStandIn(DOGS, [fault() for _ in range(4)]) as server:
        trouble = await asked(server).trouble("dog")
    assert re.search(message, trouble.message)
    assert len(server.requests) == requests


async def test_a_key_is_needed_and_no_message_shows_it() -> None:
    assert Serpapi().available(Settings(serpapi_key="x")) == (True, None)
    usable, reason = Serpapi().available(Settings())
    assert not usable
    assert "PIXCRAWLER_SERPAPI_KEY" in (reason or "")
    async with SerpapiStandIn(DOGS) as server:
        messages = [(await asked(server, "wrong").trouble("dog")).message]
        server.faults.append(web.Response(status=302, headers={"Location": "/search?again"}))
        messages.append((await asked(server).trouble("dog")).message)
    messages.append((await asked(server).trouble("dog")).message)
    messages.append((await Asked(Serpapi(), serpapi_url="https://", serpapi_key=KEY).trouble("dog")).message)
    assert "refused PIXCRAWLER_SERPAPI_KEY (401): Invalid API key" in messages[0]
    assert "does not answer" in messages[2]
    assert not [message for message in messages if KEY in message]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"license": "by"}, ("license",)),
        ({"country": "USA"}, ("country",)),
        ({"language": "English"}, ("language",)),
        ({"safe_search": 1}, ("safeSearch",)),
        ({"min_width": "wide"}, ("minWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        Serpapi().check(options)
    assert caught.value.path == path
