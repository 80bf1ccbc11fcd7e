"""URL lists too large for a request: a place in storage to PUT them to, which a job then names.

The id of an upload begins with its owner, so nobody can name another's; its rest cannot be guessed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from app.database import transaction
from app.errors import Invalid
from app.jobs import activity
from app.jobs.limits import check_text
from app.sources.url_list import UPLOAD_SUFFIXES
from app.storage import sign_upload, storage
from app.values import Viewer

FILENAME_CHARS = 255
UPLOAD_TTL_S = 3_600
PREFIX = "uploads"
NAME_BYTES = 24
NAME = re.compile(r"[A-Za-z0-9_-]{32}\.[a-z]+")
"""NAME_BYTES of chance in base64, and the suffix: nothing else names an upload, or reaches storage as a key."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Where to PUT the file, until when, and the id that names it in `UrlListInput`."""

    upload_id: str
    upload_url: str
    expires_at: datetime


async def create(viewer: Viewer, filename: str) -> Upload:
    """A place for the viewer's file; its kind is told by the suffix of `filename`."""
    path = ["input", "filename"]
    name = check_text(filename, path, FILENAME_CHARS)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in UPLOAD_SUFFIXES:
        known = ", ".join(UPLOAD_SUFFIXES)
        raise Invalid(f"filename must end in one of {known}.", path=path, limit=known, actual=suffix or name)
    chance = f"{secrets.token_urlsafe(NAME_BYTES)}{suffix}"
    upload_id = f"{viewer.id}/{chance}"
    url = await sign_upload(key_of(upload_id), UPLOAD_TTL_S)
    async with transaction() as tx:
        await activity.write(tx, viewer.id, "upload.created", "UrlListUpload", chance, {"filename": name})
    return Upload(upload_id, url, datetime.now(UTC) + timedelta(seconds=UPLOAD_TTL_S))


def is_of(viewer: Viewer, upload_id: str) -> bool:
    """Whether the id is well formed and its file the viewer's."""
    owner, _, name = upload_id.partition("/")
    return owner == str(viewer.id) and NAME.fullmatch(name) is not None


def key_of(upload_id: str) -> str:
    """The storage key of an upload."""
    return f"{PREFIX}/{upload_id}"


def open_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
    """The bytes of an uploaded file from `start` on, for a source's tools."""
    return storage().stream(key_of(upload_id), start)
