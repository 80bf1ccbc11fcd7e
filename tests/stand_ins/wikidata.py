"""Wikidata's API over given items: search by name, labels by id, refusals as HTTP 200.

`async with WikidataStandIn([item("Q146", "house cat", aliases=["cat"], de="Hauskatze")]) as wikidata:
Settings(wikidata_url=wikidata.url)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.stand_ins.loopback import Handler, Loopback

IDS = 50


def item(id_: str, label: str, about: str = "a thing", aliases: Sequence[str] = (), **labels: str) -> dict[str, Any]:
    """An item: its English label, description and aliases, and its labels in other languages."""
    return {"id": id_, "label": label, "description": about, "aliases": list(aliases), "labels": labels}


@dataclass
class WikidataStandIn(Loopback):
    """See the module. Items are found, in their order, where a name of theirs begins with what is sought."""

    items: Sequence[dict[str, Any]]
    faults: list[web.Response] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.base}/w/api.php"

    def routes(self) -> Mapping[str, Handler]:
        return {"/w/api.php": self._answer}

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.query))
        self.agents.append(request.headers.get("User-Agent", ""))
        if self.faults:
            return self.faults.pop(0)
        asked = request.query
        if asked.get("action") == "wbsearchentities":
            return web.json_response(self._search(asked["search"], int(asked["limit"])))
        ids = asked.get("ids", "").split("|")
        if asked.get("action") != "wbgetentities" or len(ids) > IDS:
            return refusal("badvalue", "The stand-in knows two actions, and 50 ids.")
        return web.json_response({"entities": self._entities(ids, asked["languages"].split("|")), "success": 1})

    def _search(self, words: str, limit: int) -> dict[str, Any]:
        found = []
        for one in self.items:
            names = [one["label"], *one["aliases"]]
            matching = [name for name in names if name.lower().startswith(words.lower())]
            if matching:
                kind = "label" if matching[0] == one["label"] else "alias"
                match = {"type": kind, "language": "en", "text": matching[0]}
                shown = {name: one[name] for name in ("id", "label", "description")}
                found.append(shown | {"match": match} | ({"aliases": matching} if kind == "alias" else {}))
        return {"searchinfo": {"search": words}, "search": found[:limit], "success": 1}

    def _entities(self, ids: Sequence[str], languages: Sequence[str]) -> dict[str, Any]:
        known = {one["id"]: one["labels"] for one in self.items}
        return {
            id_: {
                "type": "item",
                "id": id_,
                "labels": {
                    code: {"language": code, "value": known[id_][code]} for code in languages if code in known[id_]
                },
            }
            if id_ in known
            else {"id": id_, "missing": ""}
            for id_ in ids
        }


def refusal(code: str, info: str) -> web.Response:
    return web.json_response({"error": {"code": code, "info": info}})
