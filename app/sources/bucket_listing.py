"""Listings of object storage and of web servers: S3 in both versions and its like, index pages, nginx' JSON."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

import orjson

from app.errors import SourceFailed
from app.sources.documents import Document, shown
from app.sources.html_page import is_image_file, read_html
from app.sources.safe_xml import Node, Xml, read_xml
from app.sources.walking import Branch, Opened
from app.values import Json

WHOLE = frozenset({"Contents", "Version"})
FROZEN = ("GLACIER", "DEEP_ARCHIVE", "ARCHIVE")
"""Storage classes whose objects cannot be read at once."""
PAGE_KEYS = 1_000
TITLES = ("index of", "directory listing for")
HTML_HEADS = (b"<!doctype html", b"<html", b"<!doctype", b"<pre", b"<h1", b"<title", b"<head")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that looks like an image: its address, its folder's name, and what the listing says of it."""

    url: str
    folder: str | None = None
    size: int | None = None
    modified: str | None = None


def s3_listing_url(url: str) -> str | None:
    """The address that lists what a bucket's address means; None where the host does not tell that it is a bucket.

    A folder in the path becomes the prefix, which S3 and its like want as a parameter.
    """
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    host, path = (parts.hostname or "").lower(), urllib.parse.unquote(parts.path.lstrip("/"))
    if "prefix" in query or "list-type" in query:
        return _listing(parts, parts.path or "/", query.get("prefix", ""))
    if host == "storage.googleapis.com" or (host.endswith(".amazonaws.com") and host.startswith(("s3.", "s3-"))):
        bucket, _, prefix = path.partition("/")
        return _listing(parts, f"/{bucket}", prefix) if bucket else None
    if host.endswith(".storage.googleapis.com") or (
        host.endswith(".amazonaws.com") and (".s3." in host or ".s3-" in host)
    ):
        return _listing(parts, "/", path)
    return None


def _listing(parts: urllib.parse.SplitResult, path: str, prefix: str) -> str:
    query = {"list-type": "2", "max-keys": str(PAGE_KEYS), "encoding-type": "url"} | (
        {"prefix": prefix} if prefix else {}
    )
    return parts._replace(path=path, query=urllib.parse.urlencode(query), fragment="").geturl()


def read_listing(document: Document, asked: str) -> Opened[Listed]:
    """A listing of whichever kind. Raises SourceFailed for an error in S3's words, and for what is no listing."""
    body = document.body.lstrip(b"\xef\xbb\xbf \t\r\n")
    head = body[:200].lower()
    if head.startswith(b"<") and not head.startswith(HTML_HEADS):
        return _read_s3(read_xml(body, WHOLE), document, asked)
    if document.status != 200:
        raise SourceFailed(f"{shown(asked)} answered {document.status}.")
    if head.startswith(b"["):
        return _read_json(body, document.url)
    return _read_index(document)


def _read_s3(xml: Xml, document: Document, asked: str) -> Opened[Listed]:
    told = {node.name: node.text for node in xml.nodes}
    if xml.root == "Error":
        endpoint = f", ask {told['Endpoint'][:200]}" if told.get("Endpoint") else ""
        raise SourceFailed(
            f"{shown(asked)} is not listed: {told.get('Code', 'Error')[:100]} ({document.status}){endpoint}."
        )
    if document.status != 200:
        raise SourceFailed(f"{shown(asked)} answered {document.status}.")
    if xml.root != "ListBucketResult":
        raise SourceFailed(f"{shown(asked)} is neither a bucket's listing nor a folder's.")
    encoded = told.get("EncodingType", "").lower() == "url"
    contents = xml.named("Contents")
    keys = [_decoded(node.first("Key") or "", encoded) for node in contents]
    entries = [_listed(node, key, asked) for node, key in zip(contents, keys, strict=True) if _is_wanted(node, key)]
    if xml.broken and not contents:
        raise SourceFailed(f"{shown(asked)} cannot be read: {xml.broken}.")
    # A listing that broke has lost its end, and with it where it goes on: the last key is where.
    truncated = told.get("IsTruncated", "").lower() == "true" or xml.broken is not None
    return Opened(entries, _continuation(asked, told, keys, encoded) if truncated else None)


