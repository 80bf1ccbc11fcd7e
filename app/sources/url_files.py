"""Rows of an uploaded URL list, read as a stream: CSV, TSV, TXT and JSON lines here, Parquet in a process of its own.

Memory is bounded by one page of rows and by the longest line that is taken. What is wrong with a file is SourceFailed,
naming the row.
"""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from app.errors import SourceFailed
from app.sources.url_rows import Columns, Row, columns_of

LINE_CHARS = 1_000_000
"""The longest line, and the longest row of Parquet as JSON."""
COLUMNS = 500
HEADERLESS = "column_{}"

_NOT_UTF8 = re.compile(r"[\udc80-\udcff]")
_LOOKS_LIKE_URL = re.compile(r"https?://\S+", re.IGNORECASE)

Numbered = tuple[Columns, Row]


async def rows_of(path: Path, suffix: str, start: int, page: int) -> AsyncGenerator[list[Numbered], None]:
    """The rows after the first `start`, in lists of `page`, each with the columns that it has."""
    if suffix == ".parquet":
        async for rows in _parquet_pages(path, start, page):
            yield rows
        return
    with await asyncio.to_thread(path.open, "rb") as file:
        rows_left = itertools.islice(_text_rows(file, suffix), start, None)
        while True:
            rows, trouble = await asyncio.to_thread(_take, rows_left, page)
            if rows:
                yield rows
            if trouble:
                raise trouble
            if len(rows) < page:
                return


def _take(rows_left: Iterator[Numbered], page: int) -> tuple[list[Numbered], SourceFailed | None]:
    """A page of rows; those before a broken one are good."""
    rows: list[Numbered] = []
    try:
        for row in itertools.islice(rows_left, page):
            rows.append(row)
    except SourceFailed as trouble:
        return rows, trouble
    return rows, None


def _text_rows(file: BinaryIO, suffix: str) -> Iterator[Numbered]:
    lines = _lines(file)
    if suffix in (".csv", ".tsv"):
        yield from _table_rows(lines, "\t" if suffix == ".tsv" else ",")
    elif suffix == ".jsonl":
        yield from _json_rows(lines)
    else:
        columns = Columns("url", None, {})
        yield from ((columns, {"url": line.strip()}) for line in lines if line.strip())


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines with their ends; UTF-8, or UTF-16 where the file says so with its first two bytes."""
    utf16 = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
    file.seek(0)
    encoding = "utf-16" if utf16 else "utf-8-sig"
    text = io.TextIOWrapper(file, encoding, errors="replace" if utf16 else "surrogateescape", newline="")
    for number in itertools.count(1):
        line = text.readline(LINE_CHARS + 1)
        if not line:
            text.detach()
            return
        if len(line) > LINE_CHARS:
            raise SourceFailed(f"Line {number:,} of the list is longer than {LINE_CHARS:,} characters.")
        if not line.isascii() and _NOT_UTF8.search(line):
            raise SourceFailed(f"Line {number:,} of the list is not UTF-8.")
        yield line


def _table_rows(lines: Iterator[str], delimiter: str) -> Iterator[Numbered]:
    table = csv.reader(lines, delimiter=delimiter, strict=delimiter == ",")
    try:
        first = next((row for row in table if row), None)
        if first is None:
            return
        names, headless = _names(first)
        columns = columns_of(names)
        if columns is None:
            raise SourceFailed(f"The list has no column url: its first row is {', '.join(first)[:200]}.")
        for row in itertools.chain([first] if headless else [], table):
            if len(row) > len(names):
                told = f"{len(row)} fields, but the header has {len(names)}"
                raise SourceFailed(f"Row {table.line_num:,} of the list has {told}.")
            if row:
                yield columns, dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise SourceFailed(f"Row {table.line_num:,} of the list cannot be read: {error}.") from error


def _names(first: list[str]) -> tuple[list[str], bool]:
    """The columns' names; and whether the first row is none of names but has an address already."""
    if len(first) > COLUMNS:
        raise SourceFailed(f"The list has {len(first):,} columns; at most {COLUMNS} are taken.")
    places = [place for place, cell in enumerate(first) if _LOOKS_LIKE_URL.fullmatch(cell.strip())]
    if columns_of(first) is not None or not places:
        return [name.strip() or HEADERLESS.format(place) for place, name in enumerate(first, 1)], False
    names = [HEADERLESS.format(place) for place in range(1, len(first) + 1)]
    names[places[0]] = "url"
    return names, True


def _json_rows(lines: Iterator[str]) -> Iterator[Numbered]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise SourceFailed(f"Line {number:,} of the list is not JSON: {error}.") from error
        yield _columns_of_object(row, f"Line {number:,}"), row


def _columns_of_object(row: object, place: str) -> Columns:
    if not isinstance(row, dict):
        raise SourceFailed(f"{place} of the list is not a JSON object.")
    columns = columns_of(row)
    if columns is None:
        raise SourceFailed(f"{place} of the list has no url: its names are {', '.join(row)[:200]}.")
    return columns


async def _parquet_pages(path: Path, start: int, page: int) -> AsyncGenerator[list[Numbered], None]:
    """Rows that the reader's process prints as JSON lines: a hostile file can bring it down, and it alone."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.sources.parquet_reader",
        str(path),
        str(start),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=LINE_CHARS,
    )
    if process.stdout is None:
        raise AssertionError("a process with a pipe has its end")
    rows: list[Numbered] = []
    trouble: SourceFailed | None = None
    try:
        async for line in _printed(process.stdout, start):
            rows.append(_parquet_row(line))
            if len(rows) == page:
                yield rows
                rows = []
        if await process.wait():
            trouble = SourceFailed("The list is not a Parquet file that can be read.")
    except SourceFailed as failed:
        trouble = failed
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if rows:
        yield rows
    if trouble:
        raise trouble


async def _printed(stdout: asyncio.StreamReader, start: int) -> AsyncIterator[bytes]:
    number = start + 1
    try:
        async for line in stdout:
            yield line
            number += 1
    except ValueError as error:  # the reader's word for a line over its limit
        raise SourceFailed(f"Row {number:,} of the list is longer than {LINE_CHARS:,} characters.") from error


def _parquet_row(line: bytes) -> Numbered:
    printed = orjson.loads(line)
    if "error" in printed:
        raise SourceFailed(f"The list is not a Parquet file that can be read: {printed['error']}.")
    return _columns_of_object(printed["row"], f"Row {printed['number']:,}"), printed["row"]
