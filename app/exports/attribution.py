"""`ATTRIBUTION.md`: who made each image and under which license, grouped by license, for people to read and publish."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from app.exports.base import ExportImage
from app.exports.spool import Spool
from app.values import Json

MAX_GROUPS = 100
"""Licenses with a heading of their own; of more, the rest share one, and each of its lines names its license."""
GROUP_IN_MEMORY_BYTES = 256 * 1024
UNKNOWN = "License not known"
OTHER = "Other licenses"
TEXT_CHARS = 500
MARKED = re.compile(r"([\\`*_\[\]<>|~$]|&(?=#?\w+;))")
"""What Markdown gives a meaning to inside a line. Lines begin with words of ours, so `#`, `-` or `1.` mean nothing."""
CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\s]+")
URL_SAFE = "/:?=&;%#@!$*+,~-._"


@dataclass
class Group:
    """The images of one license."""

    title: str
    url: str | None
    count: int = 0
    lines: Spool = field(default_factory=lambda: Spool(GROUP_IN_MEMORY_BYTES))


class Attribution:
    """Gathers a line per image; memory is bounded by the number of groups."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._groups: dict[tuple[str, str | None], Group] = {}
        self._other: Group | None = None
        self._images = 0

    def add(self, image: ExportImage, file_name: str) -> None:
        """Note the image that lies at `file_name`."""
        group, named = self._group(image.provenance)
        group.lines.append(f"- {_credit(image, file_name)}{named}\n".encode())
        group.count += 1
        self._images += 1

    def text(self) -> Spool:
        """The whole file."""
        whole = Spool()
        whole.append(self._opening().encode())
        for group in [*sorted(self._groups.values(), key=_place), *filter(None, [self._other])]:
            whole.append(_heading(group).encode())
            for block in group.lines.blocks():
                whole.append(block)
            group.lines.close()
        return whole

    def _group(self, provenance: Mapping[str, Json]) -> tuple[Group, str]:
        """The group of an image, and what its line says of its license beside."""
        name, url = _text(provenance.get("license")), _url(provenance.get("license_url"))
        key = (name, url)
        if key not in self._groups and len(self._groups) >= MAX_GROUPS:
            self._other = self._other or Group(OTHER, None)
            return self._other, f", license: {_link(name or 'not known', url)}"
        if key not in self._groups:
            self._groups[key] = Group(name or (escaped(url) if url else UNKNOWN), url)
        return self._groups[key], ""

    def _opening(self) -> str:
        return (
            f"# {_text(self._name) or 'Dataset'}: attribution\n\n"
            f"{self._images} {_images(self._images)}. Each line names a file, its creator and its source, as the source"
            " told them; a license is that of the image, and using it is up to its terms. `metadata.jsonl` has the same"
            " for machines.\n"
        )


def escaped(text: str) -> str:
    """`text` as one line of Markdown that shows it as it is."""
    return MARKED.sub(r"\\\1", CONTROL.sub(" ", text).strip()[:TEXT_CHARS])


def _text(value: Json) -> str:
    return escaped(value) if isinstance(value, str) else ""


def _url(value: Json) -> str | None:
    """An http address that can stand in a Markdown link, or None: no other scheme is made clickable."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return None
    return quote(value.strip(), safe=URL_SAFE) if parts.scheme in ("http", "https") and parts.netloc else None


def _link(shown: str, url: str | None) -> str:
    return f"[{shown}](<{url}>)" if url else shown


def _credit(image: ExportImage, file_name: str) -> str:
    found = image.provenance
    title = _text(found.get("title")) or "Untitled"
    creator = _text(found.get("creator"))
    landing = _url(found.get("landing_url")) or _url(image.original_url)
    parts = [f"[{escaped(file_name)}](<{quote(file_name)}>): {_link(title, landing)}"]
    if creator:
        parts.append(f"by {_link(creator, _url(found.get('creator_url')))}")
    if source := _text(found.get("source")):
        parts.append(f"from {source}")
    told = _text(found.get("attribution"))
    return " ".join(parts) + (f" — {told}" if told else "")


def _heading(group: Group) -> str:
    return f"\n## {_link(group.title, group.url)} ({group.count} {_images(group.count)})\n\n"


def _images(count: int) -> str:
    return "image" if count == 1 else "images"


def _place(group: Group) -> tuple[bool, str, str]:
    """Licenses by name, what is not known last."""
    return group.title == UNKNOWN, group.title.casefold(), group.url or ""
