"""Keywords and what they are varied to: searched fairly, labelled by the keyword, told of one by one."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.stand_ins import brave, commons, flickr, pexels, pixabay, serpapi, unsplash
from tests.stand_ins.brave import BraveStandIn
from tests.stand_ins.commons import CommonsStandIn
from tests.stand_ins.flickr import FlickrStandIn
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.stand_ins.openverse import OpenverseStandIn, denied, record
from tests.stand_ins.pexels import PexelsStandIn
from tests.stand_ins.pixabay import PixabayStandIn
from tests.stand_ins.serpapi import SerpapiStandIn
from tests.stand_ins.unsplash import UnsplashStandIn
from tests.stand_ins.wikidata import WikidataStandIn, item, refusal
from tests.support.asking import act, good, images
from tests.support.asking import refusal as refused
from tests.support.configured import configured
from tests.support.service import CREATE, Person, entries, running_worker, until
from workers import field

ASKED = """query($id: ID!) { crawlJob(id: $id) { keywords terms { keyword term by }
  sources { name found state message keywords { keyword term found total state message } } } }"""


@contextlib.asynccontextmanager
async def web(words: dict[str, int], first: int = 0) -> AsyncIterator[tuple[OpenverseStandIn, CommonsStandIn]]:
    """Openverse and Commons with so many different pictures each of these words, all on a host that gives them."""
    count = 2 * sum(words.values())
    async with MisbehavingHost(good(count, first)) as host:
        numbers = iter(range(first, first + count))
        addresses = [host.url(f"/{n}.jpg") for n in numbers]
        numbered = iter(addresses)
        records = [record(n, word, url=next(numbered)) for word, most in words.items() for n in range(most)]
        files = [
            commons.file(place * 1000 + n, word, url=next(numbered))
            for place, (word, most) in enumerate(words.items())
            for n in range(most)
        ]
        async with OpenverseStandIn(records) as openverse, CommonsStandIn(files) as wiki:
            with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_COMMONS_URL=wiki.url):
                yield openverse, wiki


async def asked(who: Person, job: str) -> dict[str, Any]:
    return dict((await who.get(ASKED, id=job))["crawlJob"])


BOTH: list[dict[str, Any]] = [{"openverse": {}}, {"commons": {}}]


@pytest.mark.parametrize("wanted", [3, 7, 12])
async def test_a_small_job_is_shared_among_sources_and_keywords(owner: Person, wanted: int) -> None:
    words = {"cat": 12, "dog": 12, "bird": 12}
    async with web(words), running_worker():
        job = await owner.crawl(keywords=list(words), sources=BOTH, maxImages=wanted)
        await owner.ended(job)
        found = await images(owner, job)
        told = await asked(owner, job)
    assert len(found) == wanted
    by_keyword = Counter(one["keyword"] for one in found)
    by_source = Counter(one["provenance"]["source"] for one in found)
    assert set(by_keyword) == set(words)
    assert max(by_keyword.values()) - min(by_keyword.values()) <= 1, by_keyword
    assert set(by_source) == {"openverse", "commons"}
    assert max(by_source.values()) - min(by_source.values()) <= 1, by_source
    assert sum(one["found"] for source in told["sources"] for one in source["keywords"]) == wanted


async def test_a_keyword_that_runs_dry_leaves_its_share_to_the_others(owner: Person) -> None:
    async with web({"cat": 2, "dog": 20}), running_worker():
        job = await owner.crawl(keywords=["cat", "dog"], sources=BOTH, maxImages=20)
        await owner.ended(job)
        found = Counter((one["keyword"]) for one in await images(owner, job))
    assert found == {"cat": 4, "dog": 16}


async def test_a_search_that_goes_on_begins_with_what_is_behind(owner: Person) -> None:
    async with web({"cat": 12, "dog": 12}), running_worker():
        job = await owner.crawl(keywords=["cat", "dog"], sources=BOTH, maxImages=6, chunkSize=1)
        await owner.ended(job)
        assert Counter(one["keyword"] for one in await images(owner, job)) == {"cat": 3, "dog": 3}
        raised = "mutation($id: ID!) { updateCrawlJob(input: {id: $id, maxImages: 12}) { errors { message } } }"
        more = await owner.crawl(keywords=["cat", "dog"], sources=BOTH, maxImages=6, chunkSize=1, start=False)
        assert not (await owner.do(raised, id=more))["errors"]
        await act(owner, "startCrawlJob", more)
        await owner.ended(more)
        found = await images(owner, more)
    assert Counter(one["keyword"] for one in found) == {"cat": 6, "dog": 6}
    assert len({one["originalUrl"] for one in found}) == 12


async def test_a_source_that_lets_us_wait_does_not_hold_the_others(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(field, "PATIENCE_S", 0.1)
    async with web({"cat": 4}) as (openverse, _), running_worker():
        openverse.gate = asyncio.Event()
        job = await owner.crawl(keywords=["cat"], sources=BOTH)
        await until(lambda: _has_images(owner, job, 4))
        assert [one["state"] for one in (await asked(owner, job))["sources"]] == ["running", "done"]
        openverse.gate.set()
        ended = await owner.ended(job)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 8)


async def _has_images(who: Person, job: str, wanted: int) -> bool:
    return int((await who.job(job))["validImages"]) == wanted


async def test_what_a_variation_finds_is_labelled_by_the_keyword_and_says_the_term(owner: Person) -> None:
    expansion = {
        "templates": ["a drawing of a {keyword}"],
        "synonyms": [{"keyword": "cat", "synonyms": ["kitty"]}],
        "plurals": True,
        "languages": ["de"],
    }
    words = {"cat": 2, "cats": 2, "kitty": 1, "Hauskatze": 1, "a drawing of a cat": 1, "dog": 1}
    things = [item("Q146", "house cat", aliases=["cat"], de="Hauskatze"), item("Q144", "dog", de="Haushund")]
    async with web(words), WikidataStandIn(things) as wikidata:
        with configured(PIXCRAWLER_WIKIDATA_URL=wikidata.url):
            async with running_worker():
                job = await owner.crawl(keywords=["cat", "dog"], sources=[{"openverse": {}}], expansion=expansion)
                await owner.ended(job)
    found = await images(owner, job)
    terms = Counter((one["keyword"], (one["provenance"]["extra"] or {}).get("term")) for one in found)
    variations = {"cats": 2, "kitty": 1, "Hauskatze": 1, "a drawing of a cat": 1}
    assert terms == Counter({("cat", None): 2, ("dog", None): 1}) + Counter(
        {("cat", w): n for w, n in variations.items()}
    )
    told = await asked(owner, job)
    assert told["keywords"] == ["cat", "dog"]
    assert [(one["term"], one["by"]) for one in told["terms"] if one["keyword"] == "dog"] == [
        ("dog", "keyword"),
        ("dogs", "plural"),
        ("Haushund", "language"),
        ("a drawing of a dog", "template"),
    ]
    (source,) = told["sources"]
    by_term = {one["term"]: one for one in source["keywords"]}
    assert by_term["cats"] == {
        "keyword": "cat", "term": "cats", "found": 2, "total": 2, "state": "done", "message": "There is no more.",
    }  # fmt: skip
    assert (by_term["Haushund"]["found"], by_term["Haushund"]["message"]) == (0, "Nothing was found.")
    assert source["found"] == sum(one["found"] for one in source["keywords"]) == 8


async def test_terms_are_determined_once_and_the_same_request_does_not_ask_wikidata_again(owner: Person) -> None:
    async with web({"Hauskatze": 2}), WikidataStandIn([item("Q1", "cat", de="Hauskatze")]) as wikidata:
        with configured(PIXCRAWLER_WIKIDATA_URL=wikidata.url):
            async with running_worker():
                given: dict[str, Any] = {"keywords": ["cat"], "sources": [{"openverse": {}}], "maxImages": 1}
                job = await owner.crawl(**given, expansion={"languages": ["de"]}, idempotencyKey="again")
                await owner.ended(job)
                before, requests = await asked(owner, job), len(wikidata.requests)
                assert await owner.crawl(**given, expansion={"languages": ["de"]}, idempotencyKey="again") == job
                assert len(wikidata.requests) == requests
    assert [one["term"] for one in before["terms"]] == ["cat", "Hauskatze"]


async def test_what_has_more_than_the_job_wanted_says_so_of_each_term(owner: Person) -> None:
    async with web({"cat": 30}), running_worker():
        job = await owner.crawl(keywords=["cat"], sources=BOTH, maxImages=4)
        await owner.ended(job)
    for source in (await asked(owner, job))["sources"]:
        (told,) = source["keywords"]
        assert (told["found"], told["total"], told["state"]) == (2, 30, "running")
        assert "There may be more" in told["message"]


async def test_a_source_that_searches_by_no_keyword_has_one_entry(owner: Person) -> None:
    async with MisbehavingHost(good(2)) as host, running_worker():
        job = await owner.crawl(keywords=["cat"], sources=entries(host.url("/0.jpg"), host.url("/1.jpg")))
        await owner.ended(job)
    (told,) = (await asked(owner, job))["sources"][0]["keywords"]
    assert told == {
        "keyword": "cat", "term": None, "found": 2, "total": None, "state": "done", "message": "There is no more.",
    }  # fmt: skip


async def test_a_term_that_a_source_refuses_costs_that_term_alone(owner: Person) -> None:
    async with web({"cat": 2, "dog": 2}) as (openverse, _), running_worker():
        openverse.faults.append(denied(400, {"q": ["This is no query."]}))
        job = await owner.crawl(keywords=["cat", "dog"], sources=[{"openverse": {}}])
        ended = await owner.ended(job)
        (source,) = (await asked(owner, job))["sources"]
        assert (ended["status"], source["state"], source["found"]) == ("COMPLETED", "done", 2)
        assert source["message"].startswith("cat: Openverse refused the query (400)")
        assert [one["state"] for one in source["keywords"]] == ["failed", "done"]
        # Another try asks for that term again, and for no other.
        openverse.requests.clear()
        await act(owner, "retryCrawlJob", job)
        await owner.ended(job)
        assert [one["q"] for one in openverse.requests] == ["cat"]
    assert len(await images(owner, job)) == 4


KEYED: dict[str, Any] = {
    "flickr": lambda: FlickrStandIn([flickr.photo(1, "cat")]),
    "brave": lambda: BraveStandIn([brave.result(1, "cat")]),
    "serpapi": lambda: SerpapiStandIn([serpapi.result(1, "cat")]),
    "pexels": lambda: PexelsStandIn([pexels.photo(1, "cat")]),
    "pixabay": lambda: PixabayStandIn([pixabay.photo(1, "cat")]),
    "unsplash": lambda: UnsplashStandIn([unsplash.photo(1, "cat")]),
    "openverse": lambda: OpenverseStandIn([record(1, "cat")], faults=[denied(401, "Invalid token.")]),
}


@pytest.mark.parametrize("name", KEYED)
async def test_a_refused_key_is_named_by_its_setting_and_the_other_sources_go_on(owner: Person, name: str) -> None:
    setting = f"PIXCRAWLER_{name.upper()}"
    key = f"{setting}_KEY"
    async with web({"cat": 3, "dog": 1}), KEYED[name]() as refusing:
        with configured(**{key: "wrong", f"{setting}_URL": refusing.url, f"{setting}_ENABLED": "true"}):
            async with running_worker():
                job = await owner.crawl(keywords=["cat", "dog"], sources=[{name: {}}, {"commons": {}}])
                ended = await owner.ended(job)
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 4)
    failed, done = (await asked(owner, job))["sources"]
    assert (failed["state"], done["state"]) == ("failed", "done")
    assert key in failed["message"]
    assert key in failed["keywords"][0]["message"]
    assert "The source failed" in failed["keywords"][1]["message"]
    assert key in ended["errorMessage"]
    assert len(refusing.requests) == 1


@pytest.mark.parametrize(
    ("expansion", "path", "limit"),
    [
        ({"templates": ["a drawing"]}, ["templates", "0"], None),
        ({"templates": ["{keyword}!"] * 21}, ["templates"], "20"),
        ({"templates": ["{keyword}" + "!" * 200]}, ["templates", "0"], "200"),
        ({"templates": [f"{{keyword}} {'!' * n}" for n in range(1, 21)]}, [], "50"),
        ({"synonyms": [{"keyword": "horse", "synonyms": ["mare"]}]}, ["synonyms", "0", "keyword"], None),
        ({"synonyms": [{"keyword": "cat", "synonyms": []}]}, ["synonyms", "0", "synonyms"], "1"),
        ({"synonyms": [{"keyword": "cat", "synonyms": ["x" * 201]}]}, ["synonyms", "0", "synonyms", "0"], "200"),
        ({"languages": ["german"]}, ["languages", "0"], "de"),
        ({"languages": ["de"] * 11}, ["languages"], "10"),
        ({"bare": False}, ["bare"], None),
    ],
)
async def test_an_expansion_over_a_limit_is_refused_with_field_and_limit(
    owner: Person, expansion: dict[str, Any], path: list[str], limit: str | None
) -> None:
    synonyms = [{"keyword": "cat", "synonyms": [f"cat {n}" for n in range(2)]}]
    given = {"synonyms": synonyms} | expansion if path == [] else expansion
    error = await refused(
        owner,
        CREATE,
        input={
            "projectId": await owner.project(),
            "name": "Job",
            "keywords": ["cat"],
            "sources": [{"openverse": {}}],
            "expansion": given,
        },
    )
    assert (error["code"], error["path"]) == ("INVALID", ["input", "expansion", *path])
    assert error["limit"] == limit


async def test_without_wikidata_there_are_no_languages_and_the_job_is_not_made(owner: Person) -> None:
    async with WikidataStandIn([]) as wikidata:
        wikidata.faults.append(refusal("maxlag", "Waiting for a copy."))
        with configured(PIXCRAWLER_WIKIDATA_URL=wikidata.url):
            given: dict[str, Any] = {"projectId": await owner.project(), "name": "Job", "keywords": ["cat"]}
            given |= {"sources": [{"openverse": {}}], "expansion": {"languages": ["de"]}}
            error = await refused(owner, CREATE, input=given)
    assert (error["code"], error["path"]) == ("SOURCE_UNAVAILABLE", ["input", "expansion", "languages"])
    assert "Wikidata" in error["message"]
    assert len(wikidata.requests) == 1
