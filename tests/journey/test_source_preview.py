"""What sources have is seen before a job is made: counts, thumbnails, and why a source does not answer."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from app.jobs import preview
from tests.stand_ins import brave, commons, flickr
from tests.stand_ins.brave import BraveStandIn
from tests.stand_ins.commons import CommonsStandIn
from tests.stand_ins.documents import Documents
from tests.stand_ins.flickr import FlickrStandIn
from tests.stand_ins.openverse import OpenverseStandIn, denied, record, throttled
from tests.stand_ins.wikidata import WikidataStandIn, item
from tests.support.configured import configured
from tests.support.service import Person, entries, until

PREVIEW = """query($input: SourcePreviewInput!) { sourcePreview(input: $input) {
  entries { source keyword term by total error { code message path }
    candidates { url thumbnailUrl landingUrl title creator license licenseUrl } }
  errors { code message path limit actual } } }"""


async def previewed(who: Person, **given: Any) -> list[dict[str, Any]]:
    """The entries of a preview in which nothing was wrong."""
    found = (await who.get(PREVIEW, input=given))["sourcePreview"]
    assert not found["errors"], found
    return list(found["entries"])


async def refusal(who: Person, **given: Any) -> dict[str, Any]:
    found = (await who.get(PREVIEW, input=given))["sourcePreview"]
    (error,) = found["errors"]
    assert found["entries"] == []
    return dict(error)


async def test_each_source_and_keyword_has_its_count_and_its_first_images(
    owner: Person, db: asyncpg.Connection
) -> None:
    records = [record(n, word) for word, most in (("cat", 30), ("dog", 2)) for n in range(most)]
    files = [commons.file(n, "cat") for n in range(60)]
    async with OpenverseStandIn(records) as openverse, CommonsStandIn(files) as wiki:
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_COMMONS_URL=wiki.url):
            found = await previewed(
                owner, sources=[{"openverse": {}}, {"commons": {}}], keywords=["cat", "dog"], first=4
            )
    told = [(one["source"], one["keyword"], one["total"], len(one["candidates"])) for one in found]
    assert told == [
        ("openverse", "cat", 30, 4),
        ("openverse", "dog", 2, 2),
        ("commons", "cat", 60, 4),
        ("commons", "dog", 0, 0),
    ]
    assert found[0]["candidates"][0] == {
        "url": "https://live.photos.example/cat-0.jpg",
        "thumbnailUrl": "https://api.openverse.org/v1/images/0/thumb/",
        "landingUrl": "https://photos.example/cat-0",
        "title": "A cat, the 0th",
        "creator": "Ann Example",
        "license": "by 2.0",
        "licenseUrl": "https://creativecommons.org/licenses/by/2.0/",
    }
    assert all(one["error"] is None for one in found)
    # One page of each, and no rows.
    assert (len(openverse.requests), len(wiki.requests)) == (2, 2)
    for table in ("crawl_jobs", "images", "activity_logs"):
        assert await db.fetchval(f"select count(*) from {table}") == 0


async def test_the_variations_are_seen_with_what_made_them(owner: Person) -> None:
    things = [item("Q146", "house cat", aliases=["cat"], de="Hauskatze")]
    async with OpenverseStandIn([record(1, "cats")]) as openverse, WikidataStandIn(things) as wikidata:
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_WIKIDATA_URL=wikidata.url):
            expansion = {"plurals": True, "languages": ["de"]}
            found = await previewed(owner, sources=[{"openverse": {}}], keywords=["cat"], expansion=expansion)
    told = [(one["keyword"], one["term"], one["by"], one["total"]) for one in found]
    assert told == [
        ("cat", "cat", "keyword", 0), ("cat", "cats", "plural", 1), ("cat", "Hauskatze", "language", 0),
    ]  # fmt: skip


async def test_a_source_without_keyword_search_gives_its_first_page(owner: Person) -> None:
    page = '<html><body><img src="/a.jpg" alt="A cat"><img src="/b.jpg"></body></html>'
    async with Documents({"/": page}) as site:
        listed = entries("https://a.example/1.jpg", "https://a.example/2.jpg")
        sources = [*listed, {"webPage": {"urls": [f"{site.base}/"]}}]
        found = await previewed(owner, sources=sources, keywords=["cat"], first=1)
    assert [(one["source"], one["keyword"], one["term"], one["total"]) for one in found] == [
        ("url_list", "cat", None, None),
        ("web_page", "cat", None, None),
    ]
    assert [one["candidates"][0]["url"] for one in found] == ["https://a.example/1.jpg", f"{site.base}/a.jpg"]


async def test_a_source_that_cannot_be_asked_says_why_and_the_others_answer(owner: Person) -> None:
    async with FlickrStandIn([flickr.photo(1, "cat")]) as refusing, OpenverseStandIn([record(1, "cat")]) as openverse:
        with configured(
            PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_FLICKR_URL=refusing.url, PIXCRAWLER_FLICKR_KEY="wrong"
        ):
            sources: list[dict[str, Any]] = [{"brave": {}}, {"flickr": {}}, {"openverse": {}}]
            found = await previewed(owner, sources=sources, keywords=["cat", "dog"])
    missing, refused, unasked, *answered = found
    assert (missing["source"], missing["error"]["code"]) == ("brave", "SOURCE_UNAVAILABLE")
    assert missing["error"]["path"] == ["input", "sources", "0", "brave"]
    assert "PIXCRAWLER_BRAVE_KEY" in missing["error"]["message"]
    for one in (refused, unasked):
        assert one["error"]["path"] == ["input", "sources", "1", "flickr"]
        assert "PIXCRAWLER_FLICKR_KEY" in one["error"]["message"]
    assert len(refusing.requests) == 1
    assert [(one["source"], one["error"], one["total"]) for one in answered] == [
        ("openverse", None, 1), ("openverse", None, 0),
    ]  # fmt: skip


async def test_the_counts_of_keyed_sources_are_theirs(owner: Person) -> None:
    async with (
        FlickrStandIn([flickr.photo(n, "cat") for n in range(7)]) as photos,
        BraveStandIn([brave.result(n, "cat") for n in range(5)]) as searched,
    ):
        with configured(
            PIXCRAWLER_FLICKR_URL=photos.url, PIXCRAWLER_FLICKR_KEY=flickr.KEY,
            PIXCRAWLER_BRAVE_URL=searched.url, PIXCRAWLER_BRAVE_KEY=brave.KEY,
        ):  # fmt: skip
            found = await previewed(owner, sources=[{"flickr": {}}, {"brave": {}}], keywords=["cat"])
    assert [(one["source"], one["total"], len(one["candidates"])) for one in found] == [
        ("flickr", 7, 3),
        ("brave", None, 3),
    ]


async def test_a_trouble_is_told_at_once_and_not_asked_again(owner: Person) -> None:
    async with OpenverseStandIn([record(1, "dog")]) as openverse:
        openverse.faults += [throttled(1), denied(400, {"q": ["This is no query."]})]
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            sources: list[dict[str, Any]] = [{"openverse": {}}]
            (busy, unasked) = await previewed(owner, sources=sources, keywords=["cat", "dog"])
            assert len(openverse.requests) == 1
            assert "429" in busy["error"]["message"]
            assert busy["error"] == unasked["error"]
            # A refused query costs that query alone.
            (refused, answered) = await previewed(owner, sources=sources, keywords=["cat", "dog"])
    assert "400" in refused["error"]["message"]
    assert (answered["error"], answered["total"]) == (None, 1)


async def test_a_source_that_hangs_is_given_up_before_the_operation_is(owner: Person) -> None:
    async with OpenverseStandIn([]) as openverse:
        openverse.gate = asyncio.Event()
        try:
            with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_OPERATION_TIMEOUT_S="0.8"):
                sources = [{"openverse": {}}, *entries("https://a.example/1.jpg")]
                hung, answered = await previewed(owner, sources=sources, keywords=["cat"])
        finally:
            openverse.gate.set()
    assert "Time ran out" in hung["error"]["message"]
    assert len(answered["candidates"]) == 1


async def test_requests_are_counted_whatever_a_source_needs_of_them(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "REQUESTS", 2)
    records = [record(n, f"word {n}") for n in range(5)]
    async with OpenverseStandIn(records) as openverse:
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            found = await previewed(owner, sources=[{"openverse": {}}], keywords=[f"word {n}" for n in range(4)])
    assert len(openverse.requests) == 2
    assert [one["error"] is None for one in found] == [True, True, False, False]
    assert "requests at most" in found[2]["error"]["message"]


@pytest.mark.parametrize(
    ("given", "path", "limit"),
    [
        ({"first": 0}, ["input", "first"], "1"),
        ({"first": 11}, ["input", "first"], "10"),
        ({"sources": []}, ["input", "sources"], "1"),
        ({"keywords": []}, ["input", "keywords"], None),
        ({"keywords": [f"word {n}" for n in range(41)]}, ["input"], "40"),
        ({"keywords": ["x" * 201]}, ["input", "keywords", "0"], "200"),
        ({"sources": [{"openverse": {"minWidth": 0}}]}, ["input", "sources", "0", "openverse", "minWidth"], None),
        ({"expansion": {"templates": ["no"]}}, ["input", "expansion", "templates", "0"], None),
    ],
)
async def test_what_is_wrong_is_named_with_its_limit_and_nothing_is_asked(
    owner: Person, given: dict[str, Any], path: list[str], limit: str | None
) -> None:
    async with OpenverseStandIn([]) as openverse:
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            error = await refusal(owner, **{"sources": [{"openverse": {}}], "keywords": ["cat"]} | given)
        assert not openverse.requests
    assert (error["code"], error["path"]) == ("INVALID", path)
    assert limit is None or error["limit"] == limit


async def test_another_persons_upload_is_not_read(owner: Person, stranger: Person) -> None:
    made = await owner.do(
        'mutation { createUrlListUpload(input: {filename: "a.csv"}) { uploadId uploadUrl errors { message } } }'
    )
    error = await refusal(stranger, sources=[{"urlList": {"uploadId": made["uploadId"]}}])
    assert error["path"] == ["input", "sources", "0", "urlList", "uploadId"]


async def test_a_person_has_two_previews_at_once(owner: Person, stranger: Person) -> None:
    given: dict[str, Any] = {"sources": [{"openverse": {}}], "keywords": ["cat"]}
    async with OpenverseStandIn([record(1, "cat")]) as openverse:
        openverse.gate = asyncio.Event()
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            async with asyncio.TaskGroup() as tasks:
                waiting = [tasks.create_task(previewed(owner, **given)) for _ in range(2)]
                await until(lambda: _both_asked(openverse))
                error = await refusal(owner, **given)
                others = tasks.create_task(previewed(stranger, **given))
                openverse.gate.set()
    assert (error["code"], error["limit"]) == ("RATE_LIMITED", "2")
    assert all(task.result()[0]["total"] == 1 for task in (*waiting, others))
    assert not preview._under_way


async def _both_asked(openverse: OpenverseStandIn) -> bool:
    return len(openverse.requests) == 2


async def test_nobody_without_a_token_has_sources_asked(owner: Person) -> None:
    async with OpenverseStandIn([]) as openverse:
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            nobody = Person(owner.url, "no token", owner.session)
            answer = await nobody.ask(PREVIEW, input={"sources": [{"openverse": {}}], "keywords": ["cat"]})
        assert not openverse.requests
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
