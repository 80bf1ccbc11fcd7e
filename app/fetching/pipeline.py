"""Pending rows → outcomes: download, verify, measure, store. One object a process; its limits span all its calls."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import aiohttp

from app.fetching.account import Account, may_stand
from app.fetching.budget import ByteBudget
from app.fetching.client import resolver_of
from app.fetching.download import Downloader
from app.fetching.gate import Gate
from app.fetching.inspect import inspect
from app.fetching.lanes import LANE
from app.fetching.magic import EXTENSIONS
from app.fetching.origins import Origins
from app.fetching.politeness import HostBudget, politeness_of
from app.fetching.refusal import Refusal
from app.fetching.visits import Visits
from app.measures import Measures
from app.settings import Settings
from app.values import Fetched, Former, Outcome, Pending, Refused

AHEAD_BYTES = 16 * 2**20
"""Of images that are read and wait for a thread. Some 0.2 s of work; with more, memory grew and nothing was faster."""
AHEAD_PER_THREAD = 2
"""Images, however large: the one that a thread examines and its next."""
STORES_AT_ONCE = 32
"""Uploads to a bucket under way: what is fetched faster waits, and with it, by its bytes, what is still to come."""
ROWS_AT_ONCE = 500
"""Of one call: enough that rows of slow hosts do not keep those of others from starting. A task is about 8 KB."""

Store = Callable[[str, bytes], Awaitable[None]]
"""Puts bytes under a key; raises StorageRefused where storage takes nothing."""

StoreNow = Callable[[str, bytes], None]
"""The same for a thread, which it may block."""

Exists = Callable[[str], Awaitable[bool]]
"""Whether bytes lie under a key."""


def storage_key(sha256: bytes, format: str) -> str:
    """Where an image's bytes lie: `images/ab/<hex>.<extension of the content>`.

    One level: with two, nearly each of the first 65,536 images would make a folder, half the price of storing it; with
    one a folder holds 40,000 of ten million.
    """
    name = sha256.hex()
    return f"images/{name[:2]}/{name}.{EXTENSIONS[format]}"


class Pipeline:
    """Fetches images. `settings` bounds what is under way at once: connections, bytes in memory, decoding threads."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        settings: Settings,
        store: Store,
        politeness: HostBudget | None = None,
        store_now: StoreNow | None = None,
        exists: Exists | None = None,
    ) -> None:
        """`store_now`, where there is one, is called instead of `store`: in the thread that examined the image.

        Without `exists` nothing is asked conditionally: what a former crawl stored may be gone.
        """
        self.budget = ByteBudget(
            settings.fetch_bytes_in_flight,
            settings.fetch_max_bytes,
            ahead=AHEAD_BYTES,
            ahead_bodies=AHEAD_PER_THREAD * settings.decode_threads,
        )
        self._settings = settings
        self._store = store
        self._store_now = store_now
        self._exists = exists
        self._threads = ThreadPoolExecutor(settings.decode_threads, thread_name_prefix="decode")
        self._storing = Gate(STORES_AT_ONCE, STORES_AT_ONCE)
        self._names = resolver_of(client)
        visits = Visits(politeness or politeness_of(settings), self._names)
        self._downloader = Downloader(client, settings, visits, Origins(client, settings, visits), self.budget)

    async def fetch(self, pending: Iterable[Pending]) -> AsyncGenerator[Outcome, None]:
        """Fetch every row and give each outcome as it comes, in no order.

        At most ROWS_AT_ONCE are under way or wait to be taken. Other calls' rows have their turns at every host between
        these ones. What is wrong with an image is its outcome. StorageRefused ends the whole and is raised as it is.
        Close the iterator (`contextlib.aclosing`) or cancel its task to stop: what is under way ends at once. What a
        thread has in hand it brings to its end: `store_now` may still put bytes that no outcome tells of.
        """
        rows = iter(pending)
        ended: asyncio.Queue[asyncio.Task[Outcome]] = asyncio.Queue()
        under_way: set[asyncio.Task[Outcome]] = set()
        lane = contextvars.copy_context()
        lane.run(LANE.set, object())
        try:
            while True:
                for one in itertools.islice(rows, ROWS_AT_ONCE - len(under_way)):
                    task = asyncio.create_task(self.fetch_one(one), context=lane)
                    task.add_done_callback(ended.put_nowait)
                    under_way.add(task)
                if not under_way:
                    return
                task = await ended.get()
                under_way.remove(task)
                yield task.result()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def fetch_one(self, pending: Pending) -> Outcome:
        """Fetch one row. Raises StorageRefused only."""
        was = pending.former.sha256 if pending.former else None
        reservation, account = self.budget.reservation(), Account(self._to_ask_about(pending.former))
        try:
            data = await self._downloader.download(pending.url, reservation, account)
            if data is None:
                unchanged = await self._unchanged(pending, account)
                if unchanged is not None:
                    return unchanged
                account.forget_former()
                # Asked plainly, no answer is None.
                data = await self._downloader.download(pending.url, reservation, account) or b""
            loop = asyncio.get_running_loop()
            sha256, measures, key = await loop.run_in_executor(self._threads, self._examine, data)
            if self._store_now is None:
                reservation.examined()
                await self._storing.enter()
                try:
                    await self._store(key, data)
                finally:
                    self._storing.leave()
        except Refusal as refused:
            fetch = account.fetch(passing=refused.passing)
            return Refused(pending.image_id, pending.url, refused.issue, fetch, was)
        finally:
            reservation.release()
        return Fetched(
            pending.image_id, pending.url, sha256, len(data), measures, key, account.fetch(), former_sha256=was
        )

    def _to_ask_about(self, former: Former | None) -> Former | None:
        return former if former and self._exists and may_stand(former, self._settings) else None

    async def _unchanged(self, pending: Pending, account: Account) -> Fetched | None:
        """What a former crawl stored, where the host says that it still holds and the bytes are still there."""
        former = pending.former
        if former is None or self._exists is None or not account.is_unchanged():
            return None
        if not await self._exists(former.storage_key):
            return None
        return Fetched(
            pending.image_id,
            pending.url,
            former.sha256,
            former.file_size,
            former.measures,
            former.storage_key,
            account.fetch(),
            former.image_id,
            former.sha256,
        )

    def _examine(self, data: bytes) -> tuple[bytes, Measures, str]:
        """Runs in a thread. The measures come first: most refusals are cheaper than the digest."""
        measures = inspect(data, self._settings.fetch_max_pixels, self._settings.verify)
        sha256 = hashlib.sha256(data).digest()
        key = storage_key(sha256, measures.format)
        if self._store_now is not None:
            self._store_now(key, data)
        return sha256, measures, key

    async def steady(self) -> None:
        """Wait while our own resolver is in trouble: rows that are taken meanwhile would only wait."""
        await self._names.steady()

    def close(self) -> None:
        """Let the decoding threads go; what they are at is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)
