"""Lists of URLs as people have them: every kind of file, odd columns, and files that are broken somewhere."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from arro3.core import DataType

from app.errors import Invalid, SourceFailed
from app.sources.base import Query, filename_of
from app.values import MAX_URL_CHARS
from tests.sources.lists import TEXT, URL_LIST, candidates, parquet, tools


async def test_the_five_kinds_of_files_give_the_same_candidates() -> None:
    files = {
        "list.csv": b'url,label,note\nhttps://a.example/1.jpg,cat,"one, two"\nhttps://a.example/2.jpg,dog,three\n',
        "list.tsv": b"url\tlabel\tnote\nhttps://a.example/1.jpg\tcat\tone, two\nhttps://a.example/2.jpg\tdog\tthree\n",
        "list.jsonl": (
            b'{"url": "https://a.example/1.jpg", "label": "cat", "note": "one, two"}\n\n'
            b'{"url": "https://a.example/2.jpg", "label": "dog", "note": "three"}'
        ),
        "list.parquet": parquet(
            {
                "url": (TEXT, ["https://a.example/1.jpg", "https://a.example/2.jpg"]),
                "label": (TEXT, ["cat", "dog"]),
                "note": (TEXT, ["one, two", "three"]),
            }
        ),
    }
    for name, data in files.items():
        found = await candidates(name, data)
        assert [(one.url, one.keyword) for one in found] == [
            ("https://a.example/1.jpg", "cat"),
            ("https://a.example/2.jpg", "dog"),
        ]
        assert [one.provenance.extra for one in found] == [{"note": "one, two"}, {"note": "three"}]
        assert {one.provenance.source for one in found} == {"url_list"}
    lines = await candidates("list.txt", "https://a.example/1.jpg\r\n\r\n  https://a.example/2.jpg  \nnot a url")
    assert [one.url for one in lines] == ["https://a.example/1.jpg", "https://a.example/2.jpg", "not a url"]


@pytest.mark.parametrize(
    "header", ["URL,TEXT,LICENSE", "Image_URL,caption,license", " url ,alt,Licence", "img_url,Description,license"]
)
async def test_columns_are_known_by_the_names_that_published_lists_use(header: str) -> None:
    (found,) = await candidates(
        "list.csv", f"{header}\nhttps://a.example/1.jpg,a cat on a mat,cc-by\n", keywords=("cat",)
    )
    assert (found.url, found.keyword) == ("https://a.example/1.jpg", "cat")
    assert (found.provenance.title, found.provenance.license) == ("a cat on a mat", "cc-by")
    assert sorted((found.provenance.extra or {}).values()) == ["a cat on a mat", "cc-by"]


async def test_a_file_from_a_spreadsheet_is_read() -> None:
    """Marks at the beginning, Windows' line ends, line ends within a cell, empty cells, and UTF-16."""
    text = 'URL,Keyword,Note\r\nhttps://a.example/ä.jpg,Kätzchen,"two\r\nlines"\r\nhttps://a.example/2.jpg,,\r\n\r\n'
    for encoding in ("utf-8-sig", "utf-16"):
        first, second = await candidates("list.csv", text.encode(encoding), keywords=("cat", "other"))
        assert (first.url, first.keyword) == ("https://a.example/ä.jpg", "Kätzchen")
        assert first.provenance.extra == {"Note": "two\nlines"}
        assert (second.keyword, second.provenance.extra) == ("cat", None)
    assert (await candidates("list.csv", "url\nhttps://a.example/1.jpg"))[0].keyword is None


async def test_a_table_without_a_header_is_read_by_its_addresses() -> None:
    (first, second) = await candidates("list.tsv", "a cat\thttp://a.example/1.jpg\na dog\thttp://a.example/2.jpg\n")
    assert [first.url, second.url] == ["http://a.example/1.jpg", "http://a.example/2.jpg"]
    assert first.provenance.extra == {"column_1": "a cat"}


async def test_what_is_wrong_with_an_address_is_left_to_the_fetch() -> None:
    long = "https://a.example/" + "a" * 20_000
    found = await candidates(
        "list.jsonl", f'{{"url": "{long}"}}\n{{"url": "a\\u0000b"}}\n{{"url": null}}\n{{"url": 7}}\n'
    )
    assert [len(found[0].url), *(one.url for one in found[1:])] == [MAX_URL_CHARS + 1, "a\ufffdb", "", "7"]


async def test_texts_are_cut_and_cleaned() -> None:
    row = {"url": "http://a.example/", "keyword": f"big\n{'k' * 500}", "note": "n" * 9_000, "bad": "a\x00b", "": "x"}
    data = ",".join(row) + "\n" + ",".join(f'"{value}"' for value in row.values()) + "\n"
    (found,) = await candidates("list.csv", data)
    assert found.keyword == "big " + "k" * 196
    assert found.provenance.extra == {"note": "n" * 2_000, "bad": "a b", "column_5": "x"}


