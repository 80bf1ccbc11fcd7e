"""An uploaded URL list in Parquet, read by a process of its own: a hostile file can bring it down, and it alone."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import orjson

from app.errors import SourceFailed
from app.sources.parquet_reader import FRAME_BYTES, LENGTH_BYTES
from app.sources.url_files import Found, OpenFrom, named_columns
from app.values import Json

Frame = dict[str, Json]


async def candidates_of(path: Path, cursor: Json | None, keyword: str | None, page: int) -> AsyncGenerator[Found, None]:
    """The candidates after `cursor`, at most `page` at a time; `keyword` for rows without one of their own."""
    async with contextlib.aclosing(_frames(path, cursor["row"] if cursor else 0)) as frames:
        async for frame in frames:
            first = frame["first"]
            columns = named_columns(tuple(frame["names"]), f"Row {first:,}")
            found = [columns.candidate(row, keyword) for row in zip(*frame["columns"], strict=True)]
            for start in range(0, len(found), page):
                some = found[start : start + page]
                yield some, {"row": first - 1 + start + len(some)}


async def _frames(path: Path, start: int) -> AsyncGenerator[Frame, None]:
    """What the reader's process prints of the rows after the first `start`. Raises SourceFailed."""
    command = (sys.executable, "-m", "app.sources.parquet_reader", str(path), str(start))
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=FRAME_BYTES,
    )
    if process.stdout is None:
        raise AssertionError("a process with a pipe has its end")
    try:
        while (frame := await _frame(process.stdout)) is not None:
            if "error" in frame:
                raise SourceFailed(frame["error"])
            yield frame
        if await process.wait():
            raise SourceFailed("The list is not a Parquet file that can be read.")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _frame(printed: asyncio.StreamReader) -> Frame | None:
    """The next frame; None where the process ended."""
    try:
        size = int.from_bytes(await printed.readexactly(LENGTH_BYTES))
        frame: Frame = orjson.loads(await printed.readexactly(min(size, FRAME_BYTES)))
    except asyncio.IncompleteReadError:
        return None
    return frame


@contextlib.asynccontextmanager
async def spooled(open_from: OpenFrom) -> AsyncIterator[Path]:
    """An upload as a local file: Parquet begins at its end."""
    with tempfile.NamedTemporaryFile(prefix="pixcrawler-list-") as file:
        async with contextlib.aclosing(open_from(0)) as blocks:
            async for block in blocks:
                await asyncio.to_thread(file.write, block)
        await asyncio.to_thread(file.flush)
        yield Path(file.name)
