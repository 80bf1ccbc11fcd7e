"""The export task: rows in through a cursor, the archive out to storage as it is made, the job closed with its size."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from typing import Any

from app.errors import StorageRefused
from app.exports.prefetch import with_bytes
from app.exports.registry import WRITERS
from app.jobs import export as exports
from app.log import log
from workers.engine import Engine
from workers.unexpected import told

REPORT_S = 0.5


class NotOurs(Exception):
    """The job was cancelled, deleted or claimed anew: what was written is dropped."""


class Counted:
    """A sink that counts what goes through it."""

    def __init__(self, sink: Any) -> None:
        self.sink = sink
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Hand `data` on."""
        await self.sink.write(data)
        self.size += len(data)


async def export(ctx: dict[str, Any], export_job_id: int) -> None:
    """Write an export job's file, if it is due and nobody does."""
    engine: Engine = ctx["engine"]
    claimed = await exports.claim(export_job_id, engine.settings.lease_s)
    if claimed is None:
        return
    async with told(functools.partial(exports.fail, claimed), export_job=export_job_id):
        await _export(engine, claimed)


async def _export(engine: Engine, claimed: exports.Claim) -> None:
    export_job_id = claimed.export_job_id
    key = f"exports/{export_job_id}/{file_name(claimed)}"
    started_s = time.monotonic()
    try:
        exported, size = await _write(engine, claimed, key)
        if not await exports.complete(claimed, exported, size, key, engine.settings.export_ttl_s):
            await engine.storage.delete([key])
    except NotOurs:
        log.info("export_dropped", export_job=export_job_id)
        return
    except StorageRefused as error:
        log.error("storage_refused", export_job=export_job_id, error=str(error))
        await exports.fail(claimed, f"Storage: {error}")
        return
    spent_ms = int((time.monotonic() - started_s) * 1000)
    log.info("export_ended", export_job=export_job_id, images=exported, bytes=size, ms=spent_ms)


def file_name(claimed: exports.Claim) -> str:
    """A file name of the job's name, its id and its format."""
    word = re.sub(r"[^A-Za-z0-9._-]+", "-", claimed.name).strip("-.")[:60] or "export"
    return f"{word}-{claimed.export_job_id}.{claimed.format}"


async def _write(engine: Engine, claimed: exports.Claim, key: str) -> tuple[int, int]:
    """Stream the file to storage; images and bytes written. NotOurs drops it."""
    exported, told_s = 0, time.monotonic()
    async with engine.storage.open_writer(key) as sink, exports.chosen_images(claimed) as images:
        counted = Counted(sink)
        writer = WRITERS[claimed.format](counted.write, claimed.name)
        await writer.begin()
        async with contextlib.aclosing(with_bytes(images, engine.storage.get)) as filled:
            async for image, data in filled:
                await writer.add(image, data)
                exported += 1
                if time.monotonic() - told_s > REPORT_S:
                    told_s = time.monotonic()
                    if not await exports.report(claimed, exported):
                        raise NotOurs
        await writer.finish()
    if not await exports.report(claimed, exported):
        await engine.storage.delete([key])
        raise NotOurs
    return exported, counted.size
