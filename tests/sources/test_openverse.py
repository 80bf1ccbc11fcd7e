"""Candidates from Openverse: fairly by keyword, to its depth and no further, resumable anywhere, patient."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from app.errors import Invalid, SourceFailed
from app.fetching.client import open_client
from app.settings import Settings
from app.sources.base import Page, Query, Tools
from app.sources.registry import SOURCES, source_infos
from app.values import Candidate, Provenance
from tests.stand_ins.openverse import TOKEN, OpenverseStandIn, denied, record, throttled

OPENVERSE = SOURCES["openverse"]
CATS = [record(number, "cat") for number in range(50)]
DOGS = [record(number, "dog") for number in range(100, 125)]


async def no_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
    raise AssertionError("Openverse has no uploads")
    yield b""


class Waits:
    """Sleeps in no time, and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@contextlib.asynccontextmanager
async def tools(server: OpenverseStandIn, sleep: Waits | None = None, **values: Any) -> AsyncIterator[Tools]:
    settings = Settings(allow_addresses="127.0.0.0/8", openverse_url=server.url, **values)
    async with open_client(settings) as client:
        yield Tools(client, settings, no_upload, sleep or Waits())


async def pages(used: Tools, *keywords: str, cursor: Any = None, **options: Any) -> list[Page]:
    query = Query(keywords, OPENVERSE.check(options))
    async with contextlib.aclosing(OPENVERSE.pages(used, query, cursor)) as found:
        return [page async for page in found]


def urls(found: list[Page]) -> list[str]:
    return [candidate.url for page in found for candidate in page.candidates]


async def test_keywords_take_turns_until_each_has_run_dry() -> None:
    async with OpenverseStandIn(CATS + DOGS) as server, tools(server) as used:
        found = await pages(used, "cat", "dog")
    assert [(page.candidates[0].keyword, len(page.candidates)) for page in found] == [
        ("cat", 20), ("dog", 20), ("cat", 20), ("dog", 5), ("cat", 10),
    ]  # fmt: skip
    assert found[-1].cursor is None
    assert sorted(urls(found)) == sorted(one["url"] for one in CATS + DOGS)


async def test_any_cursor_continues_where_its_page_ended() -> None:
    async with OpenverseStandIn(CATS + DOGS) as server, tools(server) as used:
        whole = await pages(used, "cat", "dog", "bird")
        for place, page in enumerate(whole[:-1]):
            cursor = orjson.loads(orjson.dumps(page.cursor))
            assert await pages(used, "cat", "dog", "bird", cursor=cursor) == whole[place + 1 :]


async def test_a_candidate_carries_its_license_and_its_attribution() -> None:
    async with OpenverseStandIn([record(1, "cat")]) as server, tools(server) as used:
        (page,) = await pages(used, "cat")
    assert page.candidates == (
        Candidate(
            "https://live.photos.example/cat-1.jpg",
            "cat",
            Provenance(
                source="openverse",
                landing_url="https://photos.example/cat-1",
                title="A cat, the 1th",
                creator="Ann Example",
                creator_url="https://photos.example/ann",
                license="by 2.0",
                license_url="https://creativecommons.org/licenses/by/2.0/",
                attribution='"A cat" by Ann Example is licensed under CC BY 2.0.',
                extra={
                    "id": "00000000-0000-4000-8000-000000000001",
                    "provider": "flickr",
                    "source": "flickr",
                    "thumbnail": "https://api.openverse.org/v1/images/1/thumb/",
                    "width": 1024,
                    "height": 683,
                },
            ),
        ),
    )


async def test_what_openverse_does_not_know_is_absent() -> None:
    nulls = dict.fromkeys(["title", "creator", "creator_url", "width", "height", "license_version", "license_url"])
    odd = [
        record(1, "cat", **nulls),
        record(2, "cat", url=None),
        record(3, "cat", title="a\x00b", provider="c\x00d", source=[]),
    ]
    async with OpenverseStandIn(odd) as server, tools(server) as used:
        (page,) = await pages(used, "cat")
    first, third = (candidate.provenance for candidate in page.candidates)
    assert (first.license, first.title, first.creator, third.title) == ("by", None, None, "a b")
    assert third.extra is not None
    assert (third.extra["provider"], "source" in third.extra) == ("c d", False)


async def test_only_wanted_licenses_and_widths_come() -> None:
    records = [
        record(1, "cat", license="cc0"),
        record(2, "cat", license="by-nc"),
        record(3, "cat", license="by", width=200),
    ]
    async with OpenverseStandIn([*records, record(4, "cat", width=None)]) as server, tools(server) as used:
        found = await pages(used, "cat", license=["cc0", "by"], min_width=500)
    assert server.requests[0]["license"] == "cc0,by"
    assert urls(found) == [records[0]["url"], record(4, "cat")["url"]]


