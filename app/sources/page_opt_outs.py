"""Whether a page reserves its images: meta robots, X-Robots-Tag, and the TDM reservation protocol.

The image's own answer is judged once more when it is fetched; this is about the page that shows it.
"""

from __future__ import annotations

from collections.abc import Sequence

from multidict import CIMultiDictProxy

from app.settings import Settings

RESERVING_WORDS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
OUR_NAME = "pixcrawler"
RULES_WITH_VALUES = frozenset({"unavailable_after", "max-image-preview", "max-snippet", "max-video-preview"})
"""Rules that hold a colon although they name no bot."""


def page_signal(
    headers: CIMultiDictProxy[str], robots: Sequence[str], tdm_reservation: str | None, settings: Settings
) -> str | None:
    """What reserves the page's images, or None. `robots` are its meta words, `tdm_reservation` its meta value.

    Signals that the settings switch off do not count. A meta element about TDM beats the header; its absence does not.
    """
    if settings.respect_x_robots_tag and (found := _robots_word(headers, robots)):
        return found
    if not settings.respect_tdm:
        return None
    if tdm_reservation in ("0", "1"):
        return "meta tdm-reservation: 1" if tdm_reservation == "1" else None
    return "tdm-reservation: 1" if headers.get("tdm-reservation", "").strip() == "1" else None


def _robots_word(headers: CIMultiDictProxy[str], robots: Sequence[str]) -> str | None:
    for value in headers.getall("X-Robots-Tag", ()):
        word = _header_word(value)
        if word:
            return f"X-Robots-Tag: {word}"
    for content in robots:
        for word in content.lower().replace(",", " ").split():
            if word in RESERVING_WORDS:
                return f"meta robots: {word}"
    return None


def _header_word(value: str) -> str | None:
    """The first word that binds us. A bot's name holds from where it stands to the end of its header line."""
    bound = True
    for part in value.lower().split(","):
        rule = part.strip()
        name, colon, rest = rule.partition(":")
        if colon and name.strip() not in RULES_WITH_VALUES:
            bound, rule = name.strip() == OUR_NAME, rest.strip()
        if bound and rule in RESERVING_WORDS:
            return rule
    return None
