"""Whether a page reserves its images: meta robots, X-Robots-Tag, and the TDM reservation protocol.

The image's own answer is judged once more when it is fetched; this is about the page that shows it.
"""

from __future__ import annotations

from collections.abc import Sequence

from multidict import CIMultiDictProxy

from app.opt_outs.tdm import HEADER, header_reserves
from app.opt_outs.x_robots import RESERVING_WORDS, reserving_word
from app.settings import Settings


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
        return f"meta {HEADER}: 1" if tdm_reservation == "1" else None
    return f"{HEADER}: 1" if header_reserves(headers) else None


def _robots_word(headers: CIMultiDictProxy[str], robots: Sequence[str]) -> str | None:
    for value in headers.getall("X-Robots-Tag", ()):
        word = reserving_word(value)
        if word:
            return f"X-Robots-Tag: {word}"
    for content in robots:
        for word in content.lower().replace(",", " ").split():
            if word in RESERVING_WORDS:
                return f"meta robots: {word}"
    return None
