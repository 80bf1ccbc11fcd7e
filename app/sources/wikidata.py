"""Wikidata: what a thing is called in other languages. No source of images; it makes terms for those that are.

An item is taken for an English keyword only where its label or an alias is that keyword, not where it is merely near;
the first such item is meant. https://www.wikidata.org/w/api.php?action=help&modules=wbsearchentities
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from app.errors import SourceFailed
from app.sources.base import Tools, clean_keyword
from app.sources.http import ask
from app.sources.mediawiki import MAX_LAG_S, error_of, passing
from app.values import Json

TITLE = "Wikidata"
AT_ONCE = 3
"""Requests at once; more are against Wikimedia's etiquette."""
SENSES = 7
"""Items of one search that are looked at."""
IDS = 50
"""Items that one request may name."""
NO_THINGS = ("wikimedia disambiguation page", "wikimedia category", "family name", "given name")


async def labels(tools: Tools, keywords: Sequence[str], languages: Sequence[str]) -> dict[str, dict[str, str]]:
    """Keyword → language code → name, for those that Wikidata has. Raises SourceFailed."""
    ids = await _items(tools, keywords)
    wanted = list(dict.fromkeys(one for one in ids if one))
    told: dict[str, dict[str, str]] = {}
    for first in range(0, len(wanted), IDS):
        told |= await _names(tools, wanted[first : first + IDS], languages)
    return {keyword: told[one] for keyword, one in zip(keywords, ids, strict=True) if one and told.get(one)}


async def _items(tools: Tools, keywords: Sequence[str]) -> list[str | None]:
    """The item of each keyword. The first trouble ends all of them."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(keyword: str) -> str | None:
        async with free:
            return await _item(tools, keyword)

    try:
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(one(keyword)) for keyword in keywords]
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return [task.result() for task in asked]


async def _item(tools: Tools, keyword: str) -> str | None:
    """The first item of this name."""
    body = await _asked(
        tools,
        {
            "action": "wbsearchentities",
            "search": keyword,
            "language": "en",
            "uselang": "en",
            "type": "item",
            "limit": str(SENSES),
        },
    )
    listed = body.get("search")
    for found in listed if isinstance(listed, list) else []:
        if isinstance(found, dict) and isinstance(found.get("id"), str) and _is_named(found, keyword):
            return str(found["id"])
    return None


def _is_named(found: Mapping[str, Json], keyword: str) -> bool:
    about = str(found.get("description") or "").casefold()
    aliases = found.get("aliases")
    match = found.get("match")
    names = [found.get("label"), *(aliases if isinstance(aliases, list) else [])]
    names += [match.get("text")] if isinstance(match, dict) else []
    return not about.startswith(NO_THINGS) and keyword.casefold() in {str(name).casefold() for name in names}


async def _names(tools: Tools, ids: Sequence[str], languages: Sequence[str]) -> dict[str, dict[str, str]]:
    """Item → language code → label."""
    body = await _asked(
        tools,
        {
            "action": "wbgetentities",
            "ids": "|".join(ids),
            "props": "labels",
            "languages": "|".join(languages),
        },
    )
    entities = body.get("entities")
    told: dict[str, dict[str, str]] = {}
    for name, entity in entities.items() if isinstance(entities, dict) else ():
        listed = entity.get("labels") if isinstance(entity, dict) else None
        found = listed if isinstance(listed, dict) else {}
        known = {code: _label(found.get(code)) for code in languages}
        told[str(name)] = {code: text for code, text in known.items() if text}
    return told


def _label(value: Json) -> str | None:
    return clean_keyword(value.get("value")) if isinstance(value, dict) else None


async def _asked(tools: Tools, params: Mapping[str, str]) -> dict[str, Json]:
    common = {"format": "json", "formatversion": "2", "maxlag": str(MAX_LAG_S)}
    answer = await ask(tools, TITLE, tools.settings.wikidata_url, {**params, **common}, None, passing)
    code, words = error_of(answer)
    if code:
        raise SourceFailed(f"{TITLE} refused the query ({code}): {words[:300]}")
    if answer.status != 200 or not isinstance(answer.body, dict):
        raise SourceFailed(f"{TITLE} answered {answer.status} with something else than items.")
    return answer.body
