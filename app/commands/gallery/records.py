"""What the gallery has: the photographs themselves, views of them, copies, and a few that are broken on purpose.

A record says how its image is made; `render.py` makes it when it is first asked for. The same records every time.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

HERE = Path(__file__).parent
PHOTOS = HERE / "photos"
NAMESPACE = uuid.UUID("5ad2b1c6-77a5-4d0c-9d3f-1f0b7cbb6b1e")
"""Openverse's ids are UUIDs; ours are made from the records' paths."""

IMAGES_PER_KEYWORD = 20
"""Photographs and views under each of KEYWORDS."""
COPIES_PER_KEYWORD = 2
FORMATS = {"jpeg": "jpg", "png": "png", "webp": "webp", "gif": "gif", "tiff": "tif", "avif": "avif"}
KEYWORDS = ("animal", "building", "flower", "landscape", "object", "space", "texture", "vehicle")
"""The first tag of each photograph is one of these."""

BROKEN = (
    ("cut", "its file ends early", "jpg"),
    ("page", "a web page under an image's name", "jpg"),
    ("missing", "its file is gone", "jpg"),
    ("tiny", "a thumbnail of 24 pixels", "png"),
    ("damaged", "its bytes are damaged", "png"),
    ("empty", "its file has no bytes", "jpg"),
    ("failing", "its server fails", "jpg"),
    ("reserved", "its owner reserves it from datasets", "jpg"),
)
"""Kinds of broken images: name, what the title says, and the suffix."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph that the project ships, as `photos.json` describes it."""

    file: str
    title: str
    creator: str
    creator_url: str | None
    license: str
    license_version: str
    license_url: str
    landing_url: str
    tags: tuple[str, ...]
    source: str

    @property
    def name(self) -> str:
        return Path(self.file).stem


@dataclass(frozen=True, slots=True)
class View:
    """How a view is cut: shares of the photograph's width and height, and how light it is (1: as it is)."""

    left: float
    top: float
    share: float
    light: float


@dataclass(frozen=True, slots=True)
class Record:
    """One image of the gallery, at `/images/` + `path`."""

    photo: Photo
    path: str
    kind: str
    """`original`, `view`, `copy`, or one of BROKEN."""
    title: str
    format: str = "jpeg"
    view: View | None = None
    note: str = ""
    """What was done to the photograph, for its page."""
    same_as: str | None = field(default=None)
    """The path of the record whose bytes a copy has."""

    @property
    def id(self) -> str:
        return str(uuid.uuid5(NAMESPACE, self.path))


def photos() -> tuple[Photo, ...]:
    """The shipped photographs."""
    entries = orjson.loads((HERE / "photos.json").read_bytes())
    names = Photo.__slots__
    return tuple(Photo(**{name: entry[name] for name in names} | {"tags": tuple(entry["tags"])}) for entry in entries)


def records() -> tuple[Record, ...]:
    """Everything that the gallery has, each keyword's photographs first."""
    by_keyword: dict[str, list[Photo]] = defaultdict(list)
    for photo in photos():
        by_keyword[photo.tags[0]].append(photo)
    found: list[Record] = []
    for number, keyword in enumerate(KEYWORDS):
        shown = by_keyword[keyword]
        good = [_original(photo) for photo in shown]
        good += _views(shown, IMAGES_PER_KEYWORD - len(shown))
        rest = [*good[len(shown) :], *_copies(good, keyword), *_broken(shown, number)]
        random.Random(keyword).shuffle(rest)  # noqa: S311 - an order that looks like a search's, no secret
        found += [*good[: len(shown)], *rest]
    return tuple(found)


def _original(photo: Photo) -> Record:
    return Record(photo, f"originals/{photo.file}", "original", photo.title, note="The photograph as it is shipped.")


def _views(shown: Sequence[Photo], count: int) -> Iterator[Record]:
    for number in range(count):
        photo = shown[number % len(shown)]
        turn = number // len(shown) + 1
        format = list(FORMATS)[number % len(FORMATS)]
        chance = random.Random(f"{photo.name} {turn}")  # noqa: S311
        share = chance.uniform(0.5, 0.85)
        view = View(
            chance.uniform(0, 1 - share), chance.uniform(0, 1 - share), share, chance.choice((0.8, 1.0, 1.0, 1.2))
        )
        light = {0.8: ", darker", 1.2: ", lighter"}.get(view.light, "")
        note = f"A view of the photograph: {share:.0%} of its width and height{light}, saved as {format.upper()}."
        path = f"views/{photo.name}-{turn}.{FORMATS[format]}"
        yield Record(photo, path, "view", f"{photo.title} (crop {turn}{light})", format, view, note)


def _copies(good: Sequence[Record], keyword: str) -> Iterator[Record]:
    chance = random.Random(f"copies of {keyword}")  # noqa: S311
    for first in chance.sample(good, COPIES_PER_KEYWORD):
        path = f"copies/{first.path.replace('/', '-')}"
        note = "The same file as another of the gallery, under a second address."
        yield replace(first, path=path, kind="copy", title=f"{first.title} (again)", note=note, same_as=first.path)


def _broken(shown: Sequence[Photo], number: int) -> Iterator[Record]:
    """Two kinds for each keyword, so that all are met."""
    for place in (0, 1):
        kind, words, suffix = BROKEN[(2 * number + place) % len(BROKEN)]
        photo = shown[place % len(shown)]
        format = "png" if suffix == "png" else "jpeg"
        path = f"{kind}/{photo.name}.{suffix}"
        note = f"Broken on purpose: {words}."
        yield Record(photo, path, kind, f"{photo.title} ({words})", format, note=note)
