"""robots.txt (RFC 9309) for the pages that a source reads: who may read what, and which sitemaps it names.

The images that the pages show lie elsewhere and are judged when they are fetched.
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass, field

from app.errors import SourceFailed
from app.sources.base import Tools
from app.sources.documents import get_document

PRODUCT = "pixcrawler"
"""Our product token, in lower case."""
MAX_BYTES = 512 * 1024
"""What is parsed of a robots.txt; RFC 9309 asks for at least 500 KiB."""
MAX_RULES = 10_000
MAX_DELAY_S = 30.0
"""A Crawl-delay is honored up to this: longer ones are a no in other words, and belong into Disallow."""
ORIGINS = 1_000
"""Answers that are remembered at once."""


@dataclass
class Robots:
    """One origin's rules for us: (allow, pattern); the longest pattern that matches wins, Allow wins ties."""

    rules: list[tuple[bool, str]] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)
    delay_s: float = 0.0

    def allows(self, url: str) -> bool:
        """Whether we may read this address of the origin."""
        parts = urllib.parse.urlsplit(url)
        path = _plain((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        best = max(((len(pattern), allow) for allow, pattern in self.rules if _matches(pattern, path)), default=None)
        return best is None or best[1]


FORBIDDEN = Robots([(False, "/")])
"""The rules of an origin whose robots.txt cannot be had."""


def parse(text: str) -> Robots:
    """The groups that name us, merged, or else those of `*`; Sitemap lines count wherever they stand."""
    ours, everyones, sitemaps = Robots(), Robots(), []
    agents: set[str] = set()
    named = in_rules = False
    for line in text.splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "sitemap":
            sitemaps.append(value)
        elif key == "user-agent":
            agents = set() if in_rules else agents
            in_rules = False
            agents.add(re.split(r"[/\s]", value.lower(), maxsplit=1)[0])
            named = named or PRODUCT in agents
        else:
            in_rules = True
            for agent, robots in ((PRODUCT, ours), ("*", everyones)):
                if agent in agents:
                    _add(robots, key, value)
    chosen = ours if named else everyones
    chosen.sitemaps = sitemaps
    return chosen


def _add(robots: Robots, key: str, value: str) -> None:
    if key in ("allow", "disallow") and value and len(robots.rules) < MAX_RULES:
        robots.rules.append((key == "allow", _plain(value)))
    elif key == "crawl-delay" and re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value):
        robots.delay_s = min(float(value), MAX_DELAY_S)


def _plain(path: str) -> str:
    """The path in one spelling: both sides may or may not have escaped what needs no escape."""
    return urllib.parse.quote(
        urllib.parse.unquote(path, errors="surrogateescape"), safe="/*$?=&%:@!',;+()~", errors="surrogateescape"
    )


def _matches(pattern: str, path: str) -> bool:
    """`*` is any run of characters, a `$` at the end binds it. One pass: no pattern makes it slow."""
    bound = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return not bound or path == first
    place = len(first)
    for part in rest[:-1]:
        place = path.find(part, place)
        if place < 0:
            return False
        place += len(part)
    last = rest[-1]
    return path.endswith(last) and len(path) - len(last) >= place if bound else path.find(last, place) >= 0


class RobotsFiles:
    """The robots.txt of each origin, asked for once. Nothing is forbidden where robots.txt is not respected."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._known: dict[str, Robots] = {}

    async def of(self, url: str) -> Robots:
        """The rules of this address's origin. 4xx: all is allowed; no answer or 5xx: nothing is."""
        parts = urllib.parse.urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._known:
            if len(self._known) >= ORIGINS:
                self._known.clear()
            self._known[origin] = await self._asked(origin)
        return self._known[origin]

    async def require(self, url: str) -> None:
        """Raises SourceFailed where the address may not be read."""
        if self._tools.settings.respect_robots and not (await self.of(url)).allows(url):
            raise SourceFailed(f"robots.txt does not let us read {url[:200]}.")

    async def _asked(self, origin: str) -> Robots:
        try:
            answer = await get_document(
                self._tools, f"{origin}/robots.txt", "text/plain,*/*;q=0.5", MAX_BYTES, cut=True
            )
        except SourceFailed as failed:
            if failed.retry_after_s is not None:
                raise
            return FORBIDDEN
        if answer.status == 200:
            return parse(answer.body.decode("utf-8-sig", "replace"))
        return Robots() if answer.status < 500 else FORBIDDEN
