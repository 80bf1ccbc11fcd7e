"""Text and links out of scraps of HTML, such as APIs put into fields for people."""

from __future__ import annotations

from html.parser import HTMLParser

from app.sources.base import clean_text

MAX_CHARS = 20_000
"""What is read of one scrap."""
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_UNSEEN = frozenset({"script", "style", "template", "noscript"})
_BREAKING = frozenset({"br", "div", "dd", "dt", "li", "p", "td", "th", "tr"})


class _Scrap(HTMLParser):
    """Collects what a reader would see, and the first address that it links to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.link: str | None = None
        self._unseen = 0
        """How many elements are open since one that nobody sees began."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        hidden = "display:none" in (told.get("style") or "").replace(" ", "").lower()
        if tag not in _VOID and (self._unseen or hidden or tag in _UNSEEN):
            self._unseen += 1
        if tag in _BREAKING:
            self.parts.append(" ")
        href = (told.get("href") or "").strip()
        if tag == "a" and self.link is None and not self._unseen and href:
            self.link = href

    def handle_endtag(self, tag: str) -> None:
        if self._unseen and tag not in _VOID:
            self._unseen -= 1
        if tag in _BREAKING:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


def _read(value: object) -> _Scrap:
    scrap = _Scrap()
    scrap.feed("" if value is None else str(value)[:MAX_CHARS])
    scrap.close()
    return scrap


def text_of(value: object) -> str | None:
    """The text of a scrap of HTML on one line, without what is hidden; None where there is none."""
    return clean_text(" ".join("".join(_read(value).parts).split()))


def first_link(value: object) -> str | None:
    """The first address that it links to, if it is http(s); one without a scheme is taken for https."""
    link = _read(value).link or ""
    link = f"https:{link}" if link.startswith("//") else link
    return clean_text(link) if link.lower().startswith(("http://", "https://")) else None
