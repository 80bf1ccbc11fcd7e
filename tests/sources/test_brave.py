"""Candidates from Brave Search: one page a keyword, at the pace that its rate limit tells."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources.brave import Brave, wait_of
from tests.sources.asking import Asked, urls
from tests.stand_ins.brave import KEY, BraveStandIn, failure, result

CATS = [result(number, "cat") for number in range(250)]
DOGS = [result(number, "dog") for number in range(3)]


def asked(server: BraveStandIn, key: str = KEY) -> Asked:
    return Asked(Brave(), brave_url=server.url, brave_key=key)


def busy(retry_after_s: int | None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return failure(429, "RATE_LIMITED", "Request rate limit exceeded for plan.", **headers)


async def test_every_keyword_gives_one_page_of_up_to_two_hundred() -> None:
    async with BraveStandIn(CATS + DOGS) as server:
        found = await asked(server).pages("cat", "bird", "dog")
        await asked(server).check_every_cursor("cat", "bird", "dog")
    assert [len(page.candidates) for page in found] == [200, 0, 3]
    assert found[-1].cursor is None
    assert server.requests[0] == {"q": "cat", "count": "200", "safesearch": "strict", "spellcheck": "false"}


async def test_a_candidate_says_where_it_was_found_and_nothing_about_a_license() -> None:
    async with BraveStandIn([result(1, "cat", title="<strong>Cat</strong>")]) as server:
        (page,) = await asked(server).pages("cat")
    (found,) = page.candidates
    assert found.url == "https://images.example/cat-1.jpg"
    assert found.provenance.as_json() == {
        "source": "brave",
        "landing_url": "https://pages.example/cat-1",
        "title": "Cat",
        "extra": {
            "site": "pages.example",
            "confidence": "high",
            "thumbnail": "https://imgs.search.brave.example/cat-1",
            "width": 1024,
            "height": 683,
        },
    }


async def test_odd_results_are_read_or_left_out() -> None:
    address = {"url": "https://images.example/1.jpg"}
    nulls = dict.fromkeys(["title", "url", "source", "thumbnail", "confidence"])
    odd = [
        result(1, "cat", properties=address, **nulls),
        result(2, "cat", properties=None),
        result(3, "cat", properties={"url": None}),
        result(4, "cat", properties=address | {"width": 200}),
    ]
    async with BraveStandIn(odd) as server:
        (page,) = await asked(server).pages("cat", min_width=500)
    (found,) = page.candidates
    assert found.provenance.as_json() == {"source": "brave"}


async def test_the_options_and_a_long_keyword_are_asked_for_as_brave_takes_them() -> None:
    async with BraveStandIn([]) as server:
        await asked(server).pages("word " * 60, country="DE", language="de", safe_search=False)
    assert len(server.requests[0].pop("q").split()) == 50
    assert server.requests[0] == {
        "count": "200", "safesearch": "off", "spellcheck": "false", "country": "DE", "search_lang": "de",
    }  # fmt: skip


async def test_a_full_window_is_waited_for_and_a_used_up_plan_is_told() -> None:
    async with BraveStandIn(CATS + DOGS, remaining="0, 14523", reset="3, 1419704") as server:
        used = asked(server)
        await used.pages("cat", "dog")
        assert used.waits.seconds == [1, 3]
        server.remaining = "1, 0"
        trouble = await asked(server).trouble("cat", "dog")
    assert (trouble.message, trouble.retry_after_s) == ("Brave Search's plan has no requests left for now.", 1_419_704)
    assert wait_of({}) == wait_of({"X-RateLimit-Remaining": "0"}) == wait_of({"X-RateLimit-Remaining": "0, x"}) == 0


@pytest.mark.parametrize("retry_after_s", [7, None])
async def test_short_pauses_are_waited_out(retry_after_s: int | None) -> None:
    async with BraveStandIn(DOGS, [busy(retry_after_s), web.Response(status=502)]) as server:
        used = asked(server)
        assert len(urls(await used.pages("dog"))) == 3
    assert used.waits.seconds == [1 if retry_after_s is None else 7, 2]


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        (lambda: busy(None), r"enough of our requests for now \(429\). Request rate limit exceeded", 4),
        (lambda: busy(3_000), "429", 1),
        (lambda: web.Response(status=503), "it answered 503", 4),
        (lambda: web.Response(text="{"), "something else than a page", 1),
        (lambda: web.json_response([]), "something else than a page", 1),
        (lambda: failure(403, "FORBIDDEN", "No."), r"refused PIXCRAWLER_BRAVE_KEY \(403\): No.", 1),
        (lambda: failure(422, "VALIDATION", "Unable."), r"refused the query \(422\): Unable.", 1),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str, requests: int) -> None:
    async with BraveStandIn(DOGS, [fault() for _ in range(4)]) as server:
        trouble = await asked(server).trouble("dog")
    assert re.search(message, trouble.message)
    assert len(server.requests) == requests


async def test_a_key_is_needed_and_goes_to_brave_alone() -> None:
    assert Brave().available(Settings(brave_key="x")) == (True, None)
    usable, reason = Brave().available(Settings())
    assert not usable
    assert "PIXCRAWLER_BRAVE_KEY" in (reason or "")
    async with BraveStandIn(DOGS) as elsewhere, BraveStandIn(DOGS) as server:
        assert "refused PIXCRAWLER_BRAVE_KEY (422)" in (await asked(server, "wrong").trouble("dog")).message
        server.faults.append(web.Response(status=302, headers={"Location": elsewhere.url + "images/search"}))
        assert "sends us on to 127.0.0.1" in (await asked(server).trouble("dog")).message
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"country": "us"}, ("country",)),
        ({"language": "English"}, ("language",)),
        ({"safe_search": "yes"}, ("safeSearch",)),
        ({"min_width": True}, ("minWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        Brave().check(options)
    assert caught.value.path == path
