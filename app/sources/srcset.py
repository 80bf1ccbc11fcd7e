"""The largest picture of a `srcset`: candidates with widths or densities, whose addresses may hold commas."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_CANDIDATES = 100

_CANDIDATE = re.compile(r"[\s,]*(?P<url>[^\s]+)(?P<rest>[^,(]*(?:\([^)]*\)[^,(]*)*)")
_WIDTH = re.compile(r"(?<!\S)(\d{1,6})w(?!\S)")
_DENSITY = re.compile(r"(?<!\S)(\d{1,3}(?:\.\d{1,3})?)x(?!\S)")


def largest(srcsets: list[str]) -> str | None:
    """The address with the greatest width, or else the greatest density, over several sets; the first of equals."""
    best: tuple[tuple[float, float], str] | None = None
    for srcset in srcsets:
        for url, width, density in candidates(srcset):
            if best is None or (width, density) > best[0]:
                best = ((width, density), url)
    return best[1] if best else None


def candidates(srcset: str) -> Iterator[tuple[str, float, float]]:
    """Address, width in pixels (0 where none is told), density (1 where none is told)."""
    place = 0
    for _ in range(MAX_CANDIDATES):
        found = _CANDIDATE.match(srcset, place)
        if found is None:
            return
        url, rest = found["url"], found["rest"]
        place = found.end()
        if url.endswith(","):  # a comma at an address's end ends the candidate
            url, rest, place = url.rstrip(","), "", found.end("url")
        width, density = _WIDTH.search(rest), _DENSITY.search(rest)
        if url:
            yield url, float(width[1]) if width else 0.0, float(density[1]) if density else 1.0
