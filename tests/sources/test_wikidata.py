"""Wikidata is asked for items by their exact name, and for their labels: few requests, in an honest name."""

from __future__ import annotations

import pytest
from aiohttp import web

from app.errors import SourceFailed
from app.fetching.client import open_client
from app.settings import Settings
from app.sources.base import Tools
from app.sources.wikidata import labels
from tests.sources.asking import Waits, no_upload
from tests.stand_ins.wikidata import WikidataStandIn, item, refusal

ITEMS = [
    item("Q1", "catalogue", de="Katalog"),
    item("Q2", "Cat", "Wikimedia disambiguation page", de="Cat"),
    item("Q146", "house cat", aliases=["cat", "domestic cat"], de="Hauskatze", fr="chat", ja="イエネコ"),
    item("Q144", "dog", de="Haushund"),
]


async def asked(wikidata: WikidataStandIn, keywords: list[str], languages: list[str]) -> dict[str, dict[str, str]]:
    settings = Settings(wikidata_url=wikidata.url, allow_addresses="127.0.0.0/8", contact="ann@example.org")
    async with open_client(settings) as client:
        return await labels(Tools(client, settings, no_upload, Waits()), keywords, languages)


async def test_labels_are_those_of_the_item_that_has_the_keyword_as_a_name() -> None:
    async with WikidataStandIn(ITEMS) as wikidata:
        found = await asked(wikidata, ["cat", "dog", "no such thing"], ["de", "fr"])
    assert found == {"cat": {"de": "Hauskatze", "fr": "chat"}, "dog": {"de": "Haushund"}}
    assert len(wikidata.requests) == 4
    assert all(one["maxlag"] == "5" for one in wikidata.requests)
    assert all("PixCrawler" in agent and "ann@example.org" in agent for agent in wikidata.agents)


async def test_what_passes_is_waited_for_and_what_does_not_is_told() -> None:
    async with WikidataStandIn(ITEMS) as wikidata:
        wikidata.faults.append(refusal("maxlag", "Waiting for a copy: 6 seconds lagged."))
        assert (await asked(wikidata, ["dog"], ["de"])) == {"dog": {"de": "Haushund"}}
        wikidata.faults.append(refusal("badvalue", "No such language."))
        with pytest.raises(SourceFailed, match=r"badvalue.*No such language"):
            await asked(wikidata, ["dog", "cat"], ["xx"])
        wikidata.faults[:] = [web.json_response([1, 2])]
        with pytest.raises(SourceFailed, match="something else"):
            await asked(wikidata, ["dog"], ["de"])
