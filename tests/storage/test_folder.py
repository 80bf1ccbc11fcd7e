"""Files of a storage folder: whole or not there."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from app.folder import write_whole


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    write_whole(str(tmp_path / "images" / "ab" / "cd" / "x.jpg"), b"bytes")
    assert (tmp_path / "images" / "ab" / "cd" / "x.jpg").read_bytes() == b"bytes"


def test_a_file_that_was_there_is_replaced(tmp_path: Path) -> None:
    for body in (b"long and old", b"new"):
        write_whole(str(tmp_path / "x.jpg"), body)
    assert (tmp_path / "x.jpg").read_bytes() == b"new"


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    with pytest.raises(OSError, match=r"x\.jpg"):
        write_whole(str(tmp_path / "x.jpg"), b"bytes")
    assert [path.name for path in tmp_path.iterdir()] == ["x.jpg"]


def test_threads_that_write_the_same_file_leave_one_whole_file(tmp_path: Path) -> None:
    bodies = [bytes([number]) * 100_000 for number in range(16)]
    threads = [threading.Thread(target=write_whole, args=(str(tmp_path / "x.jpg"), body)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "x.jpg").read_bytes() in bodies
    assert len(list(tmp_path.iterdir())) == 1