def _continuation(asked: str, told: dict[str, str], keys: list[str], encoded: bool) -> str | None:
    """Where the listing goes on: the token of version 2, or a marker, which is the last key where none is named."""
    parts = urllib.parse.urlsplit(asked)
    query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    token, marker = told.get("NextContinuationToken"), told.get("NextMarker")
    if token:
        query["continuation-token"] = token
    elif "KeyCount" in told and keys:
        query.pop("continuation-token", None)
        query |= {"list-type": "2", "start-after": keys[-1]}
    elif marker or keys:
        query = {name: value for name, value in query.items() if name not in ("list-type", "continuation-token")}
        query["marker"] = _decoded(marker, encoded) if marker else keys[-1]
    else:
        return None
    return parts._replace(query=urllib.parse.urlencode(query)).geturl()


def _decoded(key: str, encoded: bool) -> str:
    return urllib.parse.unquote_plus(key) if encoded else key


def _is_wanted(node: Node, key: str) -> bool:
    size, kind = node.first("Size"), (node.first("StorageClass") or "").upper()
    return is_image_file(key.replace("?", "_").replace("#", "_")) and size != "0" and not kind.startswith(FROZEN)


def _listed(node: Node, key: str, asked: str) -> Listed:
    parts = urllib.parse.urlsplit(asked)
    path = f"{parts.path.rstrip('/')}/{urllib.parse.quote(key)}"
    size = node.first("Size") or ""
    return Listed(
        parts._replace(path=path, query="", fragment="").geturl(),
        _folder(key),
        int(size) if size.isdecimal() and len(size) < 16 else None,
        node.first("LastModified"),
    )


def _folder(path: str) -> str | None:
    """The name of the folder that a path ends in."""
    folders = [part for part in path.split("/")[:-1] if part]
    return folders[-1] if folders else None


def _read_index(document: Document) -> Opened[Listed]:
    """A folder as nginx, Apache, Python and their like show it: links to what lies directly in it."""
    text = document.text()
    page = read_html(text)
    if not page.title.lower().startswith(TITLES) and not any(title in text[:4_096].lower() for title in TITLES):
        raise SourceFailed(f"{shown(document.url)} is neither a bucket's listing nor a folder's.")
    parts = urllib.parse.urlsplit(document.url)
    base = parts._replace(
        path=parts.path if parts.path.endswith("/") else f"{parts.path}/", query="", fragment=""
    ).geturl()
    names = (_name_within(base, link) for link in page.links)
    return _folder_entries(base, [(name, None, None) for name in dict.fromkeys(names) if name])


def _name_within(base: str, link: str) -> str | None:
    """The escaped name of an entry, a folder's with its slash; None for links that sort, lead up or lead away."""
    if link.startswith("?"):
        return None
    try:
        whole = urllib.parse.urljoin(base, urllib.parse.urldefrag(link)[0])
    except ValueError:
        return None
    name = whole.removeprefix(base) if whole.startswith(base) else ""
    return name if name and "?" not in name and "/" not in name[:-1] and name != "/" else None


def _read_json(body: bytes, url: str) -> Opened[Listed]:
    """nginx' autoindex_format json."""
    try:
        listed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFailed(f"{shown(url)} is broken JSON: {str(error)[:100]}.") from error
    base = url.partition("?")[0].rstrip("/") + "/"
    entries: list[tuple[str, int | None, str | None]] = []
    for one in listed:
        name = one.get("name") if isinstance(one, dict) else None
        if isinstance(name, str) and name.strip("./") and "/" not in name:
            folder = "/" if one.get("type") == "directory" else ""
            entries.append((urllib.parse.quote(name) + folder, _number(one.get("size")), _string(one.get("mtime"))))
    return _folder_entries(base, entries)


def _folder_entries(base: str, entries: list[tuple[str, int | None, str | None]]) -> Opened[Listed]:
    """Files first: a deep tree must not hide what lies on top."""
    folder = _folder(urllib.parse.unquote(urllib.parse.urlsplit(base).path))
    files = [
        Listed(base + name, folder, size, modified)
        for name, size, modified in entries
        if is_image_file(urllib.parse.unquote(name)) and size != 0 and not name.endswith("/")
    ]
    return Opened([*files, *(Branch(base + name) for name, _, _ in entries if name.endswith("/"))])


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _string(value: Json) -> str | None:
    return value if isinstance(value, str) and value else None
