"""`/healthz`: the process answers. `/readyz`: so does all that it needs to do its work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.database import DATABASE_ERRORS, acquire
from app.errors import StorageRefused
from app.queue import REDIS_ERRORS, live_workers, redis
from app.storage import storage

CHECK_TIMEOUT_S = 3.0
REMEMBERED_S = 1.0
"""However often it is asked, what is needed is looked at once a second: storage is written to each time."""
UNMIGRATED = "The database has no tables yet: run `pixcrawler migrate`."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is needed: whether it is there, and what to know or do."""

    name: str
    ok: bool
    message: str


class Missing(Exception):
    """It answers, but cannot be used as it is."""


def routes() -> list[Route]:
    """The routes of this module."""
    remembered = Remembered()
    return [
        Route("/healthz", alive, methods=["GET"]),
        Route("/readyz", remembered.answer, methods=["GET"]),
    ]


async def alive(_: Request) -> JSONResponse:
    """The process runs its loop."""
    return JSONResponse({"ok": True}, headers={"Cache-Control": "no-store"})


class Remembered:
    """The last look at what is needed."""

    def __init__(self) -> None:
        self._checks: list[Check] = []
        self._looked_s = float("-inf")

    async def answer(self, _: Request) -> JSONResponse:
        """200 when all is there, 503 when anything is not; `{"ok", "checks": [{"name", "ok", "message"}]}`."""
        if time.monotonic() - self._looked_s > REMEMBERED_S:
            self._checks, self._looked_s = await look(), time.monotonic()
        ok = all(check.ok for check in self._checks)
        body = {"ok": ok, "checks": [asdict(check) for check in self._checks]}
        return JSONResponse(body, 200 if ok else 503, {"Cache-Control": "no-store"})


async def look(timeout_s: float = CHECK_TIMEOUT_S) -> list[Check]:
    """Look at database, Redis, storage and workers, all at once, each for `timeout_s` seconds at most."""
    return list(await asyncio.gather(*(_check(name, check, timeout_s) for name, check in CHECKS.items())))


async def _check(name: str, check: Callable[[], Awaitable[str]], timeout_s: float) -> Check:
    try:
        async with asyncio.timeout(timeout_s):
            return Check(name, True, await check())
    except TimeoutError:
        return Check(name, False, f"No answer within {timeout_s:g} s.")
    except Missing as error:
        return Check(name, False, str(error))
    except (*REDIS_ERRORS, StorageRefused, asyncpg.PostgresError, *DATABASE_ERRORS) as error:
        # The class alone: addresses and credentials may stand in the message, and anybody may ask.
        return Check(name, False, f"Does not work: {type(error).__name__}. See `pixcrawler doctor`.")


async def _database() -> str:
    async with acquire() as connection:
        if await connection.fetchval("select to_regclass('crawl_jobs')") is None:
            raise Missing(UNMIGRATED)
    return "Answers, with its tables."


async def _redis() -> str:
    await redis().ping()
    return "Answers."


async def _storage() -> str:
    await storage().check()
    return "Takes and gives bytes."


async def _workers() -> str:
    workers = await live_workers()
    if not workers:
        raise Missing("No worker lives: start one with `pixcrawler worker`.")
    return f"{len(workers)} alive."


CHECKS = {"database": _database, "redis": _redis, "storage": _storage, "workers": _workers}
