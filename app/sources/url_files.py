"""An uploaded URL list of text, read from wherever the last reading ended: CSV, TSV, TXT and JSON lines.

Memory is bounded by a piece of the file and by the longest line that is taken. What is wrong with a file is
SourceFailed, naming the row.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import csv
import itertools
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson

from app.errors import SourceFailed
from app.sources.url_rows import Columns, columns_of
from app.values import Candidate, Json

PIECE_BYTES = 2**18
"""Read and taken apart at a time."""
LINE_BYTES = 1_000_000
"""The longest line, and the longest row of Parquet as JSON."""
COLUMNS = 500
HEADERLESS = "column_{}"
BARE = Columns(0, None, (), ())
DELIMITERS = {".csv": ",", ".tsv": "\t"}
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_LOOKS_LIKE_URL = re.compile(r"https?://\S+", re.IGNORECASE)

OpenFrom = Callable[[int], AsyncGenerator[bytes, None]]
"""The file's bytes from one of them on, in blocks."""
Found = tuple[list[Candidate], Json]
"""Some candidates, and where the file goes on after them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Between two rows of a file: rows, lines and bytes before it."""

    row: int = 0
    line: int = 0
    byte: int = 0

    def as_json(self) -> Json:
        """The cursor that leads here."""
        return asdict(self)


async def candidates_of(
    open_from: OpenFrom, suffix: str, cursor: Json | None, keyword: str | None, page: int
) -> AsyncGenerator[Found, None]:
    """The candidates after `cursor`, at most `page` at a time; `keyword` for rows without one of their own."""
    place = Place(**cursor) if cursor else Place()
    reader = Reader(suffix, keyword, place)
    start, skip = (await _resumed(open_from, reader)) if place.byte else (0, 0)
    async with contextlib.aclosing(_pieces(open_from, start, skip)) as pieces:
        async for piece in pieces:
            taking = reader.take(reader.rest + piece, last=not piece)
            while True:
                found, trouble = await asyncio.to_thread(_some, taking, page)
                if found:
                    yield found, reader.place.as_json()
                if trouble:
                    raise trouble
                if len(found) < page:
                    break


async def _resumed(open_from: OpenFrom, reader: Reader) -> tuple[int, int]:
    """Let the reader learn a table's header; the byte to begin at, and the bytes (as UTF-8) to leave out from there."""
    beginning = b""
    async with contextlib.aclosing(_pieces(open_from, 0)) as pieces:
        async for piece in pieces:
            beginning += piece
            if reader.learn(beginning, last=not piece):
                break
    async with contextlib.aclosing(open_from(0)) as blocks:
        first = await anext(blocks, b"")
    # Of UTF-16 no byte is known to begin at: it is passed over.
    return (0, reader.place.byte) if first[:2] in UTF16 else (reader.place.byte, 0)


def _some(taking: Iterator[Candidate], most: int) -> tuple[list[Candidate], SourceFailed | None]:
    """The next candidates; those before a broken row are good."""
    found: list[Candidate] = []
    try:
        for one in itertools.islice(taking, most):
            found.append(one)
    except SourceFailed as trouble:
        return found, trouble
    return found, None


async def _pieces(open_from: OpenFrom, start: int, skip: int = 0) -> AsyncGenerator[bytes, None]:
    """The file in pieces, as UTF-8, without the first `skip` bytes of that; an empty one at its end."""
    decode: Callable[[bytes], str] | None = None
    begins = start == 0
    async with contextlib.aclosing(open_from(start)) as blocks:
        async for block in blocks:
            if begins and block[:2] in UTF16:
                decode = codecs.getincrementaldecoder("utf-16")("replace").decode
            begins = False
            for at in range(0, len(block), PIECE_BYTES):
                piece = block[at : at + PIECE_BYTES]
                if decode is not None:
                    piece = decode(piece).encode(errors="replace")
                skip, piece = max(0, skip - len(piece)), piece[skip:]
                if piece:
                    yield piece
    yield b""


