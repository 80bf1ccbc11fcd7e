"""What a text is: a drawing, a page, a document, or plain words.

Pages are served where an image was, with any spelling: in UTF-16, with notes before the first element, without one.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\x0c\r\x1b"))
_HTML_ELEMENTS = frozenset(
    {
        "a",
        "b",
        "base",
        "body",
        "br",
        "center",
        "div",
        "font",
        "form",
        "frameset",
        "h1",
        "h2",
        "h3",
        "head",
        "hr",
        "html",
    }
    | {"i", "iframe", "img", "link", "main", "meta", "p", "pre", "script", "span", "strong", "style", "table", "title"}
)
_ELEMENT = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_DOCTYPE = re.compile(r"<!doctype\s+([\w:.-]+)", re.IGNORECASE)
_PAGE = re.compile(r"<!doctype html|<html", re.IGNORECASE)
_PAGE_WITHIN_CHARS = 4096
_JSON = re.compile(r'\{\s*(["}]|$)|\[\s*(["\[{\]\d-]|true|false|null|$)')


def text_of(head: bytes) -> str | None:
    """The begin of a file as text, or None where it is none."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    if head[:4:2] == b"\x00\x00" and head[1:2] == b"<":
        return head.decode("utf-16-be", "replace")
    if head[1:4:2] == b"\x00\x00" and head[:1] == b"<":
        return head.decode("utf-16-le", "replace")
    if not head or len(head.translate(None, _CONTROLS)) < len(head):
        return None
    return head.decode("utf-8", "replace")


def kind_of_text(text: str) -> str:
    """What a text is: SVG, HTML, XML, JSON or text."""
    start = text.lstrip("\ufeff \t\r\n\x00")
    if start.startswith("<"):
        return _kind_of_markup(start)
    if _PAGE.search(start, 0, _PAGE_WITHIN_CHARS):
        return "HTML"
    return "JSON" if _JSON.match(start) else "text"


def _kind_of_markup(text: str) -> str:
    """By the document type or the first element, whatever comes before it."""
    at = _after_prolog(text)
    doctype = _DOCTYPE.match(text, at)
    element = _ELEMENT.match(text, at)
    name = (doctype.group(1) if doctype else element.group(2) if element else "").lower().rpartition(":")[2]
    if name == "svg":
        return "SVG"
    if name in _HTML_ELEMENTS or _PAGE.search(text, at, at + _PAGE_WITHIN_CHARS):
        return "HTML"
    return "XML" if name or text.startswith("<?xml") else "text"


def _after_prolog(text: str) -> int:
    """Where declarations, processing instructions, comments and space have ended."""
    at = 0
    while True:
        at += len(text[at : at + 4096]) - len(text[at : at + 4096].lstrip())
        end = next((end for start, end in (("<?", "?>"), ("<!--", "-->")) if text.startswith(start, at)), None)
        if end is None:
            return at
        closed = text.find(end, at)
        if closed < 0:
            return at
        at = closed + len(end)
