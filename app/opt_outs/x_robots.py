"""The words of X-Robots-Tag and of meta robots that keep an image from us."""

from __future__ import annotations

RESERVING_WORDS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
OUR_NAME = "pixcrawler"
"""The product token of our User-Agent, in lower case: `X-Robots-Tag: pixcrawler: noindex` is meant for us."""
RULES_WITH_VALUES = frozenset({"unavailable_after", "max-image-preview", "max-snippet", "max-video-preview"})
"""Rules that hold a colon although they name no bot."""


def reserving_word(value: str) -> str | None:
    """The first word of a header line that binds us. A bot's name holds from where it stands to the line's end."""
    bound_to_us = True
    for part in value.lower().split(","):
        rule = part.strip()
        name, colon, rest = rule.partition(":")
        if colon and name.strip() not in RULES_WITH_VALUES:
            bound_to_us, rule = name.strip() == OUR_NAME, rest.strip()
        if bound_to_us and rule in RESERVING_WORDS:
            return rule
    return None
