"""Answers of web searches: never through a redirect, and asked for again only where asking again is welcome.

A redirect would carry a key to another host, and is how some searches block. A search that says no is not asked twice.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import orjson

from app.errors import SourceFailed
from app.sources.base import Tools
from app.sources.http import ATTEMPTS, BACKOFF_S, DEADLINE_S, MAX_BYTES, PASSING_STATUSES, SHORT_WAIT_S, retry_after_s
from app.sources.markup import text_of
from app.values import Json

REDIRECTS = frozenset({301, 302, 303, 307, 308})
WORDS_CHARS = 300


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer, its body as text; `cookies` are those that it sets."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: Mapping[str, str]

    def json(self) -> Json | None:
        """The body, where it is JSON; None otherwise."""
        try:
            return orjson.loads(self.text)
        except orjson.JSONDecodeError:
            return None


async def fetch(
    tools: Tools,
    title: str,
    url: str,
    params: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    patient: bool = False,
) -> WebAnswer:
    """GET until the status is not one of a passing trouble.

    A 429 that names no time is retried where `patient` (an API with a key), and is the answer otherwise. Raises
    SourceFailed, with `retry_after_s` where a time was named; its words hold no parameter, since one may be a key.
    """
    trouble = SourceFailed(f"{title} does not answer.")
    attempts = 1 if tools.hurried else ATTEMPTS
    for attempt in range(attempts):
        wait_s: float | None = None
        try:
            answer = await _get(tools.client, title, url, params, headers or {})
        except (aiohttp.InvalidURL, ValueError) as error:
            raise SourceFailed(f"{title}'s address is not one: {url[:200]}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            trouble = SourceFailed(f"{title} does not answer: {_words(error)}.")
        else:
            wait_s = retry_after_s(answer.headers.get("Retry-After"))
            if answer.status not in PASSING_STATUSES or (answer.status == 429 and wait_s is None and not patient):
                return answer
            trouble = SourceFailed(_complaint(title, answer), wait_s)
        if wait_s is not None and wait_s > SHORT_WAIT_S:
            raise trouble
        if attempt < attempts - 1:
            await tools.sleep(BACKOFF_S * 2**attempt if wait_s is None else wait_s)
    raise trouble


async def _get(
    client: aiohttp.ClientSession, title: str, url: str, params: Mapping[str, str], headers: Mapping[str, str]
) -> WebAnswer:
    async with (
        asyncio.timeout(DEADLINE_S),
        client.get(url, params=params, headers=headers, allow_redirects=False) as response,
    ):
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BYTES:
                raise SourceFailed(f"{title} answered with more than {MAX_BYTES:,} bytes.")
        cookies = {name: morsel.value for name, morsel in response.cookies.items()}
        return WebAnswer(response.status, response.headers, body.decode("utf-8", "replace"), cookies)


def _words(error: Exception) -> str:
    """Errors of an answer quote its address, and with it a key: they are named only."""
    quotes = isinstance(error, aiohttp.ClientResponseError)
    return type(error).__name__ if quotes else str(error)[:200] or type(error).__name__


def _complaint(title: str, answer: WebAnswer) -> str:
    if answer.status == 429:
        return f"{title} has had enough of our requests for now (429). {said(answer)}".strip()
    return f"{title} is in trouble: it answered {answer.status}."


def said(answer: WebAnswer) -> str:
    """What an API says of an error: its `error`, or that one's `detail`, `message` or `code`; empty where nothing."""
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        error = next((error[name] for name in ("detail", "message", "code") if isinstance(error.get(name), str)), None)
    return (text_of(error) or "")[:WORDS_CHARS] if isinstance(error, str) else ""


def refused(title: str, answer: WebAnswer) -> SourceFailed:
    """A status that nobody can do anything with, in words."""
    if answer.status in REDIRECTS:
        return SourceFailed(f"{title} sends us on to {led_to(answer)} instead of answering ({answer.status}).")
    words = f"{title} refused the query ({answer.status}): {said(answer) or 'no reason given'}"
    return SourceFailed(words, of_query=answer.status in (400, 422))


def led_to(answer: WebAnswer) -> str:
    """The host that a redirect names."""
    try:
        return urllib.parse.urlsplit(answer.headers.get("Location", "")).hostname or "another page"
    except ValueError:
        return "another page"


def blocked(title: str, why: str) -> SourceFailed:
    """The search has had enough of us: nothing more is asked of it."""
    return SourceFailed(f"{title} blocks us ({why}). It was not asked again; such blocks last minutes to hours.")
