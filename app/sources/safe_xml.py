"""XML from strangers: no document types, no entities, bounded in depth, size and number of elements.

What was read before the XML broke is kept. Compressed documents are told by their first bytes and inflated up to a cap.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from app.errors import SourceFailed

MAX_INFLATED = 52_428_800
"""Bytes of one document; the sitemap protocol's own limit."""
MAX_NODES = 500_000
"""Elements of one document: about 100 MB of memory, and more than 50,000 entries with an image each need."""
MAX_DEPTH = 100
BLOCK = 64 * 1024
NONE: dict[str, str] = {}
"""The attributes of the many elements that have none."""
GZIP = b"\x1f\x8b"


class Forbidden(ValueError):
    """The XML holds what we do not read from strangers."""


@dataclass(slots=True)
class Node:
    """An element by its local name, with the text that stands directly in it."""

    name: str
    space: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, name: str, space: str = "") -> list[Node]:
        """The children of this name; `space` is what their namespace must contain."""
        return [child for child in self.children if child.name == name and space in child.space]

    def first(self, name: str, space: str = "") -> str | None:
        """The text of the first such child; None where there is none or it is empty."""
        return next((child.text for child in self.all(name, space) if child.text), None)

    def descendants(self) -> Iterator[Node]:
        """All elements below this one."""
        pending = list(reversed(self.children))
        while pending:
            node = pending.pop()
            yield node
            pending += reversed(node.children)


@dataclass
class Xml:
    """A document: its root's name, and its elements; `broken` is why it was not read to its end."""

    root: str = ""
    nodes: list[Node] = field(default_factory=list)
    broken: str | None = None

    def named(self, *names: str) -> list[Node]:
        """The kept elements of these names, in order."""
        return [node for node in self.nodes if node.name in names]


def read_xml(body: bytes | bytearray, whole: frozenset[str]) -> Xml:
    """Read a document. Elements named in `whole` are kept with all that is in them, others with their own text."""
    reader = _Reader(whole)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.forbid
    parser.EntityDeclHandler = reader.forbid
    parser.ExternalEntityRefHandler = reader.forbid
    try:
        for place in range(0, len(body), BLOCK):
            parser.Parse(body[place : place + BLOCK], False)
        parser.Parse(b"", True)
    except (expat.ExpatError, Forbidden) as error:
        reader.xml.broken = str(error)[:200]
    return reader.xml


class _Reader:
    def __init__(self, whole: frozenset[str]) -> None:
        self.xml = Xml()
        self._whole = whole
        self._open: list[Node] = []
        self._texts: list[list[str]] = []
        self._kept_from: int | None = None
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._count += 1
        if self._count > MAX_NODES or len(self._open) >= MAX_DEPTH:
            raise Forbidden(f"more than {MAX_NODES:,} elements, or deeper than {MAX_DEPTH}")
        self.xml.root = self.xml.root or local
        told = {key.rpartition(" ")[2]: value for key, value in attributes.items()} if attributes else NONE
        node = Node(sys.intern(local), sys.intern(space), told)
        if self._kept_from is not None:
            self._open[-1].children.append(node)
        elif local in self._whole:
            self._kept_from = len(self._open)
        self._open.append(node)
        self._texts.append([])

    def end(self, _name: str) -> None:
        node = self._open.pop()
        node.text = "".join(self._texts.pop()).strip()
        if self._kept_from is None or self._kept_from == len(self._open):
            self._kept_from = None
            self.xml.nodes.append(node)

    def characters(self, text: str) -> None:
        if self._texts:
            self._texts[-1].append(text)

    def forbid(self, *_: object) -> int:
        raise Forbidden("it declares a document type or entities, which are not read")


def inflated(body: bytes, cap: int = MAX_INFLATED) -> bytes | bytearray:
    """The body, inflated where it is gzip. Raises SourceFailed where it is broken or inflates to more than `cap`."""
    if not body.startswith(GZIP):
        return body
    whole = bytearray()
    rest = body
    try:
        while rest.startswith(GZIP):
            member = zlib.decompressobj(wbits=31)
            whole += member.decompress(rest, cap + 1 - len(whole))
            if len(whole) > cap:
                raise SourceFailed(f"A compressed document inflates to more than {cap:,} bytes.")
            rest = member.unused_data
    except zlib.error as error:
        raise SourceFailed(f"A compressed document is broken: {str(error)[:100]}.") from error
    return whole
