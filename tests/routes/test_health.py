"""The service says whether it lives, and whether all that it needs is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from app import queue
from app.errors import StorageRefused
from app.routes import health
from app.storage import Storage


async def ready(api: aiohttp.ClientSession) -> tuple[int, dict[str, tuple[bool, str]]]:
    async with api.get("/readyz") as answer:
        body = await answer.json()
        assert body["ok"] == (answer.status == 200)
        return answer.status, {check["name"]: (check["ok"], check["message"]) for check in body["checks"]}


async def test_the_process_lives(api: aiohttp.ClientSession) -> None:
    async with api.get("/healthz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"ok": True}


async def test_with_a_worker_it_is_ready(api: aiohttp.ClientSession) -> None:
    await queue.mark_worker("one", ttl_s=30)
    status, checks = await ready(api)
    assert status == 200, checks
    assert set(checks) == {"database", "redis", "storage", "workers"}
    assert checks["workers"] == (True, "1 alive.")


async def test_without_a_worker_it_is_not_ready_and_says_what_to_do(api: aiohttp.ClientSession) -> None:
    status, checks = await ready(api)
    assert status == 503
    assert checks["workers"] == (False, "No worker lives: start one with `pixcrawler worker`.")
    assert checks["database"][0]
    assert checks["storage"][0]


async def test_storage_that_refuses_is_told_without_its_secrets(
    api: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Storage.open((tmp_path / "secret-folder").as_uri())
    (tmp_path / "secret-folder" / "checks").write_text("a file where a folder must be")
    monkeypatch.setattr(health, "storage", lambda: store)
    with pytest.raises(StorageRefused):
        await store.check()
    status, checks = await ready(api)
    assert status == 503
    assert not checks["storage"][0]
    assert "secret" not in checks["storage"][1]


async def test_what_does_not_answer_is_told_in_time(db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    monkeypatch.setitem(health.CHECKS, "redis", never)
    checks = {check.name: check for check in await health.look(timeout_s=0.05)}
    assert checks["redis"] == health.Check("redis", False, "No answer within 0.05 s.")
    assert checks["database"].ok


async def test_a_database_without_tables_is_not_ready(db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await db.fetchval("select current_database()")
    await db.execute("alter table crawl_jobs rename to crawl_jobs_elsewhere")
    try:
        checks = {check.name: check for check in await health.look()}
    finally:
        await db.execute("alter table crawl_jobs_elsewhere rename to crawl_jobs")
    assert name
    assert checks["database"] == health.Check("database", False, health.UNMIGRATED)
