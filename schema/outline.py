"""What the text of a document holds, seen without parsing it: for a thirtieth of parsing's price."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.errors import LimitExceeded
from schema.limits import MAX_NESTING, MAX_TOKENS

# No part gives a character back that it took, and a string that does not end is taken to the end: each character is
# looked at once. Comments count as words: they are read like these.
_PART = re.compile(
    r"""(?P<between>[\ \t\n\r,\ufeff]++)
      | (?P<open>[{(\[])
      | (?P<close>[})\]])
      | "{3}(?:[^"\\]++|\\"{3}|\\|"(?!""))*+(?:"{3})?
      | "(?:[^"\\\n\r]++|\\.)*+"?
      | \#[^\n\r]*+
      | [A-Za-z_][A-Za-z_0-9]*+
      | -?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?
      | \.\.\.
      | .""",
    re.DOTALL | re.VERBOSE,
)
TOKENS_OF_A_REQUEST = 100
CHARACTERS_OF_A_REQUEST = 4_096
"""So much of a document takes about as long to read as a small request takes to answer: some milliseconds."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The size of a document."""

    tokens: int
    characters: int

    @property
    def requests(self) -> int:
        """How many small requests it takes as long to read as."""
        return self.tokens // TOKENS_OF_A_REQUEST + self.characters // CHARACTERS_OF_A_REQUEST


def outline(text: str) -> Outline:
    """The size of a document; `LimitExceeded` for one of too many words and signs, or brackets inside each other."""
    tokens = nesting = 0
    for part in _PART.finditer(text):
        kind = part.lastgroup
        if kind == "between":
            continue
        tokens += 1
        if tokens > MAX_TOKENS:
            raise LimitExceeded(
                f"A document has at most {MAX_TOKENS} words and signs; long lists go into variables.",
                path=["query"],
                limit=str(MAX_TOKENS),
                actual=f"more than {MAX_TOKENS}",
            )
        if kind == "open":
            nesting += 1
            if nesting > MAX_NESTING:
                raise LimitExceeded(
                    f"A document has at most {MAX_NESTING} brackets inside each other.",
                    path=["query"],
                    limit=str(MAX_NESTING),
                    actual=f"more than {MAX_NESTING}",
                )
        elif kind == "close":
            nesting -= 1
    return Outline(tokens, len(text))
