"""Object storage: bytes under keys, in a folder or a bucket, and links by which clients send them.

Keys are relative paths of plain names (`images/ab/<sha256>.jpg`, `exports/7/cats-7.zip`). What the store itself says no
to becomes `StorageRefused`; a key that nothing lies under is `StoredNotFound` where its bytes are asked for, and fine
where it is deleted. Following the links is `app/routes/files.py`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from app.errors import StorageFull, StorageRefused
from app.folder import drop_partial, write_whole
from app.settings import settings
from app.signing import sign_download as sign_download  # beside sign_upload, for those who make links
from app.signing import signed_link
from app.sink import Aborted, Sink

KEY = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,255}(?:/(?!\.)[A-Za-z0-9._-]{1,255})*")
KEY_CHARS = 1_000
PART_BYTES = 8 * 2**20
"""A part of a streamed upload: S3 takes 10,000 of them, so 80 GB at most."""
FOLDER_PART_BYTES = 2**20
"""For a folder: larger parts are fresh memory each time, and writing them is half as fast."""
PARTS_AT_ONCE = 4
ASKING = re.compile(r"Error performing \S+ \S+ in .*? - ")
READ_BYTES = 2**20
LIST_ROWS = 1_000
CLIENT: Any = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "5min", "allow_http": True}
"""Plain HTTP is used only where the endpoint is named so; the longest request is a part, or an upload's download."""
RETRY: Any = {"max_retries": 4, "retry_timeout": timedelta(seconds=45)}
"""A bucket that says to slow down is asked again within a second: a client waits for the answer."""
PATIENT: Any = {
    "max_retries": 10,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
}
"""For a worker: about twenty seconds, so that a passing trouble pauses no job. Refusals for good are not repeated."""
ABORT_S = 3.0
"""How long a store has to hear that an object is given up; whoever is told to end does not wait for one that hangs."""
CHECK_KEY = "checks/ready"
CONTENT_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "tiff": "image/tiff",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "zip": "application/zip",
}
MISSING = (NotFoundError, FileNotFoundError)
REFUSALS = (BaseError, OSError)
NO_ROOM = re.compile(
    r"\[Errno (?:28|122|27)\]|\(os error (?:28|122|27)\)|status code: 507|InsufficientStorage|QuotaExceeded"
)
"""How a full disk, a used-up quota and a full bucket read: ENOSPC, EDQUOT, EFBIG of files, and S3's answers."""


class StoredNotFound(StorageRefused):
    """Nothing is stored under the key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object: its key, its size in bytes and when it was last written (UTC)."""

    key: str
    size: int
    modified: datetime


