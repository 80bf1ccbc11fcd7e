"""Pages, feeds and listings as bytes, with a deadline, a size limit, and patience with servers that ask for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDictProxy

from app.errors import Invalid, SourceFailed
from app.sources.base import Tools, clean_url
from app.sources.http import ATTEMPTS, BACKOFF_S, PASSING_STATUSES, SHORT_WAIT_S, retry_after_s
from app.values import MAX_URL_CHARS, Json

DEADLINE_S = 30.0
MAX_BYTES = 8 * 2**20
MAX_REDIRECTS = 5
SHOWN_URL = 200
ADDRESSES = 100
"""Addresses that one source of a job may be given."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """An answer; `url` is where redirects ended."""

    url: str
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    charset: str | None = None

    def text(self) -> str:
        """The body as text, by the header's charset, then a meta element's, then UTF-8; what is broken is replaced."""
        told = _CHARSET.search(self.body[:4_096])
        for name in (self.charset, told and told[1].decode("ascii", "replace")):
            try:
                if name:
                    return self.body.decode(name, "replace")
            except LookupError:
                continue
        return self.body.decode("utf-8-sig", "replace")


async def get_document(
    tools: Tools, url: str, accept: str = "*/*", max_bytes: int = MAX_BYTES, cut: bool = False
) -> Document:
    """GET until there is an answer whose status does not pass by itself; short pauses asked for are waited out.

    A body over `max_bytes` is cut where `cut` says so. Raises SourceFailed otherwise, and where nobody answers; with
    `retry_after_s` where the server named a time.
    """
    trouble = SourceFailed(f"{shown(url)} does not answer.")
    for attempt in range(ATTEMPTS):
        wait_s: float | None = None
        try:
            document = await _get(tools, url, accept, max_bytes, cut)
        except (aiohttp.InvalidURL, ValueError) as error:
            raise SourceFailed(f"{shown(url)} cannot be asked for: {str(error)[:200]}.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            trouble = SourceFailed(f"{shown(url)} does not answer: {str(error)[:200] or type(error).__name__}.")
        else:
            if document.status not in PASSING_STATUSES:
                return document
            wait_s = retry_after_s(document.headers.get("Retry-After"))
            trouble = SourceFailed(_complaint(url, document.status), wait_s)
        if wait_s is not None and wait_s > SHORT_WAIT_S:
            raise trouble
        if attempt < ATTEMPTS - 1:
            await tools.sleep(BACKOFF_S * 2**attempt if wait_s is None else wait_s)
    raise trouble


async def _get(tools: Tools, url: str, accept: str, max_bytes: int, cut: bool) -> Document:
    async with (
        asyncio.timeout(DEADLINE_S),
        tools.client.get(url, headers={"Accept": accept}, max_redirects=MAX_REDIRECTS) as response,
    ):
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > max_bytes:
                if cut:
                    break
                raise SourceFailed(f"{shown(url)} is larger than {max_bytes:,} bytes.")
        final = str(response.url)
        return Document(final, response.status, response.headers, bytes(body[:max_bytes]), response.charset)


def _complaint(url: str, status: int) -> str:
    if status == 429:
        return f"The server of {shown(url)} has had enough of our requests for now (429)."
    return f"The server of {shown(url)} is in trouble: it answered {status}."


def require_found(document: Document, asked: str) -> None:
    """Raises SourceFailed for another status than 200."""
    if document.status != 200:
        raise SourceFailed(f"{shown(asked)} answered {document.status}.")


def shown(url: str) -> str:
    """An address as a message shows it."""
    return url if len(url) <= SHOWN_URL else url[:SHOWN_URL] + "…"


def checked_addresses(options: Mapping[str, Json], what: str, limit: int = ADDRESSES) -> list[str]:
    """The option `urls`: 1 to `limit` http(s) addresses, without doubles. Raises Invalid; `what` is for its words."""
    urls = options.get("urls")
    told = f"1 to {limit:,} addresses"
    if not isinstance(urls, list | tuple) or not 1 <= len(urls) <= limit:
        actual = f"{len(urls):,}" if isinstance(urls, list | tuple) else "no list"
        raise Invalid(f"urls must be {told} of {what}.", path=["urls"], limit=told, actual=actual)
    return list(dict.fromkeys(_checked_address(url, place) for place, url in enumerate(urls)))


def _checked_address(value: Json, place: int) -> str:
    url = clean_url(value) if isinstance(value, str) else ""
    if not re.match(r"https?://[^/\s?#]", url, re.IGNORECASE) or len(url) > MAX_URL_CHARS:
        limit = f"http:// or https://, up to {MAX_URL_CHARS:,} characters"
        raise Invalid(
            "An address begins with http:// or https://.",
            path=["urls", str(place)],
            limit=limit,
            actual=str(value)[:100],
        )
    return url


def checked_flag(options: Mapping[str, Json], name: str, field: str, default: bool) -> bool:
    """True or false. Raises Invalid, whose path is the GraphQL `field`."""
    value = options.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Invalid(f"{field} must be true or false.", path=[field], actual=str(value)[:100])
    return value
