"""The ImageObjects of a page's JSON-LD: address, caption, creator, license."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from app.values import Json

MAX_NODES = 20_000
"""Nodes that are looked at in one block."""

NOT_CONTENT = frozenset({"logo", "thumbnail", "author", "creator", "publisher"})
"""Where pictures are furniture: small ones of the same, faces of authors."""


@dataclass(frozen=True, slots=True)
class ImageObject:
    """What schema.org's ImageObject says; None where it does not."""

    url: str
    title: str | None = None
    creator: str | None = None
    creator_url: str | None = None
    license_url: str | None = None
    credit: str | None = None


def image_objects(blocks: list[str]) -> list[ImageObject]:
    """All images that the blocks name, in their order; blocks that are no JSON are passed over."""
    found: list[ImageObject] = []
    for block in blocks:
        try:
            document = orjson.loads(block.strip())
        except orjson.JSONDecodeError:
            continue
        found += _walked(document)
    return found


def _walked(document: Json) -> Iterator[ImageObject]:
    pending: list[tuple[Json, bool]] = [(document, False)]
    for _ in range(MAX_NODES):
        if not pending:
            return
        node, is_image = pending.pop()
        if isinstance(node, str) and is_image:
            yield ImageObject(node)
        elif isinstance(node, list):
            pending += [(part, is_image) for part in reversed(node)]
        elif isinstance(node, dict):
            if is_image or "ImageObject" in _texts(node.get("@type")):
                yield from _read(node)
            pending += [(node[name], name == "image") for name in reversed(node) if name not in NOT_CONTENT]


def _read(node: Mapping[str, Json]) -> Iterator[ImageObject]:
    urls = _texts(node.get("contentUrl")) or _texts(node.get("url"))
    if not urls:
        return
    creator = node.get("creator") or node.get("author")
    creator = creator[0] if isinstance(creator, list) and creator else creator
    person = creator if isinstance(creator, Mapping) else {"name": creator}
    yield ImageObject(
        urls[0],
        _text(node.get("caption")) or _text(node.get("name")),
        _text(person.get("name")),
        _text(person.get("url")),
        _text(node.get("license")),
        _text(node.get("creditText")),
    )


def _texts(value: Json) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _text(value: Json) -> str | None:
    """A text, also of a list or of a node with a name or an address."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("@id") or value.get("url") or value.get("@value")
    return value if isinstance(value, str) and value.strip() else None
