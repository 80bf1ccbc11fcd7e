"""Candidates from Baidu: only where enabled, out of its own alphabet and its own JSON, and never after a block."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources.baidu import Baidu, decode_address, read_json
from tests.sources.asking import Asked, urls
from tests.stand_ins.baidu import BaiduStandIn, anti_flag, coded, nearly_json, result
from tests.stand_ins.keyword_api import throttled

CATS = [result(number, "cat") for number in range(70)]
DOGS = [result(number, "dog") for number in range(40)]
DOUBLE = result(70, "cat", replaceUrl=CATS[3]["replaceUrl"])


def address(one: dict[str, Any]) -> str:
    return str(one["replaceUrl"][0]["ObjURL"])


def asked(server: BaiduStandIn) -> Asked:
    return Asked(Baidu(), baidu_url=server.url, baidu_enabled=True)


class Answering(BaiduStandIn):
    """Gives its cookies, and answers every search with the faults alone."""

    async def _get(self, request: web.Request) -> web.Response:
        if request.path == "/":
            return self.answer(request)
        return await super()._get(request)


async def test_it_is_off_and_says_why_until_it_is_enabled() -> None:
    usable, reason = Baidu().available(Settings())
    assert not usable
    assert "terms" in (reason or "")
    assert "PIXCRAWLER_BAIDU_ENABLED" in (reason or "")
    async with BaiduStandIn(CATS) as server:
        assert (await Asked(Baidu(), baidu_url=server.url).trouble("cat")).message == reason
    assert server.requests == []


async def test_keywords_take_turns_to_the_end_of_each_with_cookies_asked_for_once() -> None:
    async with BaiduStandIn([*CATS, DOUBLE, *DOGS]) as server:
        found = await asked(server).pages("cat", "dog", "bird")
        assert sum("word" not in one for one in server.requests) == 1
        await asked(server).check_every_cursor("cat", "dog", "bird")
    assert [len(page.candidates) for page in found] == [30, 30, 0, 30, 10, 11, 0, 0]
    assert found[-1].cursor is None
    assert set(urls(found)) == {address(one) for one in CATS + DOGS}


async def test_a_candidate_says_where_it_was_found_and_nothing_about_a_license() -> None:
    async with BaiduStandIn([result(1, "cat")]) as server:
        page, _ = await asked(server).pages("cat")
    (found,) = page.candidates
    assert found.url == "https://images.example/cat-1.jpg"
    assert found.provenance.as_json() == {
        "source": "baidu",
        "landing_url": "https://pages.example/cat-1",
        "title": "A cat's page, the 1th",
        "extra": {
            "host": "pages.example",
            "format": "jpg",
            "thumbnail": "https://thumbs.example/cat-1.jpg",
            "width": 1024,
            "height": 683,
        },
    }
    assert server.requests[1] == {"tn": "resultjson_com", "ipn": "rj", "word": "cat", "pn": "0", "rn": "30"}


async def test_an_address_is_taken_from_where_the_result_has_it() -> None:
    names = ["fromPageTitle", "fromURLHost", "width", "height", "type", "thumbURL"]
    odd = [
        result(1, "cat", replaceUrl=None, **dict.fromkeys(names)),
        result(2, "cat", replaceUrl=[], objURL="https://images.example/plain.jpg"),
        result(3, "cat", replaceUrl=None, objURL=None),
        result(4, "cat", replaceUrl=None, objURL="", hoverURL=""),
        result(5, "cat", width="200"),
    ]
    async with BaiduStandIn(odd) as server:
        page, _ = await asked(server).pages("cat", min_width=500)
    assert [one.url for one in page.candidates] == [
        "https://images.example/cat-1.jpg", "https://images.example/plain.jpg", "https://copies.example/cat-3.jpg",
    ]  # fmt: skip
    assert page.candidates[0].provenance.as_json() == {"source": "baidu"}


def test_the_alphabet_is_read_back() -> None:
    plain = "https://a.example/b/c0123456789-w.jpg"
    assert decode_address(coded(plain)) == plain
    assert coded("http://") == "ippr_z2C$qAzdH3FAzdH3F"


def test_what_is_nearly_json_is_read_and_what_is_not_is_not() -> None:
    assert read_json(nearly_json({"a": "it's\ta\\'"})) == {"a": "it's\ta\\'"}
    assert read_json("{") is None
    assert read_json("[" * 100_000) is None


async def test_results_that_only_repeat_are_the_end_and_a_thousand_are_enough() -> None:
    same = [result(number % 30, "cat") for number in range(300)]
    async with BaiduStandIn([*same, *(result(number, "dog") for number in range(1_500))]) as server:
        assert len(urls(await asked(server).pages("cat"))) == 30
        assert len(urls(await asked(server).pages("dog"))) == 1_020


async def test_short_pauses_are_waited_out() -> None:
    async with BaiduStandIn(DOGS, [throttled(7), web.Response(status=502)]) as server:
        used = asked(server)
        assert len(urls(await used.pages("dog"))) == 40
    assert used.waits.seconds[:2] == [7, 2]


async def test_without_cookies_it_blocks_and_that_is_said() -> None:
    async with BaiduStandIn(DOGS, with_cookies=False) as server:
        assert "Forbid spider access" in (await asked(server).trouble("dog", "cat")).message
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (anti_flag, "Forbid spider access"),
        (lambda: web.Response(status=302, headers={"Location": "https://wappass.baidu.com/x"}), "wappass.baidu.com"),
        (lambda: web.Response(status=403), "it answered 403"),
        (lambda: throttled(None), "it answered 429"),
    ],
)
async def test_a_block_is_called_so_and_nothing_more_is_asked(fault: Any, message: str) -> None:
    async with Answering(DOGS, [fault()]) as server:
        trouble = await asked(server).trouble("dog", "cat")
    assert re.match(f"Baidu blocks us .*{message}.* It was not asked again", trouble.message)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        (lambda: throttled(3_000), "429", 1),
        (lambda: web.Response(status=503), "it answered 503", 4),
        (lambda: web.Response(status=404), r"refused the query \(404\)", 1),
        (lambda: web.Response(text="{"), "something else than a page", 1),
        (lambda: web.json_response({"data": None}), "something else than a page", 1),
        (lambda: web.json_response([]), "something else than a page", 1),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str, requests: int) -> None:
    async with Answering(DOGS, [fault() for _ in range(4)]) as server:
        trouble = await asked(server).trouble("dog")
    assert re.search(message, trouble.message)
    assert len(server.requests) == requests


def test_wrong_options_name_their_field() -> None:
    with pytest.raises(Invalid) as caught:
        Baidu().check({"min_width": 0})
    assert caught.value.path == ("minWidth",)
