"""Whether an answer's headers reserve the image: X-Robots-Tag and the TDM reservation protocol.

Left to others: robots.txt, tdmrep.json and the words of a page.
"""

from __future__ import annotations

from multidict import CIMultiDictProxy

RESERVING_WORDS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
OUR_NAMES = frozenset({"pixcrawler"})
"""The product token of our User-Agent, in lower case: `X-Robots-Tag: pixcrawler: noindex` is meant for us."""
RULES_WITH_VALUES = frozenset({"unavailable_after", "max-image-preview", "max-snippet", "max-video-preview"})
"""Rules that hold a colon although they name no bot."""


def reserving_signal(headers: CIMultiDictProxy[str]) -> str | None:
    """The header that reserves the image, as `name: word`, or None."""
    for value in headers.getall("X-Robots-Tag", ()):
        word = _reserving_word(value)
        if word:
            return f"X-Robots-Tag: {word}"
    if headers.get("tdm-reservation", "").strip() == "1":
        return "tdm-reservation: 1"
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
