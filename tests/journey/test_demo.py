"""`demo` and `crawl` as a user types them: a dataset of real photographs on disk, and nothing left running."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.commands.gallery.records import KEYWORDS, records
from tests.commands.homes import cli, environment, home_in
from tests.rules.tracked import CHECKOUT

SOON_S = 30.0
ENDED_FAILED = {"cut", "page", "missing", "damaged", "empty", "failing", "reserved"}
"""The kinds of records that fail; the others are stored, are copies, or are too small for the demo's rules."""


@dataclass
class Demo:
    """A demo that stays up."""

    process: subprocess.Popen[str]
    home: Path
    folder: Path
    outcome: dict[str, Any]


def demo(home: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "app.cli", "demo", "--port", "0", "--to", str(folder), "--json", *options]
    return subprocess.Popen(command, cwd=CHECKOUT, env=environment(home), stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    place = tmp_path_factory.mktemp("demo")
    with home_in(place) as home, demo(home, place / "out") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the demo ended without a result"
        yield Demo(process, home, place / "out", json.loads(line))
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON_S) == 0
        assert soon_gone(home)
        cli(home, "down", "--purge")


def alive(home: Path) -> list[str]:
    """The command lines of processes that name the home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in words:
            found.append(words)
    return found


def soon_gone(home: Path) -> bool:
    deadline = time.monotonic() + SOON_S
    while alive(home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def metadata(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def test_the_demo_leaves_a_dataset_of_every_good_photograph(running: Demo) -> None:
    kinds = Counter(record.kind for record in records())
    outcome, entries = running.outcome, metadata(running.folder)
    assert outcome["images"] == len(entries) == kinds["original"] + kinds["view"]
    assert outcome["duplicates"] == kinds["copy"]
    assert outcome["failed"] == sum(kinds[kind] for kind in ENDED_FAILED)
    assert outcome["dataset"] == str(running.folder)
    assert outcome["url"].startswith("http://127.0.0.1:")
    assert {entry["label"] for entry in entries} == set(KEYWORDS)
    for entry in entries:
        assert (running.folder / entry["file_name"]).stat().st_size == entry["file_size"]
        assert entry["creator"]
        assert entry["license_url"]
    (archive,) = running.folder.glob("*.zip")
    assert archive.stat().st_size == outcome["bytes"]
    credits = (running.folder / "ATTRIBUTION.md").read_text()
    assert "Stefan van der Walt" in credits


def test_a_second_demo_of_the_same_home_is_refused(running: Demo, tmp_path: Path) -> None:
    done = cli(running.home, "demo", "--once", "--to", str(tmp_path / "other"))
    assert done.returncode == 1
    assert "A demo runs already" in done.stderr


def test_crawl_by_keyword_uses_the_demos_service_and_streams_progress(running: Demo, tmp_path: Path) -> None:
    done = cli(running.home, "crawl", "cat", "boat", "--to", str(tmp_path / "cats"), "--json")
    assert done.returncode == 0, done.stderr
    *events, outcome = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["event"] for event in events} == {"progress"}
    stages = list(dict.fromkeys(event["stage"] for event in events))
    assert stages == ["crawl", "export", "download"]
    assert outcome["images"] > 5
    assert {path.name for path in (tmp_path / "cats").iterdir() if path.is_dir()} == {"cat", "boat"}


def test_crawl_of_a_url_list_keeps_its_labels_and_counts_what_fails(running: Demo, tmp_path: Path) -> None:
    gallery = metadata(running.folder)[0]["url"].partition("/images/")[0]
    rows = ["url,label,camera"]
    rows += [f"{gallery}/images/originals/chelsea.jpg,cats,Nikon", f"{gallery}/images/originals/coffee.jpg,cups,"]
    rows += [f"{gallery}/images/nothing-{number}.jpg,cups," for number in range(3)]
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    folder = tmp_path / "listed"
    done = cli(running.home, "crawl", "--urls", str(tmp_path / "list.csv"), "--to", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert (outcome["images"], outcome["failed"]) == (2, 3)
    extras = {entry["label"]: entry["extra"] for entry in metadata(folder)}
    assert set(extras) == {"cats", "cups"}
    assert extras["cats"]["camera"] == "Nikon"


def test_ctrl_c_cancels_the_crawl_that_it_created(running: Demo, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "list.txt").write_text("".join(f"{address}/{number}.jpg\n" for number in range(20)))
        options = ["--urls", str(tmp_path / "list.txt"), "--to", str(tmp_path / "out"), "--json"]
        command = [sys.executable, "-P", "-m", "app.cli", "crawl", *options]
        process = subprocess.Popen(
            command, env=environment(running.home), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with process:
            assert process.stdout is not None
            while json.loads(process.stdout.readline())["total_images"] < 20:
                pass
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=SOON_S)
    assert process.returncode == 130
    assert re.fullmatch(r"CrawlJob:\d+ is cancelled.*", told.strip())
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused_before_anything_is_crawled(running: Demo, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = cli(running.home, "crawl", "cat", "--to", str(tmp_path))
    assert done.returncode == 1
    assert "holds other files (thesis.txt)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Nothing to crawl"),
        (["cat", "--source", "paintings"], 2, "There is no source paintings"),
        (["cat", "--export", "clay_tablets"], 2, "CLAY_TABLETS"),
        (["cat", "--url", "http://127.0.0.1:9"], 1, "does not answer"),
        (["cat", "--max-images", "1000000000"], 1, "maxImages"),
    ],
)
def test_crawl_says_in_one_sentence_what_is_wrong(
    running: Demo, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    done = cli(running.home, "crawl", *arguments, "--to", str(tmp_path / "none"))
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_crawl_without_a_service_says_how_to_start_one(tmp_path: Path) -> None:
    done = cli(tmp_path / "empty", "crawl", "cat", "--to", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "./pixcrawler up" in done.stderr


def test_a_demo_ends_with_all_it_started_killed_or_not_and_replaces_an_earlier_dataset(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with home_in(tmp_path) as home:
        with demo(home, folder, "--max-images", "3") as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            assert len(metadata(folder)) == 3
            assert alive(home)
            os.kill(process.pid, signal.SIGKILL)
        assert soon_gone(home)

        done = cli(home, "demo", "--once", "--port", "0", "--max-images", "5", "--to", str(folder))
        assert done.returncode == 0, done.stderr
        assert "5 images" in done.stdout
        assert len(metadata(folder)) == 5
        assert soon_gone(home)
        cli(home, "down", "--purge")
