"""A crawl of some 400 real files, good and bad: every row ends where it belongs, with its reason, counted once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.models.states import STORED
from app.storage import storage
from tests.stand_ins import mixed_gallery
from tests.stand_ins.expected import Expected
from tests.support.asking import counted, images, key_of
from tests.support.service import Person, entries, running_worker

CHUNK = 50


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Expected]]:
    folder = tmp_path_factory.mktemp("gallery")
    return folder, mixed_gallery.build(folder)


async def test_every_file_of_a_mixed_gallery_ends_in_its_right_state_with_its_reason(
    owner: Person, db: asyncpg.Connection, gallery: tuple[Path, list[Expected]]
) -> None:
    folder, expected = gallery
    assert len(expected) >= 300
    async with mixed_gallery.serve(folder) as base, running_worker():
        urls = [base + one.path for one in expected]
        job = await owner.crawl(keywords=["thing"], sources=entries(*urls), chunkSize=CHUNK)
        ended = await owner.ended(job)
    found = await images(owner, job)
    by_path = {one["originalUrl"].removeprefix(base): one for one in found}
    outcomes = {path: (one["status"].lower(), _first_code(one)) for path, one in by_path.items()}
    assert mixed_gallery.differences(expected, outcomes) == []
    assert all(one["issues"][0]["message"] for one in found if one["status"] in ("FAILED", "DUPLICATE"))
    for one in expected:
        if one.format and outcomes[one.path][0] == "downloaded":
            assert by_path[one.path]["format"] == one.format
        if one.size:
            assert (by_path[one.path]["width"], by_path[one.path]["height"]) == one.size
    await _check_counters(db, job, ended, len(expected))
    await _check_bytes(found)


async def _check_counters(db: asyncpg.Connection, job: str, ended: dict[str, Any], rows: int) -> None:
    """The job's numbers are those of its rows."""
    states = await counted(db, job)
    stored = sum(states.get(state, 0) for state in STORED)
    chunks = -(-rows // CHUNK)
    assert sum(states.values()) == rows
    assert ended == ended | {
        "status": "COMPLETED",
        "progress": 100,
        "totalImages": rows,
        "downloadedImages": stored,
        "validImages": states["downloaded"],
        "totalChunks": chunks,
        "completedChunks": chunks,
        "activeChunks": 0,
        "failedChunks": 0,
        "chunkProgress": 100,
        "taskIds": [],
        "errorMessage": None,
    }
    assert ended["sources"] == [{"name": "url_list", "found": rows, "state": "done", "message": None}]
    row = await db.fetchrow("select leases::text, started_at, completed_at from crawl_jobs where id = $1", key_of(job))
    assert row["leases"] == "{}"
    assert row["started_at"] < row["completed_at"]


async def _check_bytes(found: list[dict[str, Any]]) -> None:
    """Duplicates point at the bytes of the first, and each bytes lie in storage once."""
    first = {one["sha256"]: one for one in found if one["status"] == "DOWNLOADED"}
    for one in found:
        if one["status"] == "DUPLICATE":
            assert one["issues"][0]["measured"] == first[one["sha256"]]["id"]
            assert one["filename"] == first[one["sha256"]]["filename"]
        if one["status"] == "FAILED":
            assert one["sha256"] is None
            assert one["downloadUrl"] is None
    names = Counter([stored.key.rsplit("/", 1)[-1] async for stored in storage().list("images/")])
    for one in first.values():
        assert names[one["filename"]] == 1
        assert one["filename"].startswith(one["sha256"] + ".")


def _first_code(one: dict[str, Any]) -> str | None:
    return one["issues"][0]["code"] if one["issues"] else None
