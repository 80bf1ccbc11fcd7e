"""Path patterns as robots.txt spells them: a prefix in which `*` is any run of characters and a last `$` the end.

Both sides are compared as octets with every percent escape undone, so that either may have escaped what it liked.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_WILD = 1_000
"""Patterns with a `*` that are tried one by one; a file with more is meant to cost time, or is a mistake."""


class Pattern(NamedTuple):
    """`first`, then `rest` in this order with anything between; `length` counts its octets, `*` and `$`."""

    first: bytes
    rest: tuple[bytes, ...]
    to_end: bool
    length: int

    def matches(self, path: bytes) -> bool:
        """Whether the path (of `octets`) begins with the pattern. Takes one pass, whatever the pattern."""
        if not path.startswith(self.first):
            return False
        if not self.rest:
            return not self.to_end or len(path) == len(self.first)
        place = len(self.first)
        for part in self.rest[:-1]:
            place = path.find(part, place)
            if place < 0:
                return False
            place += len(part)
        last = self.rest[-1]
        if self.to_end:
            return path.endswith(last) and len(path) - len(last) >= place
        return path.find(last, place) >= 0


def pattern(text: bytes) -> Pattern:
    """Read a pattern; `%2A` and `%24` are a plain `*` and `$`."""
    to_end = text.endswith(b"$")
    first, *others = [octets(part) for part in text.removesuffix(b"$").split(b"*")]
    rest = [part for part in others[:-1] if part] + others[-1:]
    if rest == [b""] and not to_end:
        rest = []
    length = len(first) + sum(len(part) + 1 for part in rest) + to_end
    return Pattern(first, tuple(rest), to_end, length)


def octets(path: str | bytes) -> bytes:
    """A path, with its query if it has one, as its octets."""
    return urllib.parse.unquote_to_bytes(path)


class Match(NamedTuple):
    """The rule that decides: its value, how it was written, and whether a `*` that changes nothing ends it."""

    value: int
    text: str
    starred: bool = False


@dataclass
class LongestMatch:
    """Rules of which the longest pattern that matches decides; of equally long ones the greatest value.

    Plain prefixes lie in a dict, so that a long file costs as little per path as a short one.
    """

    strict: int = 0
    """The value that leaves more alone."""
    plain: dict[bytes, Match] = field(default_factory=dict)
    wild: list[tuple[Pattern, Match]] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=list)

    def add(self, path: bytes, value: int, text: str) -> None:
        """Add a rule; call `settle` after the last."""
        made, match = pattern(path), Match(value, text, path.endswith(b"*"))
        if made.rest or made.to_end:
            self.wild.append((made, match))
            return
        known = self.plain.get(made.first)
        # `/*` is an octet longer than `/`: it decides, whatever the other allows.
        if known is None or (match.starred, value) > (known.starred, known.value):
            self.plain[made.first] = match

    def settle(self) -> None:
        """Sort what was added. Patterns over the limit are cut to their fixed part if they are strict."""
        over, self.wild = self.wild[MAX_WILD:], self.wild[:MAX_WILD]
        for made, match in over:
            known = self.plain.get(made.first)
            if match.value == self.strict and (known is None or known.value != self.strict):
                self.plain[made.first] = match
        self.wild.sort(key=lambda rule: (rule[0].length, rule[1].value), reverse=True)
        self._sizes = sorted({len(path) for path in self.plain}, reverse=True)

    def find(self, path: bytes) -> Match | None:
        """The rule that decides about a path of `octets`, if any matches."""
        length, best = self._plain(path)
        for made, match in self.wild:
            if made.length < length or (best and made.length == length and match.value <= best.value):
                break
            if made.matches(path):
                return match
        return best

    def _plain(self, path: bytes) -> tuple[int, Match | None]:
        for size in self._sizes:
            if size <= len(path) and (found := self.plain.get(path[:size])):
                return size, found
        return 0, None
