"""A job's keyword expansion: its limits, and the terms that it comes to.

Terms are determined before a source is asked anything, and kept with the job.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence

from app.errors import Invalid, SourceFailed, SourceUnavailable
from app.fetching.client import open_client
from app.jobs.limits import KEYWORD_CHARS, KEYWORDS, check_count, check_text
from app.jobs.upload import open_upload
from app.settings import settings
from app.sources import wikidata
from app.sources.base import Tools
from app.sources.terms import PLACEHOLDER, terms_of
from app.values import Expansion, Term

PATH = ("input", "expansion")
TEMPLATES = 20
SYNONYMS = 20
LANGUAGES = 10
TRANSLATED = 25
"""Keywords that are looked up: each is a request, and whoever asks waits for them."""
PATIENCE_SHARE = 0.6
"""Of an operation's time, for Wikidata."""

_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,2}")


def checked_expansion(expansion: Expansion, keywords: Sequence[str]) -> Expansion:
    """The expansion as it will be used. Raises Invalid, with the path of the field from `input` down."""
    check_count(expansion.templates, [*PATH, "templates"], 0, TEMPLATES)
    check_count(expansion.languages, [*PATH, "languages"], 0, LANGUAGES)
    check_count(list(expansion.synonyms), [*PATH, "synonyms"], 0, KEYWORDS)
    if expansion.languages and len(keywords) > TRANSLATED:
        raise Invalid(
            f"Of at most {TRANSLATED} keywords the names in other languages are looked up, not of {len(keywords)}.",
            path=[*PATH, "languages"],
            limit=str(TRANSLATED),
            actual=str(len(keywords)),
        )
    return Expansion(
        tuple(_template(text, place) for place, text in enumerate(expansion.templates)),
        _synonyms(expansion.synonyms, keywords),
        expansion.plurals,
        tuple(dict.fromkeys(_language(code, place) for place, code in enumerate(expansion.languages))),
        expansion.bare,
    )


def _template(text: str, place: int) -> str:
    path = [*PATH, "templates", str(place)]
    text = check_text(text, path, KEYWORD_CHARS)
    if PLACEHOLDER not in text:
        raise Invalid(f"A template holds {PLACEHOLDER}, as in `a drawing of a {PLACEHOLDER}`.", path=path, actual=text)
    return text


def _synonyms(given: Mapping[str, tuple[str, ...]], keywords: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """By the keywords as the job has them."""
    known = {keyword.casefold(): keyword for keyword in keywords}
    checked: dict[str, tuple[str, ...]] = {}
    for place, (keyword, words) in enumerate(given.items()):
        path = [*PATH, "synonyms", str(place)]
        meant = known.get(keyword.strip().casefold())
        if meant is None:
            raise Invalid(f"{keyword[:KEYWORD_CHARS]} is none of the job's keywords.", path=[*path, "keyword"])
        check_count(words, [*path, "synonyms"], 1, SYNONYMS)
        told = tuple(check_text(w, [*path, "synonyms", str(at)], KEYWORD_CHARS) for at, w in enumerate(words))
        checked[meant] = (*checked.get(meant, ()), *told)
    return checked


def _language(code: str, place: int) -> str:
    path = [*PATH, "languages", str(place)]
    text = check_text(code, path, 20).lower()
    if not _CODE.fullmatch(text):
        raise Invalid("A language is a code like de, ja or pt-br.", path=path, limit="de", actual=text)
    return text


async def expanded(keywords: Sequence[str], expansion: Expansion) -> tuple[Term, ...]:
    """All terms of a job. Raises Invalid over a limit, SourceUnavailable where Wikidata does not answer in time."""
    labels: Mapping[str, Mapping[str, str]] = {}
    if expansion.languages and keywords:
        labels = await _labels(keywords, expansion.languages)
    return terms_of(keywords, expansion, labels, PATH)


async def _labels(keywords: Sequence[str], languages: Sequence[str]) -> dict[str, dict[str, str]]:
    patience_s = settings().operation_timeout_s * PATIENCE_SHARE
    try:
        async with asyncio.timeout(patience_s), open_client(settings()) as client:
            return await wikidata.labels(Tools(client, settings(), open_upload, hurried=True), keywords, languages)
    except SourceFailed as error:
        reason = error.message
    except TimeoutError:
        reason = f"Wikidata did not answer within {patience_s:g} s."
    told = f"The keywords' names in other languages are not to be had: {reason}"
    raise SourceUnavailable(told, path=[*PATH, "languages"])
