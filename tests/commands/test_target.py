"""The folder of a dataset: only ours is replaced, and nothing lands outside of it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import click
import orjson
import pytest

from app.commands.crawling.target import Target


def archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)
    return stream.getvalue()


def dataset(*names: str) -> bytes:
    lines = b"".join(orjson.dumps({"file_name": name}) + b"\n" for name in names)
    return archive({name: name.encode() for name in names} | {"metadata.jsonl": lines})


def take(folder: Path, data: bytes, images: int, name: str = "cats.zip") -> Path:
    target = Target(folder)
    target.check(force=False)
    target.part.write_bytes(data)
    return target.accept(name, images)


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {".pixcrawler.json"}


def test_a_zip_lies_under_its_name_and_unpacked_beside_it(tmp_path: Path) -> None:
    data = dataset("cat/1.jpg", "dog/2.jpg")
    assert take(tmp_path / "new", data, 2).read_bytes() == data
    assert tree(tmp_path / "new") == {"cats.zip", "metadata.jsonl", "cat/1.jpg", "dog/2.jpg"}


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    take(tmp_path, dataset("cat/1.jpg", "dog/2.jpg"), 2, "first.zip")
    take(tmp_path, dataset("cat/3.jpg"), 1, "second.zip")
    assert tree(tmp_path) == {"second.zip", "metadata.jsonl", "cat/3.jpg"}


def test_a_folder_that_holds_anything_else_is_refused_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(click.ClickException, match=r"holds other files \(thesis\.txt\).*--force"):
        Target(tmp_path).check(force=False)
    Target(tmp_path).check(force=True)


def test_even_forced_a_file_of_the_users_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "mine.jpg").write_text("mine")
    target = Target(tmp_path)
    target.check(force=True)
    target.part.write_bytes(dataset("cat/1.jpg"))
    with pytest.raises(click.ClickException, match="not ours to replace"):
        target.accept("cats.zip", 1)
    assert (tmp_path / "cat" / "mine.jpg").read_text() == "mine"


def test_what_came_after_an_earlier_run_is_not_ours(tmp_path: Path) -> None:
    take(tmp_path, dataset("cat/1.jpg"), 1)
    (tmp_path / "notes.txt").write_text("kept")
    with pytest.raises(click.ClickException, match=r"notes\.txt"):
        Target(tmp_path).check(force=False)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(click.ClickException, match="is a file"):
        Target(tmp_path / "file").check(force=True)


@pytest.mark.parametrize("name", ["../out.jpg", "/abs.jpg", "a/../../b.jpg", "a\\..\\b.jpg", ".pixcrawler.json", "C:x"])
def test_an_archive_that_leads_out_of_the_folder_is_not_unpacked(name: str, tmp_path: Path) -> None:
    take(tmp_path / "in", dataset("cat/1.jpg"), 1)
    with pytest.raises(click.ClickException, match="not safe"):
        take(tmp_path / "in", archive({name: b"x"}), 0)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert (tmp_path / "in" / "cat" / "1.jpg").exists(), "the earlier dataset stays"


def test_a_link_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as written:
        link = zipfile.ZipInfo("cat")
        link.external_attr = 0o120777 << 16
        written.writestr(link, "/etc")
    with pytest.raises(click.ClickException, match="not safe"):
        take(tmp_path, stream.getvalue(), 0)


def test_a_damaged_archive_is_told_and_the_earlier_dataset_stays(tmp_path: Path) -> None:
    take(tmp_path, dataset("cat/1.jpg"), 1)
    data = bytearray(dataset("cat/2.jpg"))
    at = data.index(b"cat/2.jpg", data.index(b"cat/2.jpg") + 1)
    data[at] ^= 1
    with pytest.raises(click.ClickException, match="does not hold together"):
        take(tmp_path, bytes(data), 1)
    assert (tmp_path / "cat" / "1.jpg").exists()


def test_an_archive_with_fewer_images_than_the_service_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="names 1 images, of which 0 are missing; the service says 2"):
        take(tmp_path, dataset("cat/1.jpg"), 2)


def test_an_export_that_is_no_zip_is_put_under_its_name(tmp_path: Path) -> None:
    take(tmp_path, b"PAR1", 5, "cats.parquet")
    assert tree(tmp_path) == {"cats.parquet"}
