"""What an HTML page tells of its images: addresses by trust, alternative texts, captions, license, robots words, feeds.

Addresses stay as they are written; `web_page.py` resolves them against `base`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from app.sources.srcset import largest

IMAGE_SUFFIXES = ("jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "avif", "bmp", "tif", "tiff", "heic", "heif")
SMALLEST_SIDE = 32
"""Pictures that the page itself shows smaller are its furniture."""
MAX_PICTURES = 5_000
"""Pictures that are taken off one page."""
LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-bgset")
LAZY = (
    "data-src", "data-original", "data-lazy", "data-lazy-src", "data-img-src", "data-image", "data-full",
    "data-large_image", "data-hi-res-src", "data-zoom-image", "data-echo",
)  # fmt: skip
TRUSTED_FIRST = ("data-full", "data-large_image", "data-hi-res-src", "data-zoom-image")
"""Of the lazy attributes, those that lead to a larger picture than the one that is shown."""
GUESSED_CHARS = 4_096
"""Longer values of attributes that we do not know are not looked through."""
FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")

_IMAGE_FILE = re.compile(rf"[^?#]+\.(?:{'|'.join(IMAGE_SUFFIXES)})(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_ONE_FILE = re.compile(r"\s*(\S+\.(?:jpe?g|png|webp)\S*)\s*", re.IGNORECASE)
_ONE_SET = re.compile(r"\s*\S+\.(?:jpe?g|png|webp)\S*\s+\d[^\n]*", re.IGNORECASE)
_BACKGROUND = re.compile(r"background(?:-image)?\s*:[^;]{0,200}?url\(\s*['\"]?([^'\")]{1,8192})", re.IGNORECASE)
_MARKS_OF_PICTURES = {
    "og:image": 0, "og:image:url": 0, "og:image:secure_url": 0, "twitter:image": 1, "twitter:image:src": 1,
}  # fmt: skip


def is_image_file(url: str) -> bool:
    """Whether an address ends like an image file's."""
    return _IMAGE_FILE.fullmatch(url.strip()) is not None


@dataclass(slots=True)
class Picture:
    """One picture of the page, by its most trusted address."""

    url: str
    title: str | None = None


@dataclass
class HtmlPage:
    """What was read; `base` is the page's own, unresolved."""

    base: str | None = None
    title: str = ""
    pictures: list[Picture] = field(default_factory=list)
    marked: list[Picture] = field(default_factory=list)
    """What the head names as the page's picture."""
    license_url: str | None = None
    robots: list[str] = field(default_factory=list)
    tdm_reservation: str | None = None
    feeds: list[str] = field(default_factory=list)
    json_ld: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """The targets of the page's anchors."""


