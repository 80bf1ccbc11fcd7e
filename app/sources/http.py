"""JSON from a source's API, with a deadline, a size limit, and patience with servers that ask for it."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
import orjson

from app.errors import SourceFailed
from app.sources.base import Tools
from app.values import Json

DEADLINE_S = 20.0
MAX_BYTES = 8 * 2**20
MAX_REDIRECTS = 3
TEXT_BYTES = 500
"""What is kept of an answer that is not JSON."""

SHORT_WAIT_S = 60.0
"""A pause that a server asks for is waited out up to this; a longer one is the job's to know."""
ATTEMPTS = 4
BACKOFF_S = 1.0
"""The first wait where the server names none; each next one is twice as long."""
UNIX_TIME = 1_000_000_000
PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """An API's answer; `body` is None where it is not JSON, and `text` is then how it begins."""

    status: int
    headers: Mapping[str, str]
    body: Json | None
    text: str = ""


async def get_json(
    client: aiohttp.ClientSession,
    url: str,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    deadline_s: float = DEADLINE_S,
    max_bytes: int = MAX_BYTES,
) -> Answer:
    """One GET. Raises aiohttp.ClientError or TimeoutError, and SourceFailed for an answer over `max_bytes`."""
    async with (
        asyncio.timeout(deadline_s),
        client.get(url, params=params, headers=headers, max_redirects=MAX_REDIRECTS) as response,
    ):
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > max_bytes:
                raise SourceFailed(f"{response.url.host} answered with more than {max_bytes:,} bytes.")
        try:
            return Answer(response.status, response.headers, orjson.loads(body))
        except orjson.JSONDecodeError:
            text = body[:TEXT_BYTES].decode(errors="replace")
            return Answer(response.status, response.headers, None, text)


def passing_trouble(title: str, answer: Answer) -> str | None:
    """What is wrong with an answer that may be better in a moment, in words; None where it is worth reading."""
    if answer.status == 429:
        return f"{title} has had enough of our requests for now (429)."
    if answer.status in PASSING_STATUSES:
        return f"{title} is in trouble: it answered {answer.status}."
    return f"{title} answered {answer.status} with something that is not JSON." if answer.body is None else None


async def ask(
    tools: Tools,
    title: str,
    url: str,
    params: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    trouble_of: Callable[[str, Answer], str | None] = passing_trouble,
) -> Answer:
    """GET until there is an answer worth reading, which is for `trouble_of` to say: one without passing trouble.

    Pauses that the server asks for are waited out when they are short. Raises SourceFailed, in words for the job's
    owner, with `retry_after_s` where the server named a time.
    """
    trouble = SourceFailed(f"{title} does not answer.")
    attempts = 1 if tools.hurried else ATTEMPTS
    for attempt in range(attempts):
        try:
            answer = await get_json(tools.client, url, params, headers or {})
        except (aiohttp.ClientError, TimeoutError) as error:
            trouble = SourceFailed(f"{title} does not answer: {_words(error)}.")
            wait_s = None
        else:
            words = trouble_of(title, answer)
            if words is None:
                return answer
            wait_s = pause_s(answer)
            trouble = SourceFailed(words, wait_s)
        if wait_s is not None and wait_s > SHORT_WAIT_S:
            raise trouble
        if attempt < attempts - 1:
            await tools.sleep(BACKOFF_S * 2**attempt if wait_s is None else wait_s)
    raise trouble


def _words(error: Exception) -> str:
    """An error for the job's owner. Those that quote an address are named only: some keys are part of the address."""
    quotes = isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL)
    return type(error).__name__ if quotes else str(error)[:200] or type(error).__name__


def pause_s(answer: Answer) -> float | None:
    """The seconds that a server asks us to wait: by Retry-After, else with 429 by a single X-RateLimit-Reset.

    That number is seconds with some servers and Unix time with others; no window of a limit lasts 30 years.
    """
    told = retry_after_s(answer.headers.get("Retry-After"))
    reset = answer.headers.get("X-RateLimit-Reset", "").strip()[:12]
    if told is not None or answer.status != 429 or not reset.isdecimal():
        return told
    return float(reset) if int(reset) < UNIX_TIME else max(0.0, int(reset) - time.time())


def retry_after_s(value: str | None) -> float | None:
    """The seconds of a Retry-After header, given as a number or a date; None where there is none or it is broken."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:12])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
