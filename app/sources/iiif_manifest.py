"""IIIF Presentation 2 and 3: collections lead to manifests, and a manifest's canvases to the images painted on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.errors import SourceFailed
from app.sources.documents import shown
from app.sources.markup import text_of
from app.sources.walking import Branch, Opened
from app.values import Json

Document = Mapping[str, Json]

MAX_CANVASES = 50_000
MAX_NESTING = 4
"""Choices within choices, and lists within texts; deeper ones are nonsense."""
MAX_PARTS = 10
"""Parts of one text that are joined."""
CREATORS = frozenset({"creator", "creators", "author", "artist", "photographer", "painter", "maker", "contributor"})
"""Labels, in lower case, under which English manifests name who made the thing."""


@dataclass(frozen=True, slots=True)
class Painting:
    """An image on a canvas: its own address, and the image service that may give it larger.

    `width` and `height` are the image's pixels as the manifest claims them, 0 where it does not.
    """

    url: str | None
    service: Document | None
    width: int
    height: int
    title: str | None
    told: Telling


@dataclass(frozen=True, slots=True)
class Telling:
    """What a manifest says of all its images."""

    manifest: str
    page: str
    title: str | None
    creator: str | None
    rights: str | None
    attribution: str | None


def read_document(document: Json, url: str) -> Opened[Painting]:
    """A collection or a manifest of either version. Raises SourceFailed for anything else."""
    if not isinstance(document, dict):
        raise SourceFailed(f"{shown(url)} is no IIIF document.")
    kind = str(document.get("type") or document.get("@type") or "").removeprefix("sc:")
    if kind == "Collection":
        return Opened(list(_branches(document)), _string(document.get("next")))
    if kind == "Manifest":
        paintings = _paintings_3(document, url) if "items" in document else _paintings_2(document, url)
        return Opened(list(paintings))
    raise SourceFailed(f"{shown(url)} is neither a IIIF collection nor a manifest.")


def _branches(collection: Document) -> Iterator[Branch]:
    lists = [_list(collection.get(name)) for name in ("items", "members", "manifests", "collections")]
    if not any(lists):
        lists = [_list(collection.get("first"))]
    for member in (one for members in lists for one in members):
        kind = str(member.get("type") or member.get("@type") or "") if isinstance(member, dict) else ""
        address = _id(member)
        if address and kind.removeprefix("sc:") in ("", "Manifest", "Collection"):
            yield Branch(address)


def _paintings_3(manifest: Document, url: str) -> Iterator[Painting]:
    statement = manifest.get("requiredStatement")
    attribution = _text(statement.get("value")) if isinstance(statement, dict) else None
    homepages = (_id(one) for one in _list(manifest.get("homepage")))
    told = _telling(manifest, url, next(filter(None, homepages), None), manifest.get("rights"), attribution)
    for canvas in _dicts(manifest.get("items"))[:MAX_CANVASES]:
        for annotation in (one for page in _dicts(canvas.get("items")) for one in _dicts(page.get("items"))):
            if annotation.get("motivation") in ("painting", ["painting"]):
                yield from (_painting(body, canvas, told, "rights") for body in _bodies(annotation.get("body")))


def _bodies(body: Json, depth: int = 0) -> Iterator[Document]:
    """The images of an annotation: of a choice the first, which is the one that is shown."""
    for one in _dicts(body) if depth < MAX_NESTING else ():
        if one.get("type") == "Choice":
            yield from _bodies(_list(one.get("items"))[:1], depth + 1)
        elif one.get("type") == "SpecificResource":
            yield from _bodies(one.get("source"), depth + 1)
        elif one.get("type") == "Image":
            yield one


def _paintings_2(manifest: Document, url: str) -> Iterator[Painting]:
    related = next(filter(None, (_id(one) for one in _list(manifest.get("related")))), None)
    rights = next(iter(_list(manifest.get("license"))), None)
    told = _telling(manifest, url, related, rights, _text(manifest.get("attribution")))
    for canvas in (
        one for sequence in _dicts(manifest.get("sequences"))[:1] for one in _dicts(sequence.get("canvases"))
    ):
        for image in _dicts(canvas.get("images")):
            for resource in _dicts(image.get("resource")):
                chosen = resource.get("default") if resource.get("@type") == "oa:Choice" else resource
                yield from (_painting(one, canvas, told, "license") for one in _dicts(chosen))


def _telling(manifest: Document, url: str, page: str | None, rights: Json, attribution: str | None) -> Telling:
    named = (_text(one.get("value")) for one in _dicts(manifest.get("metadata")) if _is_creator(one.get("label")))
    return Telling(
        _id(manifest) or url,
        page or _id(manifest) or url,
        _text(manifest.get("label")),
        next(filter(None, named), None),
        _string(rights) or _id(rights),
        attribution,
    )


def _is_creator(label: Json) -> bool:
    return (_text(label) or "").lower().strip(": ") in CREATORS


def _painting(body: Document, canvas: Document, told: Telling, rights: str) -> Painting:
    own = _string(body.get(rights)) or _string(canvas.get(rights))
    if own:
        told = Telling(told.manifest, told.page, told.title, told.creator, own, told.attribution)
    services = (one for one in _dicts(body.get("service")) if _id(one) and not _is_sign_in(one))
    return Painting(
        _id(body),
        next(services, None),
        number(body.get("width")),
        number(body.get("height")),
        _text(canvas.get("label")),
        told,
    )


def _is_sign_in(service: Document) -> bool:
    words = f"{service.get('type') or service.get('@type')} {service.get('profile')} {service.get('@context')}".lower()
    return "/auth/" in words or "auth" in words.split(" ", 1)[0] or "search" in words.split(" ", 1)[0]


def number(value: Json) -> int:
    """A count of pixels; 0 where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000_000 else 0


def _text(value: Json, depth: int = 0) -> str | None:
    """A text of either version: plain, a list, with a language, or by language (English, none, any)."""
    if depth >= MAX_NESTING:
        return None
    if isinstance(value, list):
        parts = [text for part in value[:MAX_PARTS] if (text := _text(part, depth + 1))]
        return "; ".join(parts) or None
    if isinstance(value, dict):
        if "@value" in value:
            return text_of(value["@value"])
        spoken = value.get("en") or value.get("none") or next(iter(value.values()), None)
        return _text(spoken, depth + 1) if not isinstance(spoken, dict) else None
    return text_of(value) if isinstance(value, str) else None


def _id(value: Json) -> str | None:
    if isinstance(value, dict):
        return _string(value.get("id")) or _string(value.get("@id"))
    return _string(value)


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) and value.lower().startswith(("http://", "https://")) else None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dicts(value: Json) -> list[Document]:
    return [one for one in _list(value) if isinstance(one, dict)]
