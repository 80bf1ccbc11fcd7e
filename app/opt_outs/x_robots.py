"""The words of X-Robots-Tag and of meta robots that keep an image from us."""

from __future__ import annotations

RESERVING_WORDS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
OUR_NAMES = frozenset({"pixcrawler", "*"})
"""The product token of our User-Agent, in lower case: `X-Robots-Tag: pixcrawler: noindex` is meant for us. So is what
is meant for everyone."""
RULES_WITH_VALUES = frozenset({"unavailable_after", "max-image-preview", "max-snippet", "max-video-preview"})
"""Rules that hold a colon although they name no bot."""


def reserving_word(value: str) -> str | None:
    """The first word of a header line that binds us. A bot's name holds from where it stands to the line's end."""
    bound_to_us = True
    for part in value.lower().split(","):
        rule = part.strip()
        name, colon, rest = rule.partition(":")
        if colon and _is_bot(name.strip()):
            bound_to_us, rule = name.strip() in OUR_NAMES, rest.strip()
        if bound_to_us and rule in RESERVING_WORDS:
            return rule
    return None


def _is_bot(name: str) -> bool:
    """Whether what stands before a colon names a bot: not a rule, nor a date behind its day of the week."""
    return name not in RULES_WITH_VALUES and not any(char.isspace() for char in name)
