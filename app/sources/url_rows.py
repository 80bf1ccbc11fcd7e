"""A row of a URL list → a candidate: which column is what, and where the others go."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from app.sources.base import TEXT_CHARS, clean_keyword, clean_text, clean_url
from app.values import Candidate, Json, Provenance

Row = Mapping[str, Json]

URL_COLUMNS = ("url", "image_url", "img_url", "imageurl", "image_link", "image_src", "img_src", "src", "link", "image")
"""Names that the address has had in published lists; the first that is there counts."""
KEYWORD_COLUMNS = ("keyword", "label", "class", "category")
PROVENANCE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "source": ("source",),
    "landing_url": ("landing_url", "landingurl", "foreign_landing_url", "page_url"),
    "title": ("title", "caption", "text", "alt", "description"),
    "creator": ("creator", "author", "photographer"),
    "creator_url": ("creator_url", "creatorurl", "author_url"),
    "license": ("license", "licence"),
    "license_url": ("license_url", "licenseurl", "licence_url"),
    "attribution": ("attribution", "credit"),
}
OURS = "url_list"
"""`provenance.source` where the list names none."""
BARE = Provenance(source=OURS)
"""The provenance of a row that has an address, perhaps a label, and nothing else."""
KNOWN_NAMES = 256
"""Sets of columns that are remembered: rows of JSON lines each have their own."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a list's columns are: the places of the address, of the label, of each field, and of what is kept."""

    url: int
    keyword: int | None
    provenance: tuple[tuple[str, int], ...]
    rest: tuple[tuple[str, int], ...]

    def candidate(self, row: Sequence[Json], keyword: str | None) -> Candidate:
        """The row's candidate; `keyword` where it has none of its own. Every further column is kept in `extra`."""
        own = _label(row[self.keyword]) if self.keyword is not None else None
        url = clean_url(row[self.url])
        if not self.rest:
            return Candidate(url, own or keyword, BARE)
        told = {field: clean_text(row[place]) for field, place in self.provenance}
        told["source"] = told.get("source") or OURS
        extra = {name: value for name, place in self.rest if (value := _kept(row[place])) is not None}
        return Candidate(url, own or keyword, Provenance(**told, extra=extra or None))


@functools.lru_cache(KNOWN_NAMES)
def columns_of(names: tuple[str, ...]) -> Columns | None:
    """The columns of a list with these names, whatever their case; None where none holds the address."""
    by_name = {name.strip().lower(): place for place, name in reversed(list(enumerate(names)))}

    def first(aliases: tuple[str, ...]) -> int | None:
        return next((by_name[alias] for alias in aliases if alias in by_name), None)

    url, keyword = first(URL_COLUMNS), first(KEYWORD_COLUMNS)
    if url is None:
        return None
    found = [(field, first(aliases)) for field, aliases in PROVENANCE_COLUMNS.items()]
    rest = [(clean_text(name, 200), place) for place, name in enumerate(names) if place not in (url, keyword)]
    return Columns(
        url,
        keyword,
        tuple((field, place) for field, place in found if place is not None),
        tuple((name, place) for name, place in rest if name),
    )


def _label(value: Json) -> str | None:
    return _known_label(value) if isinstance(value, str) else clean_keyword(value)


@functools.lru_cache(4_096)
def _known_label(value: str) -> str | None:
    return clean_keyword(value)


def entry_candidate(entry: Row, keyword: str | None) -> Candidate:
    """The candidate of an entry of the request: its `provenance` names our fields, and the rest is `extra`."""
    given = entry.get("provenance") or {}
    by_name = {name.lower(): name for name in given}
    told: dict[str, str | None] = {"source": OURS}
    used = set()
    for field in PROVENANCE_COLUMNS:
        name = by_name.get(field) or by_name.get(field.replace("_", ""))
        if name:
            told[field] = clean_text(given[name]) or told.get(field)
            used.add(name)
    rest = {name: value for name, value in given.items() if name not in used}
    own = clean_keyword(entry.get("keyword"))
    return Candidate(clean_url(entry["url"]), own or keyword, Provenance(**told, extra=kept(rest)))


def kept(row: Row) -> Mapping[str, Json] | None:
    """What of a row's values goes into `extra`: those that are not empty, long texts cut."""
    values = ((clean_text(name, 200), _kept(value)) for name, value in row.items())
    return {name: value for name, value in values if name and value is not None} or None


def _kept(value: Json) -> Json:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | dict):
        text = orjson.dumps(value, default=str).decode()
        return value if len(text) <= TEXT_CHARS else text[:TEXT_CHARS]
    return clean_text(value)
