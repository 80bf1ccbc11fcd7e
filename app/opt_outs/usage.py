"""What hosts say about the use of their content for training, in the two spellings that are about.

`Content-Usage: train-ai=n` (IETF's AI preferences), in a header or in robots.txt; `Content-Signal: ai-train=no`
(Cloudflare's) in robots.txt.
"""

from __future__ import annotations

from collections.abc import Iterable

USAGE = "Content-Usage"
SIGNAL = "Content-Signal"
_WORDS = {USAGE: ("train-ai", {"n": True, "y": False}), SIGNAL: ("ai-train", {"no": True, "yes": False})}


def reserves_training(name: str, values: Iterable[str]) -> bool | None:
    """Whether the values of the line or header `name` speak against training; any no wins, None: nothing is said."""
    key, words = _WORDS[name]
    said: bool | None = None
    for part in ",".join(values).lower().split(","):
        found, _, value = part.partition("=")
        meant = words.get(value.partition(";")[0].strip()) if found.strip() == key else None
        if meant is not None:
            said = bool(said) or meant
    return said


def refusing_word(name: str) -> str:
    """How `name` says no: `train-ai=n`."""
    key, words = _WORDS[name]
    return f"{key}={next(word for word, reserves in words.items() if reserves)}"