class Reader:
    """Rows out of pieces of a file, each with what was left of the one before; `place` is where the last row ended."""

    def __init__(self, suffix: str, keyword: str | None, place: Place) -> None:
        self.rest = b""
        """What is left of a piece: the beginning of a row."""
        self._row, self._line, self._byte = place.row, place.line, place.byte
        self._suffix = suffix
        self._keyword = keyword
        self._table: tuple[Columns, int] | None = None
        """A table's columns, and how many names its header has."""

    @property
    def place(self) -> Place:
        """Where the next row begins."""
        return Place(self._row, self._line, self._byte)

    def learn(self, beginning: bytes, *, last: bool) -> bool:
        """Learn a table's columns from the file's beginning; False where that is too short."""
        if self._suffix not in DELIMITERS:
            return True
        other = Reader(self._suffix, None, Place())
        next(other.take(beginning, last=last), None)
        self._table = other._table
        return last or self._table is not None

    def take(self, data: bytes, *, last: bool) -> Iterator[Candidate]:
        """The candidates of the whole rows in `data`; `last` says that the file ends with it. Raises SourceFailed."""
        begun = self._byte
        if begun == 0 and data.startswith(codecs.BOM_UTF8):
            data = data.removeprefix(codecs.BOM_UTF8)
            self._byte = begun = len(codecs.BOM_UTF8)
        lines = data.splitlines(keepends=True)
        if lines and not last and not lines[-1].endswith(b"\n"):
            lines.pop()
        if self._suffix in DELIMITERS:
            yield from self._of_table(lines, last=last)
        elif self._suffix == ".jsonl":
            yield from self._of_json(lines)
        else:
            yield from self._of_text(lines)
        self.rest = data[self._byte - begun :]
        if len(self.rest) > LINE_BYTES:
            raise SourceFailed(f"Line {self._line + 1:,} of the list is longer than {LINE_BYTES:,} bytes.")

    def _ended(self, line: bytes) -> None:
        """A row of one line ended."""
        self._line += 1
        if len(line) > LINE_BYTES:
            raise SourceFailed(f"Line {self._line:,} of the list is longer than {LINE_BYTES:,} bytes.")
        self._byte += len(line)
        self._row += 1

    def _of_text(self, lines: Sequence[bytes]) -> Iterator[Candidate]:
        for line in lines:
            text = _decoded(line, self._line + 1).strip()
            self._ended(line)
            if text:
                yield BARE.candidate((text,), self._keyword)

    def _of_json(self, lines: Sequence[bytes]) -> Iterator[Candidate]:
        for line in lines:
            self._ended(line)
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise SourceFailed(f"Line {self._line:,} of the list is not JSON: {error}.") from error
            yield object_columns(row, f"Line {self._line:,}").candidate(tuple(row.values()), self._keyword)

    def _of_table(self, lines: Sequence[bytes], *, last: bool) -> Iterator[Candidate]:
        """A row may have several lines; one that is cut by the end of `lines` is left for the next time."""
        feed = Feed(lines, self._line)
        delimiter = DELIMITERS[self._suffix]
        table = csv.reader(feed, delimiter=delimiter, strict=delimiter == ",")
        line, byte = self._line, self._byte
        try:
            for row in table:
                if feed.is_dry and not last:
                    return
                self._line, self._byte = line + feed.lines, byte + feed.bytes
                self._row += 1
                candidate = self._candidate(row) if row else None
                if candidate is not None:
                    yield candidate
        except csv.Error as error:
            if not feed.is_dry or last:
                told = f"Row {line + table.line_num:,} of the list cannot be read: {error}."
                raise SourceFailed(told) from error

    def _candidate(self, row: list[str]) -> Candidate | None:
        """The row's candidate; None where it is the header."""
        if self._table is None:
            self._table, is_row = _table_of(row)
            if not is_row:
                return None
        columns, width = self._table
        if len(row) != width:
            if len(row) > width:
                told = f"{len(row)} fields, but the header has {width}"
                raise SourceFailed(f"Row {self._line:,} of the list has {told}.")
            row += [""] * (width - len(row))
        return columns.candidate(row, self._keyword)


class Feed:
    """Lines for a reader of tables: how far it has come, and whether it wanted more than there are."""

    def __init__(self, lines: Sequence[bytes], before: int) -> None:
        self.lines = self.bytes = 0
        self.is_dry = False
        self._lines = iter(lines)
        self._before = before

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.lines += 1
            self.bytes += len(line)
            yield _decoded(line, self._before + self.lines)
        self.is_dry = True


def _decoded(line: bytes, number: int) -> str:
    if len(line) > LINE_BYTES:
        raise SourceFailed(f"Line {number:,} of the list is longer than {LINE_BYTES:,} bytes.")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise SourceFailed(f"Line {number:,} of the list is not UTF-8.") from error


def _table_of(first: list[str]) -> tuple[tuple[Columns, int], bool]:
    """A table's columns by its first row; and whether that is none of names but has an address already."""
    if len(first) > COLUMNS:
        raise SourceFailed(f"The list has {len(first):,} columns; at most {COLUMNS} are taken.")
    names = [name.strip() or HEADERLESS.format(place) for place, name in enumerate(first, 1)]
    columns = columns_of(tuple(names))
    if columns is not None:
        return (columns, len(names)), False
    places = [place for place, cell in enumerate(first) if _LOOKS_LIKE_URL.fullmatch(cell.strip())]
    if not places:
        raise SourceFailed(f"The list has no column url: its first row is {', '.join(first)[:200]}.")
    names = [HEADERLESS.format(place) for place in range(1, len(first) + 1)]
    names[places[0]] = "url"
    return (_known(names), len(names)), True


def _known(names: Sequence[str]) -> Columns:
    columns = columns_of(tuple(names))
    if columns is None:
        raise AssertionError("one of the names is url")
    return columns


def object_columns(row: object, place: str) -> Columns:
    """The columns of an object of a list. Raises SourceFailed; `place` says which."""
    if not isinstance(row, dict):
        raise SourceFailed(f"{place} of the list is not a JSON object.")
    return named_columns(tuple(row), place)


def named_columns(names: tuple[str, ...], place: str) -> Columns:
    """The columns with these names. Raises SourceFailed; `place` says of which row."""
    columns = columns_of(names)
    if columns is None:
        raise SourceFailed(f"{place} of the list has no url: its names are {', '.join(names)[:200]}.")
    return columns
