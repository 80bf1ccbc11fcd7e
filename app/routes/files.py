"""`/files/…`: stored bytes by signed, expiring links. A folder's are served here; a bucket serves its own.

Whoever has a link needs no token. What is served cannot run in our origin: it is typed by us, never sniffed, and
sandboxed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
import time
from pathlib import Path
from typing import Literal

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from app.errors import StorageFull, StorageRefused
from app.log import log
from app.routes.refusals import refused
from app.settings import settings
from app.signing import verify
from app.storage import Storage, check_key, content_type, storage

DIGEST = re.compile(r"[0-9a-f]{64}(?=\.|$)")
"""The SHA-256 that names an image: its ETag, and why it never changes."""
CHUNK_BYTES = 2**18
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
ATTACHED = ("exports", "uploads")
"""Folders whose files are saved, not shown."""


class StoredFile(FileResponse):
    """A file in larger blocks than Starlette's: each costs a hop to a thread."""

    chunk_size = CHUNK_BYTES


class TooLarge(Exception):
    """The upload has more bytes than it may."""


def routes() -> list[Route]:
    """The routes of this module."""
    return [Route("/files/{key:path}", files, methods=["GET", "HEAD", "PUT"])]


async def files(request: Request) -> Response:
    """Give or take the bytes under a key."""
    key = request.path_params["key"]
    if not _is_plain(request, key):
        return refused(404, "NOT_FOUND", "There is no such file.")
    if not verify(request.method, key, request.query_params):
        return refused(403, "FORBIDDEN", "The link is not signed for this, or its time is over: ask for a new one.")
    try:
        if request.method == "PUT":
            return await _take(request, storage(), key)
        return await _give(request, storage(), key)
    except StorageFull as error:
        log.error("storage_full", key=key, error=str(error))
        return refused(507, "INTERNAL", "Storage is full: nothing of the file was kept. Tell the operator.")
    except StorageRefused as error:
        log.error("storage_refused", key=key, error=str(error))
        return refused(503, "INTERNAL", "Storage does not answer; try again later.")


def _is_plain(request: Request, key: str) -> bool:
    """Whether the key is one, written as it is: an encoded slash or dot is a second spelling, and refused."""
    try:
        check_key(key)
    except ValueError:
        return False
    return b"%" not in request.scope.get("raw_path", b"").partition(b"?")[0]


async def _give(request: Request, store: Storage, key: str) -> Response:
    left_s = max(1, int(request.query_params["expires"]) - int(time.time()))
    cached = {"Cache-Control": f"private, max-age={left_s}"}
    if store.folder is None:
        method: Literal["GET", "HEAD"] = "HEAD" if request.method == "HEAD" else "GET"
        return RedirectResponse(await store.sign(method, key, left_s), 307, cached)
    path = store.folder / key
    found = await asyncio.to_thread(_stat, path)
    if found is None:
        return refused(404, "NOT_FOUND", "There is no such file.")
    headers = SAFE_HEADERS | cached | _etag(path.name)
    if headers.get("ETag") and headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    name = request.query_params.get("filename")
    attached = key.split("/", 1)[0] in ATTACHED
    return StoredFile(
        path,
        headers=headers,
        media_type=content_type(key),
        filename=_one_line(name) if name else path.name,
        stat_result=found,
        content_disposition_type="attachment" if attached or name else "inline",
    )


def _stat(path: Path) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found = path.stat()
        return found if stat.S_ISREG(found.st_mode) else None
    return None


def _etag(name: str) -> dict[str, str]:
    digest = DIGEST.match(name)
    return {"ETag": f'"{digest[0]}"'} if digest else {}


def _one_line(name: str) -> str:
    """A file name without path or control characters."""
    return re.sub(r'[\x00-\x1f\x7f"/\\]+', "_", name)


async def _take(request: Request, store: Storage, key: str) -> Response:
    """Store the body as it comes; nothing of it is left where it is too large or breaks off."""
    most = settings().upload_max_bytes
    told = request.headers.get("content-length", "")
    try:
        if told.isdecimal() and int(told) > most:
            raise TooLarge
        async with store.open_writer(key) as sink:
            size = 0
            async for block in request.stream():
                size += len(block)
                if size > most:
                    raise TooLarge
                await sink.write(block)
    except TooLarge:
        message = f"An upload has at most {most} bytes; split the list."
        return refused(413, "LIMIT_EXCEEDED", message, limit=f"{most} bytes")
    except ClientDisconnect:
        return Response(status_code=400)
    log.info("upload_stored", key=key, bytes=size)
    return Response(status_code=200)
