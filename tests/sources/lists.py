"""Uploaded lists for tests: a source's tools over one file, and what is found in it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator
from typing import Any

import arro3.io
import pytest
from arro3.core import Array, DataType, Table

from app.errors import SourceFailed
from app.fetching.client import open_client
from app.settings import Settings
from app.sources.base import Page, Query, Tools
from app.sources.registry import SOURCES
from app.values import Candidate

URL_LIST = SOURCES["url_list"]
BLOCK_BYTES = 65_536


@contextlib.asynccontextmanager
async def tools(name: str, data: bytes, **values: Any) -> AsyncIterator[Tools]:
    """A source's tools, with one uploaded file that comes in small blocks."""

    async def open_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
        assert upload_id == name
        for at in range(start, len(data), BLOCK_BYTES):
            yield data[at : at + BLOCK_BYTES]

    settings = Settings(**values)
    async with open_client(settings) as client:
        yield Tools(client, settings, open_upload)


async def pages(
    name: str, data: bytes, cursor: Any = None, keywords: tuple[str, ...] = (), **values: Any
) -> list[Page]:
    async with tools(name, data, **values) as used:
        query = Query(keywords, URL_LIST.check({"upload_id": name}))
        async with contextlib.aclosing(URL_LIST.pages(used, query, cursor)) as found:
            return [page async for page in found]


async def candidates(name: str, data: bytes | str, **values: Any) -> list[Candidate]:
    raw = data.encode() if isinstance(data, str) else data
    return [candidate for page in await pages(name, raw, **values) for candidate in page.candidates]


async def trouble(name: str, data: bytes | str, **values: Any) -> str:
    with pytest.raises(SourceFailed) as caught:
        await candidates(name, data, **values)
    return caught.value.message


def parquet(columns: dict[str, tuple[Any, list[Any]]], **options: Any) -> bytes:
    file = io.BytesIO()
    table = Table.from_pydict({name: Array(values, kind) for name, (kind, values) in columns.items()})
    arro3.io.write_parquet(table, file, **options)
    return file.getvalue()


TEXT = DataType.string()
