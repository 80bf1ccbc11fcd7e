"""The TDM reservation protocol: what a header and what `/.well-known/tdmrep.json` say; 1 reserves, 0 frees.

Other values say nothing. The header is nearer to the image and beats the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from app.opt_outs.patterns import Pattern, pattern

MAX_BYTES = 512 * 1024
"""Of a file that is longer nothing is taken: half of it is no JSON."""
MAX_ENTRIES = 1_000
HEADER = "tdm-reservation"
_MEANINGS = {"0": False, "1": True}


@dataclass(frozen=True)
class Reservations:
    """The entries of a tdmrep.json in their order: pattern, whether it reserves, how it was written."""

    entries: tuple[tuple[Pattern, bool, str], ...] = ()

    def reserving(self, path: bytes) -> str | None:
        """The entry that reserves a path (of `patterns.octets`), or None. The first that matches decides."""
        for made, reserves, text in self.entries:
            if made.matches(path):
                return text if reserves else None
        return None


def parse(body: bytes) -> Reservations:
    """Read a tdmrep.json; what is not as it should be says nothing."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Reservations()
    entries = []
    for entry in found[:MAX_ENTRIES] if isinstance(found, list) else []:
        location = entry.get("location") if isinstance(entry, dict) else None
        if isinstance(location, str):
            reserves = _MEANINGS.get(str(entry.get(HEADER)), False)
            text = f"tdmrep.json: {location[:200]} {HEADER} 1"
            entries.append((pattern(location.encode()), reserves, text))
    return Reservations(tuple(entries))


def header_reserves(headers: Mapping[str, str]) -> bool | None:
    """What the answer's header says; None: nothing."""
    return _MEANINGS.get(headers.get(HEADER, "").strip())
