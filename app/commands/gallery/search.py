"""Openverse's search over the gallery's records, in its wire format and with its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from app.commands.gallery.records import FORMATS, Record

DEPTH = 240
"""Results of one query that can be reached."""
ANONYMOUS_PAGE = 20
TOKEN_PAGE = 50
LICENSES = ("by", "by-nc", "by-nc-nd", "by-nc-sa", "by-nd", "by-sa", "cc0", "nc-sampling+", "pdm", "sampling+")
LICENSE_NAMES = {"cc0": "CC0", "pdm": "Public Domain Mark"}


class Refused(Exception):
    """A query that Openverse would refuse: the HTTP status and the JSON body of its answer."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail


def search(records: Sequence[Record], params: Mapping[str, str], base: str, *, token: bool) -> dict[str, Any]:
    """A page of results. `base` is the gallery's address without a slash at its end. Raises Refused."""
    page, size = _paging(params, token=token)
    found = [record for record in records if _matches(record, params)]
    count = min(len(found), DEPTH)
    shown = found[:DEPTH][(page - 1) * size : page * size]
    return {
        "result_count": count,
        "page_count": math.ceil(count / size),
        "page_size": size,
        "page": page,
        "results": [described(record, base) for record in shown],
    }


def _paging(params: Mapping[str, str], *, token: bool) -> tuple[int, int]:
    page, size = _number(params, "page", 1), _number(params, "page_size", ANONYMOUS_PAGE)
    limit, who = (TOKEN_PAGE, "standard") if token else (ANONYMOUS_PAGE, "anonymous")
    if size > limit:
        raise Refused(401, f"page_size may not exceed {limit} for {who} requests")
    if page * size > DEPTH:
        raise Refused(401, f"pagination depth may not exceed {DEPTH} for {who} requests")
    return page, size


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    value = params.get(name, str(default))
    if not value.isdecimal() or int(value) < 1:
        raise Refused(400, {name: ["A valid integer of at least 1 is required."]})
    return int(value)


def _matches(record: Record, params: Mapping[str, str]) -> bool:
    licenses = _listed(params, "license")
    for name in licenses:
        if name not in LICENSES:
            raise Refused(400, {"license": [f"License '{name}' does not exist."]})
    if licenses and record.photo.license not in licenses:
        return False
    suffixes = _listed(params, "extension")
    if suffixes and record.path.rpartition(".")[2] not in suffixes:
        return False
    words = {_stem(word) for word in _words(" ".join((record.title, record.photo.creator, *record.photo.tags)))}
    return all(_stem(word) in words for word in _words(params.get("q", "")[:200]))


def _listed(params: Mapping[str, str], name: str) -> list[str]:
    return [part for part in params.get(name, "").lower().split(",") if part]


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.casefold()).split()


def _stem(word: str) -> str:
    """Openverse's index stems; the plain English plural is what a demo needs of it."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def described(record: Record, base: str) -> dict[str, Any]:
    """A result as Openverse writes it. Sizes are not known before the image is made, and may be null there too."""
    photo = record.photo
    return {
        "id": record.id,
        "indexed_on": "2025-11-01T00:00:00Z",
        "title": record.title,
        "foreign_landing_url": f"{base}/photos/{record.id}",
        "url": f"{base}/images/{record.path}",
        "creator": photo.creator,
        "creator_url": photo.creator_url,
        "license": photo.license,
        "license_version": photo.license_version,
        "license_url": photo.license_url,
        "provider": "pixcrawler-gallery",
        "source": "pixcrawler-gallery",
        "category": "photograph",
        "filesize": None,
        "filetype": FORMATS[record.format],
        "tags": [{"name": tag, "accuracy": None} for tag in photo.tags],
        "attribution": attribution(record),
        "fields_matched": ["title", "tags.name"],
        "mature": False,
        "height": None,
        "width": None,
        "thumbnail": f"{base}/v1/images/{record.id}/thumb/",
        "detail_url": f"{base}/v1/images/{record.id}/",
        "related_url": f"{base}/v1/images/{record.id}/related/",
        "unstable__sensitivity": [],
    }


def attribution(record: Record) -> str:
    """The credit as Openverse words it."""
    photo = record.photo
    name = LICENSE_NAMES.get(photo.license, f"CC {photo.license.upper()}")
    verb, terms = "is licensed under", "a copy of this license"
    if photo.license in LICENSE_NAMES:
        verb, terms = "is marked with", "the terms"
    credit = f'"{record.title}" by {photo.creator} {verb} {name} {photo.license_version}.'
    return f"{credit} To view {terms}, visit {photo.license_url}."
