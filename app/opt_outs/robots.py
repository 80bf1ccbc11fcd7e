"""What a robots.txt (RFC 9309) says to us: paths, a delay, and the lines about training that stand in its groups.

Whether the file could be had at all, and what follows if not, is for those who ask for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.opt_outs.patterns import LongestMatch, Match
from app.opt_outs.usage import SIGNAL, USAGE, refusing_word, reserves_training

PRODUCT = b"pixcrawler"
"""Our product token, in lower case; groups name it with or without a version."""
MAX_BYTES = 500 * 1024
"""What is read of a robots.txt: the least that RFC 9309 asks for. What follows is not looked at."""
MAX_DELAY_S = 30.0
"""The longest gap that a Crawl-delay can bring about: whoever wants nobody at all writes Disallow."""
MAX_SITEMAPS = 1_000

_TOKEN = re.compile(rb"[a-z_-]+|\*")
_DELAY = re.compile(rb"\d{1,9}(\.\d{1,9})?")
_PATHS = {b"allow": "Allow", b"disallow": "Disallow"}
_USES = {name.lower().encode(): name for name in (USAGE, SIGNAL)}


@dataclass
class Robots:
    """The rules of an origin for us; an empty one allows everything."""

    delay_s: float = 0.0
    """The shortest gap between two requests that the host asks for, seconds."""
    sitemaps: list[str] = field(default_factory=list)
    """The addresses of Sitemap lines, as they were written, wherever they stand."""
    _paths: LongestMatch = field(default_factory=LongestMatch)
    _uses: dict[str, LongestMatch] = field(default_factory=dict)

    def disallowing(self, path: bytes) -> str | None:
        """The line that forbids a path (of `patterns.octets`), as `Disallow: /private`, or None."""
        found = self._paths.find(path)
        return found.text if found and not found.value else None

    def reserving(self, path: bytes) -> str | None:
        """The line that reserves a path against training, as `Content-Usage: train-ai=n`, or None."""
        matches: list[Match | None] = [rules.find(path) for rules in self._uses.values()]
        return next((found.text for found in matches if found and found.value), None)

    def add(self, key: bytes, value: bytes) -> None:
        """Take a line of a group; one that means nothing to us does nothing."""
        if key in _PATHS and value:
            self._paths.add(value, int(key == b"allow"), f"{_PATHS[key]}: {_shown(value)}")
        elif key == b"crawl-delay" and _DELAY.fullmatch(value):
            self.delay_s = max(self.delay_s, min(float(value), MAX_DELAY_S))
        elif key in _USES:
            self._use(_USES[key], value)

    def settle(self) -> None:
        """To be called after the last line."""
        for rules in (self._paths, *self._uses.values()):
            rules.settle()

    def _use(self, name: str, value: bytes) -> None:
        path, words = b"/", value
        if value[:1] in (b"/", b"*"):
            path, _, words = value.replace(b"\t", b" ").partition(b" ")
        said = reserves_training(name, [words.decode("latin-1")])
        if said is not None:
            text = f"{name}: {'' if path == b'/' else _shown(path) + ' '}{refusing_word(name)}"
            self._uses.setdefault(name, LongestMatch(strict=1)).add(path, int(said), text)


def parse(body: bytes) -> Robots:
    """The groups that name us, merged; where there are none, those of `*`, merged."""
    if len(body) > MAX_BYTES:
        body = body[:MAX_BYTES].rpartition(b"\n")[0]  # half a line would say something else
    ours, everyones, sitemaps = Robots(), Robots(), list[str]()
    named = in_rules = False
    agents: set[bytes] = set()
    for line in body.removeprefix(b"\xef\xbb\xbf").splitlines():
        key, colon, value = line.partition(b"#")[0].partition(b":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == b"sitemap":
            sitemaps += [value.decode("utf-8", "replace")][: MAX_SITEMAPS - len(sitemaps)]
            continue
        if key == b"user-agent":
            agents = set() if in_rules else agents
            in_rules = False
            token = _TOKEN.match(value.lower())
            agents.add(token.group() if token else b"")
            named = named or PRODUCT in agents
            continue
        in_rules = in_rules or key in _PATHS  # only these end the names of a group: RFC 9309, 2.2.4
        if PRODUCT in agents:
            ours.add(key, value)
        if b"*" in agents:
            everyones.add(key, value)
    chosen = ours if named else everyones
    chosen.settle()
    chosen.sitemaps = sitemaps
    return chosen


def _shown(value: bytes) -> str:
    return value[:200].decode("utf-8", "replace")
