"""Where an image's CPU time goes: each stage of a fetch alone, over the same files, in one process.

    python -m tests.bench.stages FOLDER [--limit 1000]

Milliseconds of CPU an image, of this process with all its threads; the whole is what the pipeline costs without a
database. nginx serves the folder on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from PIL import Image

from app.fetching import jpeg
from app.fetching.client import open_client, open_url
from app.fetching.inspect import inspect
from app.fetching.lightness import SIDE_PX
from app.fetching.phash import hash_of, shrink
from app.fetching.pipeline import Pipeline, storage_key
from app.fetching.quality import quality_of
from app.settings import settings
from app.storage import Storage
from app.values import Pending
from tests.bench.crawl import say
from tests.bench.web_server import nginx

CONNECTIONS = 16


@asynccontextmanager
async def clock(name: str, images: int) -> AsyncIterator[None]:
    """Print what the block costs an image: CPU, and time that passed."""
    cpu_s, begun_s = time.process_time(), time.perf_counter()
    yield
    cpu_ms = 1000 * (time.process_time() - cpu_s) / images
    say(f"{name:36} {cpu_ms:8.3f} ms CPU {images / (time.perf_counter() - begun_s):8.0f} images/s")


async def at_once(calls: Iterable[Callable[[], Awaitable[object]]], most: int) -> None:
    """All calls, at most `most` at once."""
    free = asyncio.Semaphore(most)

    async def one(call: Callable[[], Awaitable[object]]) -> None:
        async with free:
            await call()

    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            tasks.create_task(one(call))


async def downloads(urls: list[str]) -> None:
    """The guarded client alone."""
    found = settings()
    async with open_client(found) as client:

        async def get(url: str) -> None:
            async with open_url(client, found, url) as response:
                await response.read()

        async with clock("download by the client", len(urls)):
            await at_once([functools.partial(get, url) for url in urls], CONNECTIONS)


async def examine(bodies: list[bytes]) -> None:
    """What the threads do, in as many threads as a worker has."""
    limit = settings().fetch_max_pixels
    gray = jpeg.decoded_gray(bodies[0], SIDE_PX) or Image.new("L", (SIDE_PX, SIDE_PX))
    stages: dict[str, Callable[[bytes], object]] = {
        "decode, measure, perceptual hash": lambda body: inspect(body, limit),
        "  of that: the decoder": lambda body: jpeg.decoded_gray(body, SIDE_PX),
        "  of that: the perceptual hash": lambda _: hash_of(shrink(gray)),
        "  of that: the quality": lambda _: quality_of(gray, grayscale=False),
        "SHA-256": lambda body: hashlib.sha256(body).digest(),
    }
    with ThreadPoolExecutor(settings().decode_threads) as threads:
        for name, stage in stages.items():
            async with clock(name, len(bodies)):
                await asyncio.to_thread(_all, threads, stage, bodies)


def _all(threads: ThreadPoolExecutor, stage: Callable[[bytes], object], bodies: list[bytes]) -> None:
    list(threads.map(stage, bodies))


async def storing(bodies: list[bytes], folder: Path) -> None:
    """Storage alone, and a plain write and rename beside it."""
    store = Storage.open((folder / "put").as_uri())
    digests = [hashlib.sha256(body).digest() for body in bodies]
    pairs = [(storage_key(digest, "jpeg"), body) for digest, body in zip(digests, bodies, strict=True)]
    async with clock("storage.put", len(bodies)):
        await at_once([functools.partial(store.put, *pair) for pair in pairs], CONNECTIONS)
    with ThreadPoolExecutor(2) as threads:
        async with clock("  beside it: write and rename", len(bodies)):
            await asyncio.to_thread(lambda: list(threads.map(lambda pair: _write(folder / "plain", *pair), pairs)))


def _write(folder: Path, key: str, body: bytes) -> None:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + "#1")
    part.write_bytes(body)
    part.replace(path)


async def whole(urls: list[str], folder: Path) -> None:
    """The pipeline as a worker uses it."""
    store = Storage.open((folder / "whole").as_uri())
    found = settings()
    async with open_client(found) as client:
        pipeline = Pipeline(client, found, store.put, store_now=store.put_now)
        async with clock("the whole pipeline", len(urls)):
            async for outcome in pipeline.fetch([Pending(number, url) for number, url in enumerate(urls)]):
                if not hasattr(outcome, "sha256"):
                    raise RuntimeError(str(outcome))
        pipeline.close()


async def run(files: list[Path], base: str, root: Path, folder: Path) -> None:
    """All stages."""
    urls = [base + str(path.relative_to(root)) for path in files]
    bodies = [path.read_bytes() for path in files]
    await downloads(urls)
    await examine(bodies)
    await storing(bodies, folder)
    await whole(urls, folder)


def main() -> None:
    """Read the arguments, measure, clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=1000)
    asked = parser.parse_args()
    os.environ["PIXCRAWLER_ALLOW_ADDRESSES"] = "127.0.0.0/8"
    files = sorted(asked.folder.rglob("*.jpg"))[: asked.limit]
    folder = Path(tempfile.mkdtemp(prefix="pixcrawler-stages-"))
    try:
        with nginx(asked.folder) as (base, _):
            uvloop.run(run(files, base, asked.folder, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
