"""robots.txt for the pages that a source reads: who may read what, and which sitemaps it names.

The images that the pages show lie elsewhere and are judged when they are fetched.
"""

from __future__ import annotations

import yarl

from app.errors import SourceFailed
from app.opt_outs.patterns import octets
from app.opt_outs.robots import MAX_BYTES, Robots, parse
from app.sources.base import Tools
from app.sources.documents import get_document

ORIGINS = 1_000
"""Answers that are remembered at once."""
FORBIDDEN = b"User-agent: *\nDisallow: /"
"""The rules of an origin whose robots.txt cannot be had."""


class RobotsFiles:
    """The robots.txt of each origin, asked for once. Nothing is forbidden where robots.txt is not respected."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._known: dict[str, Robots] = {}

    async def of(self, url: str) -> Robots:
        """The rules of this address's origin. 4xx: all is allowed; no answer or 5xx: nothing is."""
        origin = str(yarl.URL(url).origin())
        if origin not in self._known:
            if len(self._known) >= ORIGINS:
                self._known.clear()
            self._known[origin] = await self._asked(origin)
        return self._known[origin]

    async def require(self, url: str) -> None:
        """Raises SourceFailed where the address may not be read."""
        if not self._tools.settings.respect_robots:
            return
        line = (await self.of(url)).disallowing(octets(yarl.URL(url).raw_path_qs))
        if line:
            raise SourceFailed(f"robots.txt does not let us read {url[:200]} ({line}).")

    async def _asked(self, origin: str) -> Robots:
        try:
            answer = await get_document(
                self._tools, f"{origin}/robots.txt", "text/plain,*/*;q=0.5", MAX_BYTES, cut=True
            )
        except SourceFailed as failed:
            if failed.retry_after_s is not None:
                raise
            return parse(FORBIDDEN)
        if answer.status == 200:
            return parse(answer.body)
        return Robots() if answer.status < 500 else parse(FORBIDDEN)
