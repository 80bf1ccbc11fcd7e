"""Whether an answer's headers reserve the image: X-Robots-Tag, the TDM reservation protocol, Content-Usage.

What is known before the request (robots.txt, tdmrep.json) comes from `origins`; the words of a page are the sources'.
"""

from __future__ import annotations

from multidict import CIMultiDictProxy

from app.fetching.tdm import HEADER, header_reserves
from app.fetching.usage import USAGE, refusing_word, reserves_training
from app.settings import Settings

RESERVING_WORDS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
OUR_NAMES = frozenset({"pixcrawler"})
"""The product token of our User-Agent, in lower case: `X-Robots-Tag: pixcrawler: noindex` is meant for us."""
RULES_WITH_VALUES = frozenset({"unavailable_after", "max-image-preview", "max-snippet", "max-video-preview"})
"""Rules that hold a colon although they name no bot."""


def reserving_signal(headers: CIMultiDictProxy[str], settings: Settings, by_file: str | None = None) -> str | None:
    """The signal that reserves the image, as `name: word`, or None. `by_file` is the one of the host's tdmrep.json."""
    if settings.respect_x_robots_tag:
        for value in headers.getall("X-Robots-Tag", ()):
            word = _reserving_word(value)
            if word:
                return f"X-Robots-Tag: {word}"
    if settings.respect_tdm:
        reserves = header_reserves(headers)
        if reserves:
            return f"{HEADER}: 1"
        if by_file and reserves is None:
            return by_file
    if settings.respect_content_usage and reserves_training(USAGE, headers.getall(USAGE, ())):
        return f"{USAGE}: {refusing_word(USAGE)}"
    return None


def _reserving_word(value: str) -> str | None:
    """The first word that binds us. A bot's name holds from where it stands to the end of its header line."""
    bound_to_us = True
    for part in value.lower().split(","):
        rule = part.strip()
        name, colon, rest = rule.partition(":")
        if colon and name.strip() not in RULES_WITH_VALUES:
            bound_to_us = name.strip() in OUR_NAMES
            rule = rest.strip()
        if bound_to_us and rule in RESERVING_WORDS:
            return rule
    return None