def read_html(text: str) -> HtmlPage:
    """Read a page, however broken. The end is not forced: what an unclosed tag begins is left, in linear time."""
    reader = _Reader()
    reader.feed(text)
    reader.page.pictures += reader.page.marked
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = HtmlPage()
        self._text: list[str] | None = None
        self._link: str | None = None
        self._sets: list[str] = []
        self._figure: int | None = None
        self._caption = ""
        self._in_json_ld = False

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Passed over up to its `>`, as browsers do: Python's own reading raises AssertionError for odd ones."""
        end = self.rawdata.find(">", i)
        return end + 1 if end >= 0 else -1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in reversed(attrs)}
        background = _BACKGROUND.search(told["style"]) if "background" in told.get("style", "") else None
        handler = getattr(self, f"_start_{tag}", None) if tag.isalpha() else None
        if handler is not None:
            handler(told)
        if tag != "img" and "data-bgset" in told:
            self._add(largest([told["data-bgset"]]), None)
        elif background:
            self._add(background[1], None)

    def handle_endtag(self, tag: str) -> None:
        handler = getattr(self, f"_end_{tag}", None) if tag.isalpha() else None
        if handler is not None:
            handler()

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _taken_text(self) -> str:
        text, self._text = "".join(self._text or ()), None
        return text

    def _start_base(self, told: dict[str, str]) -> None:
        if self.page.base is None and told.get("href"):
            self.page.base = told["href"]

    def _start_title(self, _told: dict[str, str]) -> None:
        self._text = []

    def _end_title(self) -> None:
        self.page.title = self.page.title or " ".join(self._taken_text().split())

    def _start_meta(self, told: dict[str, str]) -> None:
        name = (told.get("property") or told.get("name") or "").strip().lower()
        content = told.get("content", "").strip()
        marked = self.page.marked
        if name in ("robots", "pixcrawler"):
            self.page.robots.append(content)
        elif name == "tdm-reservation":
            self.page.tdm_reservation = content
        elif name in _MARKS_OF_PICTURES and content and len(marked) < MAX_PICTURES:
            marked.append(Picture(content))
        elif name in ("og:image:alt", "twitter:image:alt") and marked and content:
            marked[-1].title = marked[-1].title or content

    def _start_link(self, told: dict[str, str]) -> None:
        rels, target = told.get("rel", "").lower().split(), told.get("href", "").strip()
        if not target:
            return
        if "license" in rels:
            self.page.license_url = self.page.license_url or target
        if "image_src" in rels:
            self.page.marked.append(Picture(target))
        if "alternate" in rels and told.get("type", "").lower() in FEED_TYPES:
            self.page.feeds.append(target)

    def _start_a(self, told: dict[str, str]) -> None:
        target = told.get("href", "").strip()
        if "license" in told.get("rel", "").lower().split() and target:
            self.page.license_url = self.page.license_url or target
        self._link = target if is_image_file(target) else None
        if target and len(self.page.links) < 50_000:
            self.page.links.append(target)

    def _end_a(self) -> None:
        self._link = None

    def _start_picture(self, _told: dict[str, str]) -> None:
        self._sets = []

    def _start_source(self, told: dict[str, str]) -> None:
        self._sets += [told[name] for name in ("srcset", *LAZY_SETS) if told.get(name)]

    def _end_picture(self) -> None:
        self._sets = []

    def _start_figure(self, _told: dict[str, str]) -> None:
        self._figure, self._caption = len(self.page.pictures), ""

    def _start_figcaption(self, _told: dict[str, str]) -> None:
        self._text = []

    def _end_figcaption(self) -> None:
        self._caption = " ".join(self._taken_text().split())

    def _end_figure(self) -> None:
        for picture in self.page.pictures[self._figure :] if self._figure is not None else ():
            picture.title = picture.title or self._caption or None
        self._figure = None

    def _start_script(self, told: dict[str, str]) -> None:
        if told.get("type", "").strip().lower() == "application/ld+json":
            self._text, self._in_json_ld = [], True

    def _end_script(self) -> None:
        if self._in_json_ld:
            self.page.json_ld.append(self._taken_text())
            self._in_json_ld = False

    def _start_img(self, told: dict[str, str]) -> None:
        sets = [*self._sets, *(told[name] for name in ("srcset", *LAZY_SETS) if told.get(name))]
        sides = (told.get(side, "").strip().removesuffix("px") for side in ("width", "height"))
        if any(side.isdecimal() and int(side[:9]) < SMALLEST_SIDE for side in sides):
            return
        self._add(_best(told, sets, self._link), told.get("alt"))

    def _add(self, url: str | None, title: str | None) -> None:
        if url and len(self.page.pictures) < MAX_PICTURES:
            self.page.pictures.append(Picture(url.strip(), (title or "").strip() or None))


def _best(told: dict[str, str], sets: list[str], link: str | None) -> str | None:
    """By trust: a named large picture, the largest of the sets, the file linked to, what is loaded late, `src`."""
    enlarged = next((told[name] for name in TRUSTED_FIRST if told.get(name)), None)
    late = next((told[name] for name in LAZY if told.get(name)), None)
    shown = enlarged or _real(largest(sets)) or link or late
    if shown:
        return shown
    for name, value in told.items():
        if name in ("src", "alt", "title", "srcset") or len(value) > GUESSED_CHARS:
            continue
        if _ONE_SET.fullmatch(value):
            return largest([value])
        one = _ONE_FILE.fullmatch(value)
        if one:
            return one[1]
    return _real(told.get("src"))


def _real(url: str | None) -> str | None:
    """None for a placeholder within the page."""
    return None if url is None or url.lstrip()[:5].lower() == "data:" else url
