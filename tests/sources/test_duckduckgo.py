"""Candidates from DuckDuckGo: only where enabled, to its end, and never another request after a block."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources.duckduckgo import Duckduckgo
from tests.sources.asking import Asked, urls
from tests.stand_ins.duckduckgo import DuckduckgoStandIn, result
from tests.stand_ins.keyword_api import throttled

CATS = [result(number, "cat") for number in range(150)]
DOGS = [result(number, "dog") for number in range(120)]
DOUBLE = result(150, "cat", image=CATS[3]["image"])


def asked(server: DuckduckgoStandIn) -> Asked:
    return Asked(Duckduckgo(), duckduckgo_url=server.url, duckduckgo_enabled=True)


async def test_it_is_off_and_says_why_until_it_is_enabled() -> None:
    usable, reason = Duckduckgo().available(Settings())
    assert not usable
    assert "terms" in (reason or "")
    assert "PIXCRAWLER_DUCKDUCKGO_ENABLED" in (reason or "")
    assert Duckduckgo().available(Settings(duckduckgo_enabled=True)) == (True, None)
    async with DuckduckgoStandIn(CATS) as server:
        assert (await Asked(Duckduckgo(), duckduckgo_url=server.url).trouble("cat")).message == reason
    assert server.requests == []


async def test_keywords_take_turns_to_the_end_of_each() -> None:
    async with DuckduckgoStandIn([*CATS, DOUBLE, *DOGS]) as server:
        used = asked(server)
        found = await used.pages("cat", "dog", "bird")
        assert server.paths.count("/") == 3
        await asked(server).check_every_cursor("cat", "dog", "bird")
    assert [len(page.candidates) for page in found] == [100, 100, 0, 51, 20]
    assert found[-1].cursor is None
    assert set(urls(found)) == {one["image"] for one in CATS + DOGS}
    assert used.waits.seconds == [1] * 7


async def test_a_candidate_keeps_the_license_filter_and_claims_no_license() -> None:
    async with DuckduckgoStandIn([result(1, "cat", title="<b>Cat</b>")]) as server:
        filters = {"license": "share_commercially", "time": "week", "kind": "photo", "region": "de-de"}
        (page,) = await asked(server).pages("cat", **filters, safe_search=False)
    (found,) = page.candidates
    assert found.provenance.as_json() == {
        "source": "duckduckgo",
        "landing_url": "https://pages.example/cat-1",
        "title": "Cat",
        "extra": {
            "index": "Bing",
            "thumbnail": "https://tse.example/th?id=cat-1",
            "width": 1024,
            "height": 683,
            "license_filter": "share_commercially",
        },
    }
    sent = server.requests[1]
    assert sent["f"] == "time:Week,,,type:photo,,license:ShareCommercially"
    assert (sent["l"], sent["p"], sent["s"], sent["o"]) == ("de-de", "-1", "0", "json")


async def test_odd_results_are_read_or_left_out() -> None:
    names = ["title", "url", "source", "thumbnail", "width", "height"]
    odd = [
        result(1, "cat", **dict.fromkeys(names)),
        result(2, "cat", image=None),
        result(3, "cat", image="data:image/gif;base64,AA"),
        result(4, "cat", width=200),
    ]
    async with DuckduckgoStandIn(odd) as server:
        (page,) = await asked(server).pages("cat", min_width=500, size="large", shape="tall")
    (found,) = page.candidates
    assert found.provenance.as_json() == {"source": "duckduckgo"}
    assert server.requests[1]["f"] == ",size:Large,,,layout:Tall,"


@pytest.mark.parametrize("form", ['vqd="{}",', "vqd='{}';", "x=1&vqd={}&y=2"])
async def test_the_token_is_found_however_the_page_writes_it(form: str) -> None:
    async with DuckduckgoStandIn(DOGS, token_form=form) as server:
        assert len(urls(await asked(server).pages("dog"))) == 120


async def test_results_that_only_repeat_are_the_end() -> None:
    same = [result(number % 100, "cat") for number in range(500)]
    async with DuckduckgoStandIn(same) as server:
        assert len(urls(await asked(server).pages("cat"))) == 100
        assert server.paths == ["/", "/i.js", "/i.js"]


async def test_more_than_a_thousand_are_not_asked_for() -> None:
    async with DuckduckgoStandIn([result(number, "cat") for number in range(1_500)]) as server:
        assert len(urls(await asked(server).pages("cat"))) == 1_000


async def test_short_pauses_are_waited_out() -> None:
    async with DuckduckgoStandIn(DOGS, [throttled(7), web.Response(status=502)]) as server:
        used = asked(server)
        assert len(urls(await used.pages("dog"))) == 120
    assert used.waits.seconds[:2] == [7, 2]


@pytest.mark.parametrize("status", [202, 403, 418, 429])
async def test_a_block_is_called_so_and_nothing_more_is_asked(status: int) -> None:
    async with DuckduckgoStandIn(DOGS, [web.Response(status=status)]) as server:
        trouble = await asked(server).trouble("dog", "cat")
    assert trouble.message.startswith(f"DuckDuckGo blocks us (it answered {status}). It was not asked again")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        (lambda: web.Response(text="<html>Are you a person?</html>"), "holds no token", 1),
        (lambda: web.Response(status=302, headers={"Location": "https://a.example/"}), "on to a.example", 1),
        (lambda: throttled(3_000), "429", 1),
        (lambda: web.Response(status=503), "it answered 503", 4),
        (lambda: web.Response(status=400), r"refused the query \(400\)", 1),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str, requests: int) -> None:
    async with DuckduckgoStandIn(DOGS, [fault() for _ in range(4)]) as server:
        trouble = await asked(server).trouble("dog")
    assert re.search(message, trouble.message)
    assert len(server.requests) == requests


@pytest.mark.parametrize("text", ["{", "[]", '{"results": null}'])
async def test_an_answer_that_is_no_page_of_results_is_a_failure(text: str) -> None:
    class Broken(DuckduckgoStandIn):
        def answer(self, request: web.Request) -> web.Response:
            return web.Response(text=text) if request.path == "/i.js" else super().answer(request)

    async with Broken(DOGS) as server:
        assert "something else than a page of results" in (await asked(server).trouble("dog")).message


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"license": "by"}, ("license",)),
        ({"time": "Week"}, ("time",)),
        ({"size": 3}, ("size",)),
        ({"kind": "film"}, ("kind",)),
        ({"shape": "round"}, ("shape",)),
        ({"region": "everywhere"}, ("region",)),
        ({"safe_search": "on"}, ("safeSearch",)),
        ({"min_width": 0}, ("minWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        Duckduckgo().check(options)
    assert caught.value.path == path
