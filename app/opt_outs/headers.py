"""Whether an answer's headers reserve the image: X-Robots-Tag, the TDM reservation protocol, Content-Usage.

What is known before the request (robots.txt, tdmrep.json) is given; what a page says is for `pages`.
"""

from __future__ import annotations

from multidict import CIMultiDictProxy

from app.opt_outs.tdm import HEADER, header_reserves
from app.opt_outs.usage import USAGE, refusing_word, reserves_training
from app.opt_outs.x_robots import reserving_word
from app.settings import Settings


def reserving_signal(headers: CIMultiDictProxy[str], settings: Settings, by_file: str | None = None) -> str | None:
    """The signal that reserves the image, as `name: word`, or None. `by_file`: that of a tdmrep.json on the way."""
    if settings.respect_x_robots_tag:
        for value in headers.getall("X-Robots-Tag", ()):
            word = reserving_word(value)
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