@pytest.mark.parametrize(("key", "size", "requests"), [("", 20, 12), (TOKEN, 48, 5)])
async def test_the_whole_depth_is_read_and_no_page_beyond(key: str, size: int, requests: int) -> None:
    many = [record(number, "cat") for number in range(400)]
    async with OpenverseStandIn(many) as server, tools(server, openverse_key=key) as used:
        assert len(urls(await pages(used, "cat"))) == 240
    assert [one["page_size"] for one in server.requests] == [str(size)] * requests
    assert set(server.tokens) == {f"Bearer {key}" if key else None}


async def test_the_answer_401_about_depth_is_the_end_and_other_401_are_failures() -> None:
    end = denied(401, "pagination depth may not exceed 240 for anonymous requests")
    async with OpenverseStandIn(CATS, [end]) as server, tools(server) as used:
        assert await pages(used, "cat") == [Page((), None)]
        server.faults.append(denied(401, "Invalid token."))
        with pytest.raises(SourceFailed, match=r"refused the query \(401\): Invalid token"):
            await pages(used, "cat")


async def test_short_pauses_are_waited_out_and_troubles_that_pass_are_not_told() -> None:
    waits = Waits()
    faults = [throttled(7), web.Response(status=502), web.Response(text="<html>maintenance</html>")]
    async with OpenverseStandIn(DOGS, faults) as server, tools(server, waits) as used:
        assert len(urls(await pages(used, "dog"))) == 25
    assert waits.seconds == [7, 2, 4]


async def test_a_long_pause_is_told_with_its_length() -> None:
    waits = Waits()
    async with OpenverseStandIn(DOGS, [throttled(3_000)]) as server, tools(server, waits) as used:
        with pytest.raises(SourceFailed, match="429") as caught:
            await pages(used, "dog")
    assert (caught.value.retry_after_s, waits.seconds, len(server.requests)) == (3_000, [], 1)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: throttled(None), "enough of our requests"),
        (lambda: web.Response(status=503), "it answered 503"),
        (lambda: web.Response(text="{"), "not JSON"),
        (lambda: denied(400, {"license": ["License 'x' does not exist."]}), "license: License 'x' does not exist"),
        (lambda: web.json_response({"results": None}), "something else than a page of results"),
        (lambda: web.json_response([]), "something else than a page of results"),
        (lambda: web.Response(body=b"[" + b" " * 9_000_000), "more than 8,388,608 bytes"),
    ],
)
async def test_what_does_not_pass_is_a_failure_in_words(fault: Any, message: str) -> None:
    async with OpenverseStandIn(DOGS, [fault() for _ in range(4)]) as server, tools(server) as used:
        with pytest.raises(SourceFailed, match=message):
            await pages(used, "dog")


async def test_a_server_that_is_not_there_is_a_failure_in_words() -> None:
    async with OpenverseStandIn([]) as server:
        pass
    async with tools(server) as used:
        with pytest.raises(SourceFailed, match="Openverse does not answer"):
            await pages(used, "cat")


async def test_an_inner_address_is_not_reached_through_the_setting_either() -> None:
    async with OpenverseStandIn(CATS) as server:
        settings = Settings(allow_addresses="", openverse_url=server.url)
        async with open_client(settings) as client:
            with pytest.raises(SourceFailed, match="not public"):
                await pages(Tools(client, settings, no_upload, Waits()), "cat")
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"license": ["by", "gpl"]}, ("license", "1")),
        ({"license": "by"}, ("license",)),
        ({"min_width": 0}, ("minWidth",)),
        ({"min_width": "wide"}, ("minWidth",)),
        ({"min_width": True}, ("minWidth",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        OPENVERSE.check(options)
    assert caught.value.path == path


def test_every_source_says_what_it_is() -> None:
    infos = {info.name: info for info in source_infos(Settings())}
    assert all(info.title and info.terms.startswith("https://") for info in infos.values())
    assert all(info.available == (info.reason is None) for info in infos.values())
    free = {name for name, info in infos.items() if info.available}
    assert free == {"openverse", "commons", "web_page", "site", "iiif", "url_list", "bucket"}
    keyed = {name for name, info in infos.items() if info.requires_key}
    assert keyed == {"flickr", "brave", "serpapi", "pexels", "pixabay", "unsplash"}
    assert infos.keys() - free - keyed == {"searxng", "duckduckgo", "bing", "baidu"}
