"""The files of the mixed gallery are what their manifest says, told by the engine that fetches."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from app.fetching.inspect import inspect
from app.fetching.refusal import Refusal
from tests.stand_ins import mixed_gallery
from tests.stand_ins.expected import Expected

MAX_PIXELS = 100_000_000


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Expected]]:
    folder = tmp_path_factory.mktemp("gallery")
    return folder, mixed_gallery.build(folder)


def verdict(path: Path) -> tuple[str, str | None, str | None, tuple[int, int] | None]:
    if path.stat().st_size > 64 * 2**20:
        return "failed", "too_large", None, None
    try:
        found = inspect(path.read_bytes(), MAX_PIXELS)
    except Refusal as refused:
        return "failed", str(refused.issue.code), None, None
    return "downloaded", None, found.format, (found.width, found.height)


def test_each_file_is_judged_as_its_manifest_says(gallery: tuple[Path, list[Expected]]) -> None:
    folder, expected = gallery
    wrong = []
    for one in expected:
        if one in mixed_gallery.ANSWERED:
            continue
        found = verdict(folder / one.path)
        size = one.size if one.size is not None else found[3]
        if found != (one.status, one.code, one.format, size):
            wrong.append(f"{one.path}: {found}, manifest {(one.status, one.code, one.format, size)}")
    assert not wrong, "\n".join(wrong)


def test_there_are_hundreds_of_files_and_only_the_copies_are_alike(gallery: tuple[Path, list[Expected]]) -> None:
    folder, expected = gallery
    files = [one for one in expected if one not in mixed_gallery.ANSWERED]
    alone = [one for one in files if one.same_bytes is None and one.status == "downloaded"]
    assert len(files) >= 300
    assert len({one.path for one in expected}) == len(expected)
    assert len({(folder / one.path).read_bytes() for one in alone}) == len(alone)


def test_what_differs_is_named() -> None:
    pair = [Expected(name, "downloaded", None, same_bytes="a") for name in ("a", "b")]
    expected = [*pair, Expected("c", "failed", "empty"), Expected("d", "downloaded", None)]
    right = {
        "a": ("duplicate", "duplicate"),
        "b": ("downloaded", None),
        "c": ("failed", "empty"),
        "d": ("downloaded", None),
    }
    assert mixed_gallery.differences(expected, right) == []
    assert mixed_gallery.differences(expected, right | {"a": ("downloaded", None)}) != []
    assert mixed_gallery.differences(expected, right | {"c": ("failed", "corrupt")}) == [
        "c: is ('failed', 'corrupt'), must be ('failed', 'empty')"
    ]


async def test_the_server_gives_files_and_the_answers_that_no_file_can(gallery: tuple[Path, list[Expected]]) -> None:
    folder, expected = gallery
    async with mixed_gallery.serve(folder) as base, aiohttp.ClientSession() as client:
        async with client.get(base + expected[0].path) as response:
            assert await response.read() == (folder / expected[0].path).read_bytes()
        async with client.get(base + "answers/missing.jpg") as response:
            assert response.status == 404
        async with client.get(base + "answers/moved.jpg") as response:
            assert (response.status, response.url.path) == (200, "/hidden/behind-a-redirect.jpg")
        async with client.get(base + "answers/cut-connection.jpg") as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
