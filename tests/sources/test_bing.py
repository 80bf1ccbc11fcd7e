"""Candidates from Bing: only where enabled, out of the markup of its page, to where it begins to repeat itself."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.settings import Settings
from app.sources.bing import Bing
from tests.sources.asking import Asked, urls
from tests.stand_ins.bing import BingStandIn, entry, result
from tests.stand_ins.keyword_api import throttled

CATS = [result(number, "cat") for number in range(80)]
DOGS = [result(number, "dog") for number in range(40)]
DOUBLE = result(80, "cat", murl=CATS[3]["murl"])
CAPTCHA = "<html><title>One last step</title><div class='captcha'>Solve the challenge</div></html>"


def asked(server: BingStandIn) -> Asked:
    return Asked(Bing(), bing_url=server.url, bing_enabled=True)


async def test_it_is_off_and_says_why_until_it_is_enabled() -> None:
    usable, reason = Bing().available(Settings())
    assert not usable
    assert "terms" in (reason or "")
    assert "PIXCRAWLER_BING_ENABLED" in (reason or "")
    async with BingStandIn(CATS) as server:
        assert (await Asked(Bing(), bing_url=server.url).trouble("cat")).message == reason
    assert server.requests == []


async def test_keywords_take_turns_to_the_end_of_each() -> None:
    async with BingStandIn([*CATS, DOUBLE, *DOGS]) as server:
        found = await asked(server).pages("cat", "dog", "bird")
        await asked(server).check_every_cursor("cat", "dog", "bird")
    assert [len(page.candidates) for page in found] == [35, 35, 0, 35, 5, 11, 0, 0]
    assert found[-1].cursor is None
    assert set(urls(found)) == {one["murl"] for one in CATS + DOGS}


async def test_a_candidate_keeps_the_license_filter_and_claims_no_license() -> None:
    async with BingStandIn([result(1, "cat")]) as server:
        page, _ = await asked(server).pages("cat", license="public_domain", kind="photo", max_age_days=2)
    (found,) = page.candidates
    assert found.provenance.as_json() == {
        "source": "bing",
        "landing_url": "https://pages.example/cat-1",
        "title": 'A cat & "friends", the 1th',
        "extra": {
            "thumbnail": "https://tse.example/th?id=cat-1",
            "width": 1024,
            "height": 683,
            "license_filter": "public_domain",
        },
    }
    assert server.raw_queries[0].endswith(
        "&mkt=en-US&qft=+filterui:photo-photo+filterui:age-lt2880+filterui:license-L1"
    )


async def test_odd_results_are_read_or_left_out() -> None:
    odd = [
        result(1, "cat", size=None, turl=None, purl=None, t=None),
        result(2, "cat", murl=None),
        result(3, "cat", size="200 x 100"),
        result(4, "cat", size="1600 x 1200"),
    ]
    async with BingStandIn(odd) as server:
        page, _ = await asked(server).pages("cat", min_width=500, size="large", shape="tall", market="de-DE")
    first, last = page.candidates
    assert first.provenance.as_json() == {"source": "bing"}
    assert (last.provenance.extra or {})["width"] == 1600
    assert server.requests[0]["mkt"] == "de-DE"


async def test_broken_markup_costs_its_own_result_only() -> None:
    good = entry(result(1, "cat"))
    broken = (
        '<li><a class="iusc" m="{&quot;murl&quot;: ">x</a><div class="img_info"><span class="nowrap">9 x 9</span></div>'
    )
    page = f'<ul class="dgControl_list">{broken}<a class="iusc">{good}<li><a class="iusc" m="[]"></ul'
    async with BingStandIn([], [web.Response(text=page, content_type="text/html")]) as server:
        found, _ = await asked(server).pages("cat")
    assert [(one.url, (one.provenance.extra or {})["width"]) for one in found.candidates] == [
        ("https://images.example/cat-1.jpg", 1024)
    ]


async def test_results_that_only_repeat_are_the_end() -> None:
    many = [result(number, "cat") for number in range(35)]
    async with BingStandIn(many, repeats_after=35) as server:
        assert len(urls(await asked(server).pages("cat"))) == 35
    assert [one["first"] for one in server.requests] == ["1", "36"]


async def test_more_than_a_thousand_are_not_asked_for() -> None:
    async with BingStandIn([result(number, "cat") for number in range(1_500)]) as server:
        assert len(urls(await asked(server).pages("cat"))) == 1_015
    assert len(server.requests) == 29


async def test_short_pauses_are_waited_out() -> None:
    async with BingStandIn(DOGS, [throttled(7), web.Response(status=502)]) as server:
        used = asked(server)
        assert len(urls(await used.pages("dog"))) == 40
    assert used.waits.seconds[:2] == [7, 2]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: web.Response(text=CAPTCHA, content_type="text/html"), "holds no list of results"),
        (lambda: web.Response(text=""), "holds no list of results"),
        (lambda: web.Response(status=403), "it answered 403"),
        (lambda: throttled(None), "it answered 429"),
        (lambda: web.Response(status=302, headers={"Location": "https://a.example/"}), "on to a.example"),
    ],
)
async def test_a_block_is_called_so_and_nothing_more_is_asked(fault: Any, message: str) -> None:
    async with BingStandIn(DOGS, [fault()]) as server:
        trouble = await asked(server).trouble("dog", "cat")
    assert re.match(f"Bing blocks us .*{message}.* It was not asked again", trouble.message)
    assert len(server.requests) == 1


async def test_a_block_in_the_middle_is_not_taken_for_the_end() -> None:
    class Blocking(BingStandIn):
        def answer(self, request: web.Request) -> web.Response:
            later = request.query["first"] != "1"
            return web.Response(text=CAPTCHA, content_type="text/html") if later else super().answer(request)

    async with Blocking(CATS) as server:
        assert "Bing blocks us" in (await asked(server).trouble("cat")).message
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "message", "requests"),
    [
        (lambda: throttled(3_000), "429", 1),
        (lambda: web.Response(status=503), "it answered 503", 4),
        (lambda: web.Response(status=404), r"refused the query \(404\)", 1),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str, requests: int) -> None:
    async with BingStandIn(DOGS, [fault() for _ in range(4)]) as server:
        trouble = await asked(server).trouble("dog")
    assert re.search(message, trouble.message)
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"license": "by"}, ("license",)),
        ({"size": "huge"}, ("size",)),
        ({"kind": "film"}, ("kind",)),
        ({"shape": "round"}, ("shape",)),
        ({"max_age_days": 0}, ("maxAgeDays",)),
        ({"market": "en"}, ("market",)),
        ({"min_width": 0}, ("minWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        Bing().check(options)
    assert caught.value.path == path
