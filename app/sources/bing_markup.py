"""The results in a page of Bing's image search: a JSON text in an attribute of each, and its size beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

import orjson

from app.values import Json


@dataclass
class BingPage:
    """What a page holds; `has_list` tells a list without results from a page that is none."""

    has_list: bool = False
    results: list[tuple[Mapping[str, Json], str]] = field(default_factory=list)
    """Each result's `m`, and the text about its size, width, height and format; empty where there is none."""


class _Parser(HTMLParser):
    """Reads `ul.dgControl_list > li` with `a.iusc[m]` and `div.img_info span.nowrap`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = BingPage()
        self._in_info = False
        self._in_size = False
        self._current = False
        """Whether a result of this list entry has been read: a size before it belongs to none."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        classes = (told.get("class") or "").split()
        if tag == "ul" and "dgControl_list" in classes:
            self.page.has_list = True
        elif tag == "li":
            self._current = self._in_info = self._in_size = False
        elif tag == "a" and "iusc" in classes:
            self._result(told.get("m") or "")
        elif tag == "div":
            self._in_info = "img_info" in classes
        elif tag == "span":
            self._in_size = self._in_info and self._current and "nowrap" in classes

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._in_info = False
        if tag in ("span", "div"):
            self._in_size = False

    def handle_data(self, data: str) -> None:
        if self._in_size:
            about, size = self.page.results[-1]
            self.page.results[-1] = (about, (size + data)[:200])

    def _result(self, text: str) -> None:
        try:
            about = orjson.loads(text)
        except orjson.JSONDecodeError:
            about = None
        if isinstance(about, dict):
            self.page.results.append((about, ""))
            self._current = True


def read_page(text: str) -> BingPage:
    """The results in HTML; what cannot be read of it is left out."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.page