async def test_parquet_keeps_numbers_and_leaves_images_out() -> None:
    data = parquet(
        {
            "URL": (TEXT, ["http://a.example/1", None]),
            "width": (DataType.int64(), [640, None]),
            "similarity": (DataType.float64(), [0.25, float("nan")]),
            "ok": (DataType.bool(), [True, False]),
            "hash": (DataType.binary(), [b"abc", b"\xff\xfe"]),
            "image": (DataType.binary(), [bytes(5_000), None]),
        }
    )
    first, second = await candidates("list.parquet", data)
    assert first.provenance.extra == {"width": 640, "similarity": 0.25, "ok": True, "hash": "abc"}
    assert (second.url, second.provenance.extra) == ("", {"ok": False, "hash": "\ufffd\ufffd"})


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("list.csv", b'url,k\nhttp://a.example/,x\nhttp://b.example/,"open\n', "Row 3 .*unexpected end of data"),
        ("list.csv", b"url,k\nhttp://a.example/,1,2\n", "Row 2 of the list has 3 fields, but the header has 2"),
        ("list.csv", b"name,size\ncat,3\n", "no column url: its first row is name, size"),
        ("list.csv", b"url\nhttp://a.example/\xe9.jpg\n", "Line 2 of the list is not UTF-8"),
        ("list.csv", b"url\n" + b"a" * 200_000, "Row 2 .*field larger than field limit"),
        ("list.txt", b"a" * 2_000_000, "Line 1 of the list is longer than 1,000,000 bytes"),
        ("list.tsv", b"\t".join([b"c"] * 600), "600 columns; at most 500"),
        ("list.jsonl", b'{"url": "http://a.example/"}\n{"url": \n', "Line 2 of the list is not JSON"),
        ("list.jsonl", b'{"url": "http://a.example/"}\n["http://a"]\n', "Line 2 of the list is not a JSON object"),
        ("list.jsonl", b'{"href": "http://a.example/"}\n', "Line 1 of the list has no url: its names are href"),
        ("list.parquet", b"", "not a Parquet file that can be read"),
        ("list.parquet", b"PAR1 not really PAR1", "not a Parquet file that can be read"),
        ("list.parquet", parquet({"name": (TEXT, ["cat"])}), "Row 1 of the list has no url: its names are name"),
        ("list.parquet", parquet({"url": (TEXT, ["a"]), "t": (TEXT, ["t" * 1_500_000])}), "Row 1 .*is longer than"),
    ],
)  # fmt: skip
async def test_a_broken_file_is_a_failure_that_names_the_row(name: str, data: bytes, message: str) -> None:
    with pytest.raises(SourceFailed, match=message):
        await candidates(name, data)


async def test_damaged_parquet_is_never_more_than_a_failure() -> None:
    """On some damaged files the library ends its process instead of raising."""
    data = parquet({"url": (TEXT, [f"http://a.example/{number}" for number in range(50)])})
    rng = random.Random(4)
    for _ in range(6):
        damaged = bytearray(data)
        for _ in range(12):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        with contextlib.suppress(SourceFailed):
            await candidates("list.parquet", bytes(damaged))


async def test_entries_of_the_request_carry_their_provenance() -> None:
    provenance = {
        "landingUrl": "http://a.example/page",
        "title": "A cat",
        "license": "cc0 1.0",
        "camera": "X100",
        "n": 3,
    }
    options = URL_LIST.check(
        {"entries": [{"url": "http://a.example/1", "keyword": "cat", "provenance": provenance}, {"url": "no url"}]}
    )
    async with tools("", b"") as used:
        (page,) = [page async for page in URL_LIST.pages(used, Query(("pet",), options), None)]
    first, second = page.candidates
    told = first.provenance
    assert (told.landing_url, told.title, told.license, told.source) == (
        "http://a.example/page", "A cat", "cc0 1.0", "url_list",
    )  # fmt: skip
    assert told.extra == {"camera": "X100", "n": 3}
    assert (first.keyword, second.keyword, second.url, page.cursor) == ("cat", "pet", "no url", None)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, ()),
        ({"entries": [{"url": "a"}], "upload_id": "a.csv"}, ()),
        ({"entries": []}, ("entries",)),
        ({"entries": [{"url": "a"}, {"keyword": "b"}]}, ("entries", "1", "url")),
        ({"entries": [{"url": "a" * 8_193}]}, ("entries", "0", "url")),
        ({"entries": [{"url": "a", "keyword": "k" * 201}]}, ("entries", "0", "keyword")),
        ({"entries": [{"url": "a", "provenance": ["x"]}]}, ("entries", "0", "provenance")),
        ({"upload_id": "list.xlsx"}, ("uploadId",)),
    ],
)
def test_wrong_options_name_their_field(options: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as caught:
        URL_LIST.check(options)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a.example/photos/cat.jpg?width=3#top", "cat.jpg"),
        ("https://a.example/b%C3%A4r%20two.png", "bär two.png"),
        ("https://a.example/", "image"),
        ("https://a.example", "image"),
        ("", "image"),
        ("https://a.example/..", "image"),
        ("https://a.example/a%2Fb%5C..%00c", "a_b_.._c"),
        ("https://a.example/" + "a" * 400 + ".jpeg", "a" * 250 + ".jpeg"),
        ("not a url", "not a url"),
        ('http://a.example/a<b>"c|d?.png', "a_b_c_d"),
    ],
)
def test_a_file_is_named_by_the_last_part_of_its_url(url: str, name: str) -> None:
    assert filename_of(url) == name
