"""Downloads a file of the service: resumed where it breaks off, its size compared with what the service says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import aiohttp
import click

ATTEMPTS = 6
FIRST_PAUSE_S = 0.5
BLOCK_BYTES = 2**20

Link = Callable[[], Awaitable[str]]
"""Asks for the link anew: it expires, and a long download may outlive it."""
Tell = Callable[[int], None]
"""Told how many bytes are here."""


class _Again(Exception):
    """The download broke off and may be resumed."""


class _Part:
    """What is here of the file, and the version tag of the one that it is of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tag = ""
        self.drop()

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)


async def download(
    http: aiohttp.ClientSession, base: str, link: Link, path: Path, size: int | None, tell: Tell, what: str = "export"
) -> str:
    """Fetches `what`, of `size` bytes where that is known, to `path`, resuming where it breaks off; its file name.

    Raises click.ClickException where it does not come, or is not as large as the service said.
    """
    part, pause = _Part(path), FIRST_PAUSE_S
    for attempt in range(1, ATTEMPTS + 1):
        url = urljoin(base + "/", await link())
        try:
            name = await _fetch(http, url, part, tell, what)
            break
        except (_Again, aiohttp.ClientError, TimeoutError) as error:
            if attempt == ATTEMPTS:
                reason = str(error) or type(error).__name__
                raise click.ClickException(f"The {what} could not be downloaded ({reason}): try again.") from error
        await asyncio.sleep(pause)
        pause *= 2
    if size is not None and part.size != size:
        raise click.ClickException(f"The {what} has {part.size:,} bytes, the service says {size:,}: export it again.")
    return name


async def _fetch(http: aiohttp.ClientSession, url: str, part: _Part, tell: Tell, what: str) -> str:
    """One attempt; the file's name."""
    headers = {"Accept-Encoding": "identity"}
    if part.size and part.tag:
        # Another version of the file is sent whole, and replaces what is here.
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.tag}
    async with http.get(url, headers=headers) as response:
        if response.status == 416:
            part.drop()
        if response.status in (416, 429) or response.status >= 500:
            raise _Again(f"answer {response.status}")
        if response.status not in (200, 206):
            raise click.ClickException(f"The {what}'s link is refused with {response.status}: ask again.")
        part.tag = response.headers.get("ETag", "")
        await _write(response, part, tell)
        return file_name(response.headers.get("Content-Disposition", ""), url)


async def _write(response: aiohttp.ClientResponse, part: _Part, tell: Tell) -> None:
    have = part.size if response.status == 206 else 0
    with part.path.open("ab" if have else "wb") as file:
        async for block in response.content.iter_chunked(BLOCK_BYTES):
            await asyncio.to_thread(file.write, block)
            have += len(block)
            tell(have)


def file_name(disposition: str, url: str) -> str:
    """The name in a Content-Disposition header, or else the last part of the URL's path."""
    extended = re.search(r"filename\*=UTF-8''([^;\s]+)", disposition, re.IGNORECASE)
    if extended:
        return _last(unquote(extended.group(1)))
    plain = re.search(r'filename="?([^";]+)"?', disposition, re.IGNORECASE)
    return _last(plain.group(1) if plain else unquote(urlsplit(url).path))


def _last(path: str) -> str:
    name = re.split(r"[/\\]", path)[-1].strip().lstrip(".")
    return name or "export.zip"
