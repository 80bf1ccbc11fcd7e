"""A ZIP dataset opens everywhere, holds exactly the stored bytes, and says whose each image is."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import tracemalloc
import zipfile
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any

import pytest

from app.exports.base import ExportImage
from app.exports.registry import WRITERS
from app.exports.spool import Spool
from app.exports.zip import ZipWriter
from app.exports.zip_stream import ZipStream
from tests.exports.images import Archive, made

BY_SA: dict[str, Any] = {
    "source": "openverse",
    "license": "by-sa 4.0",
    "license_url": "https://creativecommons.org/licenses/by-sa/4.0/",
    "creator": "Ada *Lovelace* [x](javascript:alert(1))",
    "creator_url": "https://example.org/ada (painter)",
    "title": "A cat\n# asleep <script>",
    "landing_url": "javascript:alert(1)",
    "attribution": '"A cat" by Ada is licensed under CC BY-SA 4.0.',
    "extra": {"camera": "X100", "iso": 200},
}


async def zipped(*images: tuple[ExportImage, bytes], name: str = "Cats") -> bytes:
    archive = Archive()
    writer = WRITERS["zip"](archive.write, name)
    await writer.begin()
    for image, data in images:
        await writer.add(image, data)
    await writer.finish()
    return bytes(archive.content)


def opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def lines(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]


async def test_every_image_lies_under_its_class_with_exactly_its_bytes() -> None:
    images = [made(1, "cat"), made(2, "dog"), made(3, None), made(4, "größe 大")]
    with opened(await zipped(*images)) as archive:
        assert archive.testzip() is None
        assert [info.compress_type for info in archive.infolist()] == [zipfile.ZIP_STORED] * 6
        folders = ["cat", "dog", "unlabelled", "größe 大"]
        for folder, (image, data) in zip(folders, images, strict=True):
            assert archive.read(f"{folder}/{image.sha256.hex()}.jpg") == data
        assert archive.namelist()[4:] == ["metadata.jsonl", "ATTRIBUTION.md"]


async def test_a_reader_of_image_folders_finds_every_file_and_its_row() -> None:
    """As Hugging Face's imagefolder does: file_name is a path in the archive, and all lines have the same keys."""
    images = [made(number, "cat", provenance=BY_SA if number % 2 else {}) for number in range(5)]
    with opened(await zipped(*images)) as archive:
        rows = lines(archive)
        assert len({tuple(row) for row in rows}) == 1
        for row, (image, data) in zip(rows, images, strict=True):
            assert archive.read(row["file_name"]) == data
            assert row["sha256"] == image.sha256.hex()


async def test_a_line_says_what_the_image_is_and_whose() -> None:
    with opened(await zipped(made(1, "cat", phash=-1, provenance=BY_SA))) as archive:
        row = lines(archive)[0]
    assert row["file_name"].startswith("cat/")
    known = {key: row[key] for key in ("url", "label", "width", "height", "phash", "format", "file_size")}
    assert known == {
        "url": "https://example.org/1.jpg",
        "label": "cat",
        "width": 640,
        "height": 480,
        "phash": "ffffffffffffffff",
        "format": "jpeg",
        "file_size": 100,
    }
    assert {key: row[key] for key in BY_SA} == BY_SA


async def test_what_is_not_known_is_null() -> None:
    with opened(await zipped(made(1, None, phash=None))) as archive:
        row = lines(archive)[0]
    unknown = {"label", "phash", "license", "license_url", "creator", "attribution", "source", "title", "extra"}
    assert unknown <= {key for key, value in row.items() if value is None}


async def test_labels_that_clean_to_one_name_stay_apart() -> None:
    labels = ["a/b", "a\\b", "A b", "a  b", "unlabelled", "metadata.jsonl", "..", "con", "x" * 300]
    with opened(await zipped(*[made(number, label) for number, label in enumerate(labels)])) as archive:
        folders = {row["label"]: row["file_name"].rpartition("/")[0] for row in lines(archive)}
    assert len({folder.casefold() for folder in folders.values()}) == len(labels)
    assert folders["a/b"] == "a b"
    assert folders["a\\b"].startswith("a b-")
    assert folders["con"] == "con_"
    for folder in folders.values():
        assert folder not in ("unlabelled", "metadata.jsonl", ".", "..")
        assert not set(folder) & set('/\\:*?"<>|')
        assert len(folder) <= 120


