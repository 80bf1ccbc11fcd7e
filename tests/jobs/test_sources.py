"""Which sources a job may name, and what it remembers of what was asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.asking import refusal
from tests.support.service import CREATE, Person

ASKED = "query($id: ID!) { crawlJob(id: $id) { sources { name options found state message } } }"


@pytest.mark.parametrize(
    ("source", "member", "setting"),
    [
        ({"flickr": {}}, "flickr", "PIXCRAWLER_FLICKR_KEY"),
        ({"brave": {}}, "brave", "PIXCRAWLER_BRAVE_KEY"),
        ({"serpapi": {}}, "serpapi", "PIXCRAWLER_SERPAPI_KEY"),
        ({"pexels": {}}, "pexels", "PIXCRAWLER_PEXELS_ENABLED"),
        ({"pixabay": {}}, "pixabay", "PIXCRAWLER_PIXABAY_ENABLED"),
        ({"unsplash": {}}, "unsplash", "PIXCRAWLER_UNSPLASH_KEY"),
        ({"bing": {}}, "bing", "PIXCRAWLER_BING_ENABLED"),
        ({"baidu": {}}, "baidu", "PIXCRAWLER_BAIDU_ENABLED"),
        ({"duckduckgo": {}}, "duckduckgo", "PIXCRAWLER_DUCKDUCKGO_ENABLED"),
        ({"searxng": {}}, "searxng", "PIXCRAWLER_SEARXNG_URL"),
    ],
)
async def test_a_source_that_is_off_or_lacks_its_key_is_refused_with_the_setting_that_is_missing(
    owner: Person, source: dict[str, Any], member: str, setting: str
) -> None:
    asked = {"projectId": await owner.project(), "name": "Job", "keywords": ["cat"], "sources": [source]}
    error = await refusal(owner, CREATE, input=asked)
    assert (error["code"], error["path"]) == ("SOURCE_UNAVAILABLE", ["input", "sources", "0", member])
    assert setting in error["message"]


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"webPage": {"urls": []}}, ["webPage", "urls"]),
        ({"bucket": {"urls": ["ftp://example.org/"]}}, ["bucket", "urls"]),
        ({"site": {"urls": ["https://example.org/"], "maxPages": 0}}, ["site", "maxPages"]),
        ({"commons": {"minWidth": 0}}, ["commons", "minWidth"]),
        ({"openverse": {"license": ["mine"]}}, ["openverse", "license"]),
    ],
)
async def test_an_option_that_is_wrong_is_named_by_its_path(
    owner: Person, source: dict[str, Any], path: list[str]
) -> None:
    asked = {"projectId": await owner.project(), "name": "Job", "keywords": ["cat"], "sources": [source]}
    error = await refusal(owner, CREATE, input=asked)
    assert error["code"] == "INVALID"
    assert error["path"][: 3 + len(path)] == ["input", "sources", "0", *path]


async def test_what_was_asked_of_a_source_can_be_asked_again(owner: Person) -> None:
    given = [
        {"commons": {"license": ["by"], "minWidth": 640}},
        {"bucket": {"urls": ["https://example.org/pictures/"], "labelByFolder": True}},
    ]
    job = await owner.crawl(keywords=["cat"], sources=given, start=False)
    shown = (await owner.get(ASKED, id=job))["crawlJob"]["sources"]
    assert [one["name"] for one in shown] == ["commons", "bucket"]
    again = [{one["name"]: one["options"]} for one in shown]
    assert again == given
    assert await owner.crawl(keywords=["cat"], sources=again, start=False) != job
