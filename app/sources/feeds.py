"""Feeds: RSS, Atom, Media RSS and JSON Feed, each item a page with the images that it names."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import replace

from app.sources.html_page import is_image_file, read_html
from app.sources.safe_xml import Node, Xml
from app.sources.sitemaps import SiteEntry, SiteImage
from app.sources.walking import Opened
from app.values import Json

WHOLE = frozenset({"item", "entry", "author", "group"})
MEDIA = "search.yahoo.com/mrss"
BODIES = ("description", "encoded", "content", "summary")
NEXT_PAGES = 5_000
"""Pages of one WordPress feed that are asked for."""


def read_feed(xml: Xml, url: str) -> Opened[SiteEntry]:
    """The items of an RSS or Atom feed, and where it continues: a `next` link, or WordPress' `paged`."""
    channel = _Told([node for node in xml.nodes if node.name not in ("item", "entry")])
    entries = [_entry(node, channel) for node in xml.named("item", "entry")]
    after = next((node.attributes.get("href") for node in xml.named("link") if _rel(node) == "next"), None)
    generators = " ".join(node.text for node in xml.named("generator"))
    if after is None and "wordpress.org" in generators and entries:
        after = _next_paged(url)
    return Opened(entries, after and urllib.parse.urljoin(url, after))


def _next_paged(url: str) -> str | None:
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query))
    told = query.get("paged", "1")
    number = int(told) + 1 if told.isdecimal() and len(told) < 6 else NEXT_PAGES + 1
    query["paged"] = str(number)
    return parts._replace(query=urllib.parse.urlencode(query)).geturl() if number <= NEXT_PAGES else None


class _Told:
    """What an item, or its feed, says of all its images."""

    def __init__(self, nodes: list[Node]) -> None:
        self.title = _text(nodes, "title", MEDIA) or _text(nodes, "title")
        author = next((node for node in nodes if node.name == "author" and node.children), None)
        self.creator = (
            _text(nodes, "credit", MEDIA)
            or _text(nodes, "creator")
            or (author and author.first("name"))
            or _text(nodes, "author")
        )
        self.creator_url = author.first("uri") if author else None
        licenses = [
            node for node in nodes if node.name == "license" or (node.name == "link" and _rel(node) == "license")
        ]
        self.license = next((text for node in licenses if (text := node.attributes.get("href") or node.text)), None)
        self.rights = _text(nodes, "copyright") or _text(nodes, "rights")

    def image(self, url: str, channel: _Told, own: _Told | None = None) -> SiteImage:
        """An image with what is said of it, then of its item, then of its feed; a feed's title is not the image's."""
        levels = [level for level in (own, self, channel) if level]
        return SiteImage(
            url,
            next((level.title for level in levels[:-1] if level.title), None),
            next((level.creator for level in levels if level.creator), None),
            next((level.creator_url for level in levels if level.creator_url), None),
            next((level.license for level in levels if level.license), None),
            next((level.rights for level in levels if level.rights), None),
        )


def _entry(node: Node, channel: _Told) -> SiteEntry:
    told = _Told(node.children)
    page = _page(node)
    named = list(_named(node, told, channel)) or [told.image(url, channel) for url in _shown(node)]
    unique = {image.url: image for image in reversed(named)}
    base = page or ""
    images = (replace(image, url=urllib.parse.urljoin(base, image.url)) for image in reversed(unique.values()))
    return SiteEntry(page, tuple(images))


def _page(node: Node) -> str | None:
    links = [link for link in node.all("link") if MEDIA not in link.space]
    atom = (link.attributes.get("href") for link in links if _rel(link) in ("alternate", ""))
    guid = next((one.text for one in node.all("guid") if one.text.startswith("http")), None)
    return next((href for href in atom if href), None) or next((one.text for one in links if one.text), None) or guid


def _named(node: Node, told: _Told, channel: _Told) -> Iterator[SiteImage]:
    """The item's enclosures and media; of a group, which is one picture in several sizes, the largest."""
    for link in node.all("link"):
        if _rel(link) == "enclosure" and _is_image(link, "href"):
            yield told.image(link.attributes["href"], channel)
    for enclosure in node.all("enclosure"):
        if _is_image(enclosure, "url"):
            yield told.image(enclosure.attributes["url"], channel)
    for media in node.all("content", MEDIA):
        if _is_image(media, "url"):
            yield told.image(media.attributes["url"], channel, _Told(media.children))
    for group in node.all("group", MEDIA):
        sizes = [media for media in group.all("content", MEDIA) if _is_image(media, "url")]
        if sizes:
            largest = max(sizes, key=_size)
            yield told.image(largest.attributes["url"], channel, _Told([*largest.children, *group.children]))


def _shown(node: Node) -> list[str]:
    """The pictures in the item's texts: HTML, escaped or not."""
    bodies = [child for child in node.children if child.name in BODIES and MEDIA not in child.space]
    urls = [picture.url for body in bodies if "<img" in body.text for picture in read_html(body.text).pictures]
    urls += [one.attributes["src"] for body in bodies for one in body.descendants() if one.attributes.get("src")]
    return [url for url in urls if not url.startswith("data:")]


def _is_image(node: Node, attribute: str) -> bool:
    url = node.attributes.get(attribute)
    kind, medium = node.attributes.get("type", ""), node.attributes.get("medium", "")
    if not url:
        return False
    return kind.startswith("image/") or medium == "image" or (not kind and not medium and is_image_file(url))


def _size(node: Node) -> tuple[int, int]:
    width, height, size = (
        int(value) if re.fullmatch(r"[0-9]{1,12}", value := node.attributes.get(name, "")) else 0
        for name in ("width", "height", "fileSize")
    )
    return (width * height or width, size)


def _rel(node: Node) -> str:
    return node.attributes.get("rel", "").lower()


def _text(nodes: list[Node], name: str, space: str = "") -> str | None:
    return next((node.text for node in nodes if node.name == name and space in node.space and node.text), None)


def read_json_feed(feed: Mapping[str, Json], url: str) -> Opened[SiteEntry]:
    """The items of a JSON Feed, version 1 or 1.1, and its `next_url`."""
    items = feed.get("items")
    entries = [_json_entry(item, feed) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    after = _string(feed.get("next_url"))
    return Opened(entries, after and urllib.parse.urljoin(url, after))


def _json_entry(item: Mapping[str, Json], feed: Mapping[str, Json]) -> SiteEntry:
    page = _string(item.get("url")) or _string(item.get("external_url"))
    attached = item.get("attachments")
    files = [one for one in attached if isinstance(one, dict)] if isinstance(attached, list) else []
    urls = [_string(item.get("image")), _string(item.get("banner_image"))]
    urls += [_string(one.get("url")) for one in files if str(one.get("mime_type")).startswith("image/")]
    if not any(urls):
        urls += [picture.url for picture in read_html(_string(item.get("content_html")) or "").pictures]
    author = _author(item) or _author(feed) or {}
    images = [
        SiteImage(
            urllib.parse.urljoin(page or "", one),
            _string(item.get("title")),
            _string(author.get("name")),
            _string(author.get("url")),
        )
        for one in dict.fromkeys(urls)
        if one
    ]
    return SiteEntry(page, tuple(images))


def _author(told: Mapping[str, Json]) -> Mapping[str, Json] | None:
    several = told.get("authors")
    author = several[0] if isinstance(several, list) and several else told.get("author")
    return author if isinstance(author, dict) else None


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
