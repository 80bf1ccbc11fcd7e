"""A row of a URL list → a candidate: which column is what, and where the others go."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True)
class Columns:
    """What a list's columns are: for each field, the column's own name."""

    url: str
    keyword: str | None
    provenance: Mapping[str, str]

    def candidate(self, row: Row, keyword: str | None) -> Candidate:
        """The row's candidate; `keyword` where it has none of its own. Every further column is kept in `extra`."""
        own = clean_keyword(row.get(self.keyword)) if self.keyword else None
        told = {field: clean_text(row.get(column)) for field, column in self.provenance.items()}
        told["source"] = told.get("source") or OURS
        rest = {name: value for name, value in row.items() if name not in (self.url, self.keyword)}
        return Candidate(clean_url(row.get(self.url)), own or keyword, Provenance(**told, extra=kept(rest)))


def columns_of(names: Iterable[str]) -> Columns | None:
    """The columns of a list with these names, whatever their case; None where none holds the address."""
    by_name = {name.strip().lower(): name for name in reversed(list(names))}

    def first(aliases: tuple[str, ...]) -> str | None:
        return next((by_name[alias] for alias in aliases if alias in by_name), None)

    url = first(URL_COLUMNS)
    if url is None:
        return None
    found = {field: first(aliases) for field, aliases in PROVENANCE_COLUMNS.items()}
    return Columns(url, first(KEYWORD_COLUMNS), {field: name for field, name in found.items() if name})


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
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | dict):
        text = orjson.dumps(value, default=str).decode()
        return value if len(text) <= TEXT_CHARS else text[:TEXT_CHARS]
    return clean_text(value)