async def test_the_same_images_give_the_same_archive() -> None:
    images = [made(number, "cat", provenance=BY_SA) for number in range(20)]
    assert await zipped(*images) == await zipped(*images)


async def test_an_archive_without_images_opens() -> None:
    with opened(await zipped()) as archive:
        assert lines(archive) == []
        assert "0 images" in archive.read("ATTRIBUTION.md").decode()


async def test_people_can_read_whose_the_images_are() -> None:
    images = [
        made(1, "cat", provenance=BY_SA),
        made(2, "cat", provenance={"license": "cc0 1.0", "title": "Two & three"}),
        made(3, "cat"),
        made(4, "dog", provenance={"license": "cc0 1.0", "creator": "Bo", "source": "commons"}),
    ]
    with opened(await zipped(*images, name="Cats <&> dogs")) as archive:
        text = archive.read("ATTRIBUTION.md").decode()
    assert text.startswith("# Cats \\<&\\> dogs: attribution\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## [by-sa 4.0](<https://creativecommons.org/licenses/by-sa/4.0/>) (1 image)",
        "## cc0 1.0 (2 images)",
        "## License not known (1 image)",
    ]
    entries = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(entries) == 4
    assert r"[A cat # asleep \<script\>](<https://example.org/1.jpg>)" in entries[0]
    assert r"by [Ada \*Lovelace\* \[x\](javascript:alert(1))](<https://example.org/ada%20%28painter%29>)" in entries[0]
    assert entries[0].endswith('"A cat" by Ada is licensed under CC BY-SA 4.0.')
    assert entries[2].endswith("by Bo from commons")


async def test_very_many_licenses_share_a_heading() -> None:
    images = [made(number, "cat", provenance={"license": f"license {number}"}) for number in range(150)]
    with opened(await zipped(*images)) as archive:
        text = archive.read("ATTRIBUTION.md").decode()
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert len(headings) == 101
    assert headings[-1] == "## Other licenses (50 images)"
    assert text.rstrip().endswith("license: license 149")


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
async def test_unzip_finds_nothing_wrong(tmp_path: Path) -> None:
    path = tmp_path / "cats.zip"
    path.write_bytes(await zipped(*[made(number, "größe", provenance=BY_SA) for number in range(30)]))
    done = await asyncio.create_subprocess_exec("unzip", "-t", str(path), stdout=PIPE, stderr=STDOUT)
    told, _ = await done.communicate()
    assert done.returncode == 0, told.decode()


async def test_more_entries_than_plain_zip_counts() -> None:
    archive = Archive()
    stream = ZipStream(archive.write)
    for number in range(65_600):
        await stream.add(str(number), b"x")
    await stream.finish()
    with opened(bytes(archive.content)) as found:
        assert len(found.infolist()) == 65_600
        assert found.read("65599") == b"x"


async def test_archives_larger_than_plain_zip_addresses(tmp_path: Path) -> None:
    """The first 4 GiB are a hole in the file: only what lies behind it is written."""
    path = tmp_path / "large.zip"
    with path.open("wb") as file:

        async def write(data: bytes) -> None:
            file.write(data)

        stream = ZipStream(write)
        stream.offset = 2**32 + 7
        file.seek(stream.offset)
        await stream.add("cat/1.jpg", b"one")
        await stream.add("cat/2.jpg", b"two")
        await stream.finish()
    with zipfile.ZipFile(path) as found:
        assert found.getinfo("cat/2.jpg").header_offset > 2**32
        assert found.testzip() is None
        assert found.read("cat/2.jpg") == b"two"


async def test_an_entry_larger_than_plain_zip_says_so() -> None:
    """Written by its size alone: its bytes would take 4 GiB."""
    archive = Archive()
    stream = ZipStream(archive.write)
    empty = Spool()
    empty.size = 2**32
    await stream.add_spooled("metadata.jsonl", empty)
    await stream.finish()
    with opened(bytes(archive.content)) as found:
        assert found.getinfo("metadata.jsonl").file_size == 2**32


async def test_memory_stays_bounded_however_many_images_come() -> None:
    async def forget(data: bytes) -> None:
        """The sink of this test."""

    writer = ZipWriter(forget, "Many")
    image, data = made(1, "cat", provenance=BY_SA)
    tracemalloc.start()
    try:
        for _ in range(15_000):
            await writer.add(image, data)
        held, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    await writer.finish()
    assert held < 24 * 2**20
