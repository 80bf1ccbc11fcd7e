"""The export task: rows in through a cursor, the archive out to storage as it is made, the job closed with its size."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import time
from collections.abc import AsyncIterator

from app.exports.base import ExportImage
from app.exports.prefetch import with_bytes
from app.exports.registry import WRITERS
from app.jobs import export as exports
from app.log import log
from app.sink import Sink
from workers.engine import Engine
from workers.keeping import LeaseLost, keep
from workers.unexpected import told


class Counted:
    """A sink that counts what goes through it, and the images that it was part of."""

    sink: Sink

    def __init__(self) -> None:
        self.size = 0
        self.images = 0

    async def write(self, data: bytes) -> None:
        """Hand `data` on."""
        await self.sink.write(data)
        self.size += len(data)


async def export(engine: Engine, claimed: exports.Claim) -> None:
    """Write the file of an export job that was claimed. Raises Interrupted."""
    fail, release = functools.partial(exports.fail, claimed), functools.partial(exports.release, claimed)
    async with told(fail, release, export_job=claimed.export_job_id):
        await _export(engine, claimed)


async def _export(engine: Engine, claimed: exports.Claim) -> None:
    export_job_id = claimed.export_job_id
    key = f"exports/{export_job_id}/{file_name(claimed)}"
    started_s = time.monotonic()
    written = await _write(engine, claimed, key)
    if not await exports.complete(claimed, written.images, written.size, key, engine.settings.export_ttl_s):
        await engine.storage.delete([key])
        raise LeaseLost
    spent_ms = int((time.monotonic() - started_s) * 1000)
    log.info("export_ended", export_job=export_job_id, images=written.images, bytes=written.size, ms=spent_ms)


def file_name(claimed: exports.Claim) -> str:
    """A file name of the job's name, its id and its format."""
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", claimed.name).strip("-.")[:60] or "export"
    return f"{word}-{claimed.export_job_id}.{claimed.format}"


async def _write(engine: Engine, claimed: exports.Claim, key: str) -> Counted:
    """Stream the file to storage; what was written. LeaseLost, in a group, drops it.

    Life is shown beside the writing: a store that takes minutes for one image costs those minutes, not the job.
    """
    counted = Counted()

    async def held() -> bool:
        return await exports.report(claimed, counted.images)

    async with asyncio.TaskGroup() as tasks:
        keeper = tasks.create_task(keep(held, held, engine.settings.lease_s))
        async with engine.storage.open_writer(key) as counted.sink, exports.chosen_images(claimed) as images:
            await _fill(engine, claimed, images, counted)
        keeper.cancel()
    return counted


async def _fill(engine: Engine, claimed: exports.Claim, images: AsyncIterator[ExportImage], counted: Counted) -> None:
    writer = WRITERS[claimed.format](counted.write, claimed.name)
    await writer.begin()
    async with contextlib.aclosing(with_bytes(images, engine.storage.get)) as filled:
        async for image, data in filled:
            await writer.add(image, data)
            counted.images += 1
    await writer.finish()
