"""Sitemaps: indexes, lists of pages with the image extension, and plain lists of addresses."""

from __future__ import annotations

from dataclasses import dataclass

from app.sources.safe_xml import Node, Xml
from app.sources.walking import Branch, Opened

WHOLE = frozenset({"url", "sitemap"})
MAX_IMAGES = 1_000
"""Images of one page, as the extension limits them."""
TEXT_ENTRIES = 50_000
"""Addresses of one list, as the protocol limits them."""


@dataclass(frozen=True, slots=True)
class SiteImage:
    """An image that a sitemap or a feed names, and what it says of it."""

    url: str
    title: str | None = None
    creator: str | None = None
    creator_url: str | None = None
    license: str | None = None
    """An address or a name."""
    rights: str | None = None


@dataclass(frozen=True, slots=True)
class SiteEntry:
    """A page of a site, and the images that are named beside it; a page may also be without an address of its own."""

    page: str | None
    images: tuple[SiteImage, ...] = ()


def read_sitemap(xml: Xml) -> Opened[SiteEntry]:
    """The entries of a sitemap or an index; namespaces are tolerated as they come."""
    entries: list[SiteEntry | Branch] = []
    for node in xml.named("url", "sitemap"):
        place = next((child.text for child in node.all("loc") if "image" not in child.space and child.text), None)
        if node.name == "sitemap" and place:
            entries.append(Branch(place))
        elif node.name == "url" and (place or node.children):
            images = (_image(child) for child in node.all("image")[:MAX_IMAGES])
            entries.append(SiteEntry(place, tuple(image for image in images if image)))
    return Opened(entries)


def _image(node: Node) -> SiteImage | None:
    url = node.first("loc")
    if url is None:
        return None
    return SiteImage(url, node.first("title") or node.first("caption"), license=node.first("license"))


def read_text_sitemap(text: str) -> Opened[SiteEntry]:
    """One address a line; other lines are passed over."""
    lines = (line.strip() for line in text.splitlines())
    pages = [line for line in lines if line.lower().startswith(("http://", "https://"))]
    return Opened([SiteEntry(page) for page in pages[:TEXT_ENTRIES]])
