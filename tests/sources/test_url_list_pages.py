"""Long lists are read piece by piece, and on from wherever the last reading ended."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from app.errors import SourceFailed
from app.fetching.client import open_client
from app.settings import Settings
from app.sources.base import Query, Tools
from tests.sources.lists import TEXT, URL_LIST, pages, parquet, tools, trouble


@pytest.mark.parametrize("name", ["list.csv", "list.txt", "list.jsonl", "list.parquet"])
async def test_any_cursor_continues_where_its_page_ended(name: str) -> None:
    urls = [f"http://a.example/{number}.jpg" for number in range(2_500)]
    data = {
        "list.csv": "url\n" + "\n".join(urls),
        "list.txt": "\n".join(urls),
        "list.jsonl": "\n".join(f'{{"url": "{url}"}}' for url in urls),
    }.get(name, "").encode() or parquet({"url": (TEXT, urls)})  # fmt: skip
    whole = await pages(name, data)
    assert [page.cursor and page.cursor["row"] for page in whole][-2:] == [2_500 + name.endswith(".csv"), None]
    assert [one.url for page in whole for one in page.candidates] == urls
    done = 0
    for page in whole[:-1]:
        done += len(page.candidates)
        assert [one.url for left in await pages(name, data, cursor=page.cursor) for one in left.candidates] == urls[
            done:
        ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("block", [7, 64, 65_536])
async def test_rows_with_line_ends_in_them_are_whole_wherever_the_file_is_cut(
    monkeypatch: pytest.MonkeyPatch, encoding: str, block: int
) -> None:
    monkeypatch.setattr("tests.sources.lists.BLOCK_BYTES", block)
    monkeypatch.setattr("app.sources.url_list.PAGE_ROWS", 4)
    rows = [(f"http://a.example/ä{number}.jpg", f'a "note"\r\n\r\nof {number}') for number in range(20)]
    text = "url,note\r\n" + "".join('{},"{}"\r\n'.format(url, note.replace('"', '""')) for url, note in rows)
    data = text.encode(encoding)
    whole = await pages("list.csv", data)
    found = [one for page in whole for one in page.candidates]
    assert [(one.url, (one.provenance.extra or {})["note"]) for one in found] == [
        (url, note.replace("\r\n", "\n")) for url, note in rows
    ]
    for page in whole[:-1]:
        left = [one for later in whole[whole.index(page) + 1 :] for one in later.candidates]
        again = await pages("list.csv", data, cursor=page.cursor)
        assert [one for later in again for one in later.candidates] == left


async def test_going_on_with_a_long_list_reads_nothing_of_what_was_read() -> None:
    data = b"url,label\n" + b"".join(b"http://a.example/%d.jpg,cat\n" % number for number in range(20_000))
    starts: list[int] = []

    async def open_upload(upload_id: str, start: int = 0) -> AsyncIterator[bytes]:
        starts.append(start)
        yield data[start : start + 4_096]

    settings = Settings()
    async with open_client(settings) as client:
        used = Tools(client, settings, open_upload)
        query = Query((), {"upload_id": "list.csv"})
        cursor = {"row": 15_001, "line": 15_001, "byte": data.index(b"http://a.example/15000.jpg")}
        async with contextlib.aclosing(URL_LIST.pages(used, query, cursor)) as found:
            page = await anext(found)
    assert (page.candidates[0].url, page.candidates[0].keyword) == ("http://a.example/15000.jpg", "cat")
    assert starts == [0, 0, cursor["byte"] - 1]  # the header, and then the rest


async def test_the_rows_before_the_broken_one_come_first() -> None:
    data = b"url\n" + b"http://a.example/\n" * 1_500 + b"1,2\n"
    async with tools("list.csv", data) as used:
        seen: list[int] = []
        with contextlib.suppress(SourceFailed):
            async for page in URL_LIST.pages(used, Query((), {"upload_id": "list.csv"}), None):
                seen.append(len(page.candidates))
    assert sum(seen) == 1_500


async def test_a_file_over_the_limit_is_not_read() -> None:
    assert (
        await trouble("list.txt", b"a\n" * 100_000, upload_max_bytes=100_000)
        == "The list is larger than 100,000 bytes."
    )


async def test_a_long_list_is_read_in_bounded_memory() -> None:
    """200,000 rows, of which a piece is in memory."""
    data = b"url,label\n" + b"".join(b"http://a.example/%d.jpg,cat\n" % number for number in range(200_000))
    started_s, count = time.monotonic(), 0
    async with tools("list.csv", data) as used:
        tracemalloc.start()
        async for page in URL_LIST.pages(used, Query((), {"upload_id": "list.csv"}), None):
            count += len(page.candidates)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 200_000
    assert peak < 4_000_000
    assert time.monotonic() - started_s < 60
