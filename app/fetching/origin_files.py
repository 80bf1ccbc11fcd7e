"""Reading an origin's robots.txt and tdmrep.json: through the guard, out of the host's budget, in a short time.

What follows from a file that cannot be had is decided here; how long that is believed, in `origins`.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import yarl

from app.fetching.client import TooManyRedirects, open_url
from app.fetching.deadline import Deadline
from app.fetching.failures import DOWNLOAD_ERRORS, PAUSING_STATUSES, Passing, failure, retry_after_s
from app.fetching.guard import BadUrl, BlockedAddress
from app.fetching.politeness import HostPaused, HostSilent
from app.fetching.refusal import Refusal, refusal
from app.fetching.visits import Visits
from app.opt_outs import robots, tdm
from app.settings import Settings
from app.values import RefusalCode

DEADLINE_S = 8.0
"""Total deadline of one of these files, redirects and a second attempt included."""
REDIRECTS = 5
"""What RFC 9309 asks for at least. The rules bind the origin that was asked, wherever they lie."""
ATTEMPTS = 2
BACKOFF_S = 0.4
ROBOTS_PATH, TDM_PATH = "/robots.txt", "/.well-known/tdmrep.json"
TEXT = "text/plain,application/json,*/*;q=0.5"

# Failures that are the image's as well: no connection, by whatever reason. Their own codes say more than `robots`.
UNREACHABLE = (
    BlockedAddress, HostPaused, HostSilent, aiohttp.ClientConnectorError, aiohttp.ClientSSLError,
    aiohttp.ConnectionTimeoutError,
)  # fmt: skip


class OriginFiles:
    """Reads the files of any origin."""

    def __init__(self, client: aiohttp.ClientSession, settings: Settings, visits: Visits) -> None:
        self._client = client
        self._visits = visits
        self._deadline_s = min(DEADLINE_S, settings.fetch_timeout_s)
        self._settings = settings.model_copy(
            update={"fetch_max_redirects": REDIRECTS, "fetch_timeout_s": self._deadline_s}
        )

    def deadline(self) -> Deadline:
        """A new one, for one file."""
        return Deadline(self._deadline_s)

    async def robots(self, base: yarl.URL, deadline: Deadline) -> bytes:
        """Empty where the host has none (4xx, too many redirects). Raises Refusal where it cannot be had.

        Passing where its name could not be looked up: who wants an image tries that again.
        """
        reason: Refusal | None = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status, body = await self._body(base.with_path(ROBOTS_PATH), deadline, robots.MAX_BYTES)
            except (TooManyRedirects, BadUrl):
                return b""
            except HostPaused as paused:
                raise reason or _unread(failure(paused, self._settings), paused) from paused
            except DOWNLOAD_ERRORS as error:
                found = failure(error, self._settings)
                reason = _unread(found, error)
                if isinstance(found, Passing) and found.of_resolver:
                    raise dataclasses.replace(found, refusal=reason) from error
                if not isinstance(found, Passing) or attempt == ATTEMPTS:
                    raise reason from error
            else:
                if status < 500:
                    return body if 200 <= status < 300 else b""
                answer = f"The host answered {status}."
                reason = _unread(refusal(RefusalCode.HTTP_STATUS, answer, str(status), passing=True))
                if attempt == ATTEMPTS:
                    raise reason
            deadline.charge(BACKOFF_S)
            await asyncio.sleep(BACKOFF_S)
        raise AssertionError("unreachable")

    async def tdmrep(self, base: yarl.URL, deadline: Deadline) -> bytes:
        """Empty where there is none: that it cannot be had says nothing."""
        try:
            status, body = await self._body(base.with_path(TDM_PATH), deadline, tdm.MAX_BYTES)
        except DOWNLOAD_ERRORS:
            return b""
        return body if 200 <= status < 300 and len(body) <= tdm.MAX_BYTES else b""

    async def _body(self, url: yarl.URL, deadline: Deadline, most: int) -> tuple[int, bytes]:
        """Status and body, of which at most little more than `most` bytes are read."""

        @asynccontextmanager
        async def visit(hop: yarl.URL) -> AsyncIterator[None]:
            async with self._visits.visit(hop.raw_host or "", deadline):
                yield

        async with open_url(self._client, self._settings, str(url), visit, TEXT) as response:
            if response.status in PAUSING_STATUSES and (wait_s := retry_after_s(response.headers.get("Retry-After"))):
                self._visits.politeness.pause(response.url.raw_host or "", wait_s)
            body = bytearray()
            if 200 <= response.status < 300:
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > most:
                        break
            return response.status, bytes(body)


def _unread(found: Refusal | Passing, error: Exception | None = None) -> Refusal:
    """The reason of every image of an origin whose robots.txt could not be read."""
    told = found.refusal if isinstance(found, Passing) else found
    issue = told.issue
    code = issue.code if isinstance(error, UNREACHABLE) else RefusalCode.ROBOTS
    message = f"The host's robots.txt cannot be had, so nothing is asked. {issue.message}"
    measured = f"robots.txt: {issue.measured or issue.code}"
    return Refusal(dataclasses.replace(issue, code=code, message=message, measured=measured), passing=told.passing)
