"""`doctor`: what is wrong with the services that the settings name, and what to do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import NoReturn

import click
import orjson
from pydantic import ValidationError
from redis.exceptions import RedisError

from app import database, queue, storage
from app.auth import check_configuration
from app.commands import services
from app.commands.failures import masked, setting_faults
from app.embedded import EmbeddedFailed
from app.errors import Invalid, StorageRefused
from app.settings import Settings, settings
from app.sources.registry import source_infos

OLDEST_POSTGRES = 14
OLDEST_REDIS = (6, 2)
PATIENCE_S = 10.0
"""How long one check may take."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `message` says what was found and, where it is wrong, what to do."""

    name: str
    ok: bool
    message: str


class Unwell(Exception):
    """What is wrong, and what to do."""


def run(*, as_json: bool) -> None:
    """Prints every check; exits 1 where one failed."""
    try:
        settings()
    except ValidationError as error:
        _show(None, [Check("settings", False, " ".join(setting_faults(error)))], as_json=as_json)
    try:
        with services.running() as found:
            _show(found, asyncio.run(_examined(found)), as_json=as_json)
    except EmbeddedFailed as error:
        _show(settings(), [Check("database", False, str(error))], as_json=as_json)


def _show(found: Settings | None, checks: list[Check], *, as_json: bool) -> NoReturn:
    ok = all(check.ok for check in checks)
    urls = {
        name: masked(getattr(found, name)) if found else "" for name in ("database_url", "redis_url", "storage_url")
    }
    if as_json:
        click.echo(orjson.dumps({"ok": ok, **urls, "checks": [asdict(check) for check in checks]}))
    else:
        for name, url in urls.items():
            click.echo(f"       {name:<12} {url}")
        for check in checks:
            click.echo(f"{'ok    ' if check.ok else 'FAILED'} {check.name:<12} {check.message}")
    sys.exit(0 if ok else 1)


async def _examined(found: Settings) -> list[Check]:
    looks: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "settings": _settings,
        "database": _database,
        "redis": _redis,
        "storage": _storage,
        "workers": _workers,
    }
    try:
        checks = [await _look(name, look, found) for name, look in looks.items()]
    finally:
        await queue.close()
    return checks + _sources(found)


async def _look(name: str, look: Callable[[Settings], Awaitable[str]], found: Settings) -> Check:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return Check(name, True, await look(found))
    except Unwell as error:
        return Check(name, False, str(error))
    except TimeoutError:
        return Check(name, False, f"no answer within {PATIENCE_S:.0f} s: is it overloaded, or the address wrong?")


async def _settings(found: Settings) -> str:
    try:
        check_configuration(found)
    except Invalid as error:
        raise Unwell(str(error)) from error
    return "all valid"


async def _database(found: Settings) -> str:
    try:
        async with database.connected(role="doctor"), database.acquire() as connection:
            version = connection.get_server_version()
            migrated = await connection.fetchval("select to_regclass('images') is not null")
    except (*database.DATABASE_ERRORS, ValueError) as error:
        raise Unwell(f"does not answer ({error}): is it running, and DATABASE_URL right?") from error
    if version.major < OLDEST_POSTGRES:
        raise Unwell(f"PostgreSQL {version.major} is too old: use {OLDEST_POSTGRES} or newer.")
    if not migrated:
        raise Unwell("has no tables yet: run `./pixcrawler migrate`.")
    return f"PostgreSQL {version.major}.{version.minor}"


async def _redis(found: Settings) -> str:
    try:
        about = await queue.redis().info("server")
        memory = await queue.redis().info("memory")
    except (RedisError, OSError, ValueError) as error:
        raise Unwell(f"does not answer ({error}): is it running, and REDIS_URL right?") from error
    version = str(about["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        raise Unwell(f"Redis {version} is too old: use {'.'.join(map(str, OLDEST_REDIS))} or newer, or Valkey.")
    if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
        raise Unwell(f"may drop hints ({memory['maxmemory_policy']}): set maxmemory-policy noeviction.")
    return f"{about.get('server_name', 'redis')} {about.get('valkey_version', version)}"


async def _storage(found: Settings) -> str:
    try:
        await storage.storage().check()
    except (StorageRefused, ValueError) as error:
        raise Unwell(f"does not take or give bytes ({error}): look at STORAGE_URL and its credentials.") from error
    return "takes and gives bytes"


async def _workers(found: Settings) -> str:
    try:
        names = await queue.live_workers()
    except (RedisError, OSError, ValueError) as error:
        raise Unwell("cannot be counted while Redis does not answer.") from error
    if not names:
        raise Unwell("none lives: start one with `./pixcrawler up` or `./pixcrawler worker`.")
    return f"{len(names)} live"


def _sources(found: Settings) -> list[Check]:
    """One line a source; one that is off for want of a key is not wrong."""
    return [
        Check(f"source {info.name}", True, "on" if info.available else f"off: {info.reason}")
        for info in source_infos(found)
    ]