class Storage:
    """One folder or bucket. Safe to share by all tasks of a process; connections are the store's own affair."""

    def __init__(self, store: Any, folder: Path | None) -> None:
        self.store = store
        self.folder = folder
        """Where the bytes lie, for `file://`; None for a bucket, which signs links itself."""
        self.put_now = None if folder is None else functools.partial(_put_now, str(folder))
        """`put` for those who are in a thread already and may block; None for a bucket."""

    @classmethod
    def open(cls, url: str, *, patient: bool = False) -> Storage:
        """The storage at `file:///folder`, `s3://bucket/prefix`, `gs://…` or `az://…`.

        `patient` is for workers: see PATIENT. Credentials come from the provider's usual variables (`AWS_*`, …). Raises
        StorageRefused.
        """
        parts = urlsplit(url)
        try:
            if parts.scheme == "file":
                folder = Path(unquote(parts.path))
                return cls(LocalStore(folder, automatic_cleanup=True, mkdir=True), folder)
            return cls(from_url(url, client_options=CLIENT, retry_config=PATIENT if patient else RETRY), None)
        except (*REFUSALS, ValueError) as error:
            raise StorageRefused(f"Storage {parts.scheme}:// cannot be opened: {_brief(error)}") from error

    async def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, replacing what was there; whole or not at all."""
        if self.put_now is not None:
            await asyncio.to_thread(self.put_now, key, data)
            return
        with _told(key):
            await obstore.put_async(
                self.store, check_key(key), data, attributes=self._attributes(key), chunk_size=PART_BYTES
            )

    async def get(self, key: str) -> bytes:
        """All bytes under `key`. Raises StoredNotFound."""
        with _told(key):
            found = await obstore.get_async(self.store, check_key(key))
            return bytes(await found.bytes_async())

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes under `key`, from `start` up to `end` (exclusive), in blocks. Raises StoredNotFound."""
        wanted: Any = {"offset": start} if end is None else (start, end)
        options: Any = {"range": wanted} if start or end is not None else None
        with _told(key):
            found = await obstore.get_async(self.store, check_key(key), options=options)
            async for block in found.stream(min_chunk_size=READ_BYTES):
                yield bytes(block)

    async def stored(self, key: str) -> Stored:
        """What lies under `key`, without its bytes. Raises StoredNotFound."""
        with _told(key):
            found = await obstore.head_async(self.store, check_key(key))
            return Stored(found["path"], found["size"], found["last_modified"])

    async def size(self, key: str) -> int:
        """Bytes under `key`. Raises StoredNotFound."""
        return (await self.stored(key)).size

    async def exists(self, key: str) -> bool:
        """Whether anything is stored under `key`."""
        try:
            await self.stored(key)
        except StoredNotFound:
            return False
        return True

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete what lies under `keys`; a missing one is deleted already."""
        checked = [check_key(key) for key in keys]
        if self.folder is None:
            with _told(f"{len(checked)} keys"):
                await obstore.delete_async(self.store, checked)
            return
        for key in checked:
            # One at a time: a folder's delete of several stops at the first that is missing.
            with _told(key), contextlib.suppress(*MISSING):
                await obstore.delete_async(self.store, key)

    async def list(self, prefix: str) -> AsyncIterator[Stored]:
        """Everything under the folder `prefix` (`images/`), in no order."""
        with _told(prefix):
            async for batch in obstore.list(self.store, prefix.strip("/") or None, chunk_size=LIST_ROWS):
                for found in batch:
                    yield Stored(found["path"], found["size"], found["last_modified"])

    @contextlib.asynccontextmanager
    async def open_writer(self, key: str) -> AsyncIterator[Sink]:
        """Write an object of any size as it comes. It is there when the block ends, and never if the block fails."""
        sink = Sink()
        sending = asyncio.create_task(sink.send(functools.partial(self._put_parts, check_key(key))))
        try:
            yield sink
            await sink.finish()
        except BaseException:
            sink.abort()
            await asyncio.wait([sending], timeout=ABORT_S)
            sending.cancel()
            with contextlib.suppress(Aborted, StorageRefused, asyncio.CancelledError):
                await sending
            raise
        await sending

    async def _put_parts(self, key: str, blocks: AsyncIterator[bytes]) -> None:
        with _told(key):
            await obstore.put_async(
                self.store,
                key,
                blocks,
                attributes=self._attributes(key),
                use_multipart=True,
                chunk_size=PART_BYTES if self.folder is None else FOLDER_PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )

    async def check(self) -> None:
        """Write and read back one small object. Raises StorageRefused."""
        await self.put(CHECK_KEY, b"ready")
        if await self.get(CHECK_KEY) != b"ready":
            raise StorageRefused("Storage gives other bytes than it was given.")

    async def sign(self, method: Literal["GET", "HEAD", "PUT"], key: str, expires_s: float) -> str:
        """A link to a bucket's object, signed by the bucket's own credentials. Raises StorageRefused for a folder."""
        if self.folder is not None:
            raise StorageRefused("A folder signs no links.")
        with _told(key):
            return str(
                await obstore.sign_async(self.store, method, check_key(key), timedelta(seconds=max(1, int(expires_s))))
            )

    async def drop_partial(self, older_than: datetime) -> int:
        """Delete what killed processes left of files that they were writing before `older_than`; how many.

        Only a folder is swept: buckets have life-cycle rules for incomplete uploads.
        """
        if self.folder is None:
            return 0
        return await asyncio.to_thread(drop_partial, self.folder, older_than.timestamp())

    def _attributes(self, key: str) -> dict[str, str] | None:
        """What a bucket sends along with the bytes when a client follows a link to it."""
        if self.folder is not None:
            return None
        name = key.rsplit("/", 1)[-1]
        found = {"Content-Type": content_type(key)}
        if not found["Content-Type"].startswith("image/"):
            found["Content-Disposition"] = f'attachment; filename="{name}"'
        return found


def check_key(key: str) -> str:
    """`key`, or ValueError where it is no relative path of plain names."""
    if len(key) > KEY_CHARS or KEY.fullmatch(key) is None:
        raise ValueError(f"{key!r} is not a storage key.")
    return key


def content_type(key: str) -> str:
    """The media type of what lies under `key`, by its suffix, which is made from the content."""
    return CONTENT_TYPES.get(key.rsplit(".", 1)[-1], "application/octet-stream")


def storage(*, patient: bool = False) -> Storage:
    """The process's storage, opened on first use; a worker's is patient. Raises StorageRefused."""
    found = settings()
    return _opened(found.storage_url or (found.home.resolve() / "storage").as_uri(), patient)


@functools.cache
def _opened(url: str, patient: bool) -> Storage:
    return Storage.open(url, patient=patient)


async def sign_upload(key: str, expires_s: float) -> str:
    """A link that takes one PUT of an object for `expires_s` seconds: to us for a folder, to the bucket itself else."""
    found = storage()
    if found.folder is None:
        return await found.sign("PUT", key, expires_s)
    return signed_link("PUT", check_key(key), expires_s)


def _put_now(folder: str, key: str, data: bytes) -> None:
    with _told(key):
        write_whole(f"{folder}/{check_key(key)}", data)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """What the store says no to, in our words."""
    try:
        yield
    except MISSING as error:
        raise StoredNotFound(f"{what} is not stored.") from error
    except REFUSALS as error:
        brief = _brief(error)
        if NO_ROOM.search(brief):
            raise StorageFull(f"Storage is full: {what}: {brief}") from error
        raise StorageRefused(f"{what}: {brief}") from error


def _brief(error: BaseException) -> str:
    """The store's first line without addresses and times; the rest is its inner state."""
    return ASKING.sub("", (str(error).strip() or type(error).__name__).splitlines()[0])[:300]
