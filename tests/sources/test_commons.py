"""Files of Wikimedia Commons: by keyword in turn, whole pages of results, with author and license as plain text."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from app.errors import Invalid
from app.sources.base import Page
from app.sources.commons import Commons
from app.sources.markup import first_link, text_of
from app.values import Candidate, Provenance
from tests.sources.asking import Asked, urls
from tests.stand_ins.commons import CommonsStandIn, file, refusal
from tests.stand_ins.keyword_api import throttled

CATS = [file(number, "cat") for number in range(1, 121)]
DOGS = [file(number, "dog") for number in range(201, 213)]


def asked(server: CommonsStandIn, **settings: Any) -> Asked:
    return Asked(Commons(), commons_url=server.url, **settings)


async def test_keywords_take_turns_until_each_has_run_dry() -> None:
    async with CommonsStandIn(CATS + DOGS) as server:
        found = await asked(server).pages("cat", "dog")
    assert [(page.candidates[0].keyword, len(page.candidates)) for page in found] == [
        ("cat", 50), ("dog", 12), ("cat", 50), ("cat", 20),
    ]  # fmt: skip
    assert sorted(urls(found)) == sorted(one["imageinfo"][0]["url"] for one in CATS + DOGS)
    assert found[-1].cursor is None


async def test_any_cursor_continues_where_its_page_ended() -> None:
    async with CommonsStandIn(CATS + DOGS) as server:
        await asked(server).check_every_cursor("cat", "dog", "bird")


async def test_results_that_come_in_pieces_are_joined_and_stay_in_order() -> None:
    async with CommonsStandIn(CATS) as server:
        whole = await asked(server).pages("cat")
    async with CommonsStandIn(CATS, pieces=3) as server:
        assert [page.candidates for page in await asked(server).pages("cat")] == [page.candidates for page in whole]
    assert len(server.requests) == 9
    assert urls(whole) == [one["imageinfo"][0]["url"] for one in CATS]


async def test_a_candidate_carries_author_and_license_without_markup() -> None:
    async with CommonsStandIn([file(1, "cat", {"ImageDescription": "<p>A <i>cat</i><br>asleep</p>"})]) as server:
        (page,) = await asked(server).pages("cat")
    assert page.candidates == (
        Candidate(
            "https://upload.example/commons/a/ab/cat-1.jpg",
            "cat",
            Provenance(
                source="commons",
                landing_url="https://commons.example/wiki/File:cat-1.jpg",
                title="A cat, the 1th",
                creator="Ann & Bo",
                creator_url="https://commons.wikimedia.org/wiki/User:Ann",
                license="by-sa 4.0",
                license_url="https://creativecommons.org/licenses/by-sa/4.0/",
                attribution="Ann & Bo, CC BY-SA 4.0",
                extra={
                    "id": 1,
                    "original": "https://upload.example/commons/a/ab/cat-1.jpg",
                    "thumbnail": "https://upload.example/commons/thumb/330px-cat-1.jpg",
                    "width": 1600,
                    "height": 1200,
                    "size": 170_000,
                    "mime": "image/jpeg",
                    "sha1": f"{1:040x}",
                    "description": "A cat asleep",
                },
            ),
        ),
    )


async def test_what_commons_does_not_know_is_absent() -> None:
    nothing = dict.fromkeys(["ObjectName", "License", "LicenseShortName", "LicenseUrl", "Artist"])
    odd = [
        file(1, "cat", nothing, width=None, extmetadata=[]),
        file(2, "cat", {"License": None, "LicenseShortName": "FAL", "LicenseUrl": None}),
    ]
    odd += [file(3, "cat", mediatype="DRAWING"), file(4, "cat", url=None), file(5, "cat") | {"imageinfo": []}]
    async with CommonsStandIn(odd) as server:
        (page,) = await asked(server).pages("cat")
    first, second = (candidate.provenance for candidate in page.candidates)
    assert (first.title, first.creator, first.license, first.license_url, first.attribution) == ("cat-1", *[None] * 4)
    assert second.extra is not None
    assert (second.license, second.extra["license"]) == (None, "FAL")


async def test_only_wanted_licenses_and_widths_come_and_a_rendition_where_one_is_wanted() -> None:
    files = [file(1, "cat"), file(2, "cat", {"License": "cc0", "LicenseUrl": None}), file(3, "cat", {"License": "pd"})]
    files.append(file(4, "cat", {"License": "cc0"}, width=300))
    async with CommonsStandIn(files) as server:
        found = await asked(server).pages("cat", license=["cc0"], min_width=500, rendition_width=900)
    assert urls(found) == ["https://upload.example/commons/thumb/960px-cat-2.jpg"]
    assert server.requests[0]["gsrsearch"] == "filetype:bitmap filew:>499 cat"


async def test_an_empty_answer_and_one_that_goes_round_are_the_end() -> None:
    async with CommonsStandIn([], [web.json_response({"batchcomplete": True})]) as server:
        assert await asked(server).pages("cat") == [Page((), None)]
    same = {"continue": {"gsroffset": 50, "continue": "x"}, "query": {"pages": []}}
    async with CommonsStandIn([], [web.json_response(same) for _ in range(2)]) as server:
        assert await asked(server).pages("cat") == [Page((), None)]


async def test_no_page_beyond_the_depth_is_asked_for() -> None:
    last = {"batchcomplete": True, "continue": {"gsroffset": 10_000, "continue": "gsroffset||"}}
    async with CommonsStandIn(CATS, [web.json_response(last)]) as server:
        assert await asked(server).pages("cat") == [Page((), None)]


async def test_a_busy_server_that_says_so_with_status_200_is_waited_for() -> None:
    faults = [refusal("maxlag", "Waiting for a database: 6 s", 5), refusal("internal_api_error_DBQueryError", "x")]
    async with CommonsStandIn(DOGS, [*faults, throttled(7)]) as server:
        one = asked(server)
        assert len(urls(await one.pages("dog"))) == 12
    assert one.waits.seconds == [5, 2, 7]


async def test_a_long_pause_is_told_with_its_length() -> None:
    async with CommonsStandIn(DOGS, [refusal("ratelimited", "You are too fast.", 3_000)]) as server:
        trouble = await asked(server).trouble("dog")
    assert (trouble.retry_after_s, len(server.requests)) == (3_000, 1)
    assert "too fast" in trouble.message


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: throttled(None), "enough of our requests"),
        (lambda: web.Response(status=503), "it answered 503"),
        (lambda: web.Response(text="{"), "not JSON"),
        (
            lambda: refusal("badvalue", 'Unrecognized value for <b>"prop"</b>.'),
            'refused the query: Unrecognized value for "prop"',
        ),
        (lambda: web.json_response([]), "something else than results"),
        (lambda: web.json_response({}, status=403), r"refused the query (403)"),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str) -> None:
    async with CommonsStandIn(DOGS, [fault() for _ in range(4)]) as server:
        assert message in (await asked(server).trouble("dog")).message


async def test_a_token_is_sent_where_there_is_one() -> None:
    async with CommonsStandIn(DOGS) as server:
        await asked(server, commons_key="a-token").pages("dog")
        await asked(server).pages("dog")
    assert [one.get("Authorization") for one in server.headers] == ["Bearer a-token", None]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"license": ["by", "by-nc"]}, ("license", "1")),
        ({"min_width": 0}, ("minWidth",)),
        ({"rendition_width": 5_000}, ("renditionWidth",)),
        ({"rendition_width": "wide"}, ("renditionWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        Commons().check(options)
    assert caught.value.path == path


def test_scraps_of_html_are_read_as_a_person_sees_them() -> None:
    hidden = '<span style="display: none;">x<br>y<b>z</b></span><div>Ann</div><div>Bo</div><script>1</script>&lt;3'
    assert text_of(hidden) == "Ann Bo <3"
    assert (text_of("<p> </p>"), text_of(None), text_of("a < b</p> <br")) == (None, None, "a < b <br")
    assert first_link('<a href="/x">a</a>') is None
    assert first_link('<a name="top">a</a><a href=" //host.example/x ">b</a>') == "https://host.example/x"
    assert first_link("<a href='javascript:1'>a</a>") is None
