"""URL lists that are uploaded: every kind of file, whose they are, and what is said about a broken one."""

from __future__ import annotations

import io
import json
from typing import Any

import arro3.core
import arro3.io
import asyncpg
import pytest

from app.jobs import upload
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, at, good, images, refusal, urls
from tests.support.service import CREATE, Person, running_worker

UPLOAD = f"""mutation($name: String!) {{ createUrlListUpload(input: {{filename: $name}}) {{
  uploadId uploadUrl expiresAt {ERRORS} }} }}"""


def separated(rows: list[dict[str, Any]], mark: str) -> bytes:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(mark.join(map(str, line)) for line in lines).encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    columns: dict[str, Any] = {
        name: arro3.core.Array([row[name] for row in rows], arro3.core.DataType.string()) for name in rows[0]
    }
    file = io.BytesIO()
    arro3.io.write_parquet(arro3.core.Table.from_pydict(columns), file)
    return file.getvalue()


FILES = {
    "list.csv": lambda rows: separated(rows, ","),
    "list.tsv": lambda rows: separated(rows, "\t"),
    "list.txt": lambda rows: "\n".join(row["url"] for row in rows).encode(),
    "LIST.JSONL": lambda rows: "\n".join(json.dumps(row) for row in rows).encode(),
    "list.parquet": parquet,
}


async def put(owner: Person, name: str, body: bytes) -> str:
    """The id of an uploaded file."""
    made = await owner.do(UPLOAD, name=name)
    assert not made["errors"]
    async with owner.session.put(at(owner.url, made["uploadUrl"]), data=body) as response:
        assert response.status == 200, await response.text()
    return str(made["uploadId"])


@pytest.mark.parametrize("name", FILES)
async def test_an_uploaded_list_is_crawled_with_its_labels_and_its_further_columns(owner: Person, name: str) -> None:
    async with MisbehavingHost(good(3)) as host, running_worker():
        rows = [
            {"url": url, "label": f"class {place}", "license": "CC0", "camera": "Nikon"}
            for place, url in enumerate(urls(host, 0, 1, 2))
        ]
        upload_id = await put(owner, name, FILES[name](rows))
        job = await owner.crawl(keywords=["thing"], sources=[{"urlList": {"uploadId": upload_id}}])
        ended = await owner.ended(job)
    assert (ended["status"], ended["validImages"], ended["sources"][0]["state"]) == ("COMPLETED", 3, "done"), ended
    for place, one in enumerate(await images(owner, job)):
        assert one["originalUrl"] == rows[place]["url"]
        if name.endswith(".txt"):
            assert one["keyword"] == "thing"
        else:
            assert one["keyword"] == f"class {place}"
            assert one["provenance"]["license"] == "CC0"
            assert one["provenance"]["extra"] == {"camera": "Nikon", "license": "CC0"}


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("list.csv", b"address,label\nhttp://127.0.0.1/a.jpg,cat", "url"),
        ("list.jsonl", b'{"url": "http://127.0.0.1:9/a.jpg"}\n{"url": ', "2"),
        ("list.csv", b"url,label\nhttp://127.0.0.1:9/a.jpg,cat\nhttp://127.0.0.1:9/b.jpg,cat,dog,horse", "3"),
        ("list.parquet", b"PAR1 no PAR1", "Parquet"),
    ],
)
async def test_a_broken_list_is_a_failed_source_with_a_sentence_that_says_where(
    owner: Person, name: str, body: bytes, words: str
) -> None:
    async with running_worker():
        job = await owner.crawl(keywords=["x"], sources=[{"urlList": {"uploadId": await put(owner, name, body)}}])
        ended = await owner.ended(job)
    (source,) = ended["sources"]
    assert (ended["status"], source["state"]) == ("FAILED", "failed"), ended
    assert words in source["message"]
    assert ended["errorMessage"] == source["message"]
    assert source["message"].endswith(".")


async def test_nobody_crawls_anothers_upload_nor_one_that_never_came(
    owner: Person, stranger: Person, db: asyncpg.Connection
) -> None:
    project = await owner.project()
    theirs = await put(stranger, "list.txt", b"http://127.0.0.1/a.jpg")
    never = (await owner.do(UPLOAD, name="list.txt"))["uploadId"]
    me = never.partition("/")[0]
    odd = [f"{me}/../{theirs}", f"{me}/x y.txt", f"{me}/\u00fc.txt", f"{me}/", f"{me}/.txt", f"{me}/a\x00.txt", "x.txt"]
    messages = set()
    for upload_id in (theirs, never, *odd):
        source = {"urlList": {"uploadId": upload_id}}
        error = await refusal(owner, CREATE, input={"projectId": project, "name": "Job", "sources": [source]})
        assert error["code"] == "INVALID", error
        assert error["path"] == ["input", "sources", "0", "urlList", "uploadId"], error
        messages.add(error["message"])
    assert "There is no such upload of yours: PUT the file to its uploadUrl first." in messages
    assert await db.fetchval("select count(*) from crawl_jobs") == 0


@pytest.mark.parametrize("name", ["list.exe", "list", "", "a" * 300 + ".csv", "a\x00.csv", ".csv.zip"])
async def test_an_upload_whose_name_tells_no_kind_is_refused(owner: Person, name: str) -> None:
    error = await refusal(owner, UPLOAD, name=name)
    assert (error["code"], error["path"]) == ("INVALID", ["input", "filename"])


async def test_the_link_of_an_upload_takes_that_file_only(owner: Person) -> None:
    made = await owner.do(UPLOAD, name="list.txt")
    link = at(owner.url, made["uploadUrl"])
    for wrong in (link.replace("/uploads/", "/exports/"), link.split("?")[0]):
        async with owner.session.put(wrong, data=b"http://127.0.0.1/a.jpg") as response:
            assert response.status == 403
    async with owner.session.get(link) as response:
        assert response.status == 403
    assert upload.key_of(made["uploadId"]) in link
