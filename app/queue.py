"""Hints to workers: what might be due, by id. The only module that imports arq's client.

A hint may be lost, doubled or late: workers ask the database what is due, every second or so without
any hint. Nothing is ever known here that the database does not know.
"""

from __future__ import annotations

import asyncio
import functools
import time
from dataclasses import dataclass
from typing import Any

import orjson
from arq.connections import ArqRedis, RedisSettings
from redis.asyncio import BlockingConnectionPool, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from app.log import log
from app.settings import settings

CRAWL_QUEUE = "pixcrawler:crawl"
CHUNK_QUEUE = "pixcrawler:chunk"
"""Apart from the crawl queue: a worker full of chunks still hears of discoveries."""
EXPORT_QUEUE = "pixcrawler:export"
QUEUES = (CRAWL_QUEUE, CHUNK_QUEUE, EXPORT_QUEUE)
HINT_TTL_S = 60
"""A hint that waited longer is worthless: whoever has a free place has asked the database since."""
HINT_AGAIN_S = 15
"""Within this time an equal hint is one hint: duplicates of a long queue are bounded. Never longer than half a lease:
the hint of a killed worker's task lies in Redis still when its lease has run out, and must not stand for a new one."""
REDIS_TIMEOUT_S = 2
REDIS_ERRORS = (RedisError, OSError, TimeoutError, RuntimeError)
"""What a Redis that is away raises. The RuntimeError is uvloop's, for a write to a connection that was just reset."""
WORKER_KEY = "pixcrawler:worker:"
"""Prefix of the keys, with a TTL, by which live workers are known."""


@dataclass(frozen=True, slots=True)
class Discover:
    """A crawl job may want candidates."""

    crawl_job_id: int


@dataclass(frozen=True, slots=True)
class FetchChunk:
    """A chunk may have pending rows and no lease."""

    crawl_job_id: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Validate:
    """A validation job may be due."""

    validation_job_id: int


@dataclass(frozen=True, slots=True)
class Export:
    """An export job may be due."""

    export_job_id: int


Hint = Discover | FetchChunk | Validate | Export


def _task_of(hint: Hint) -> tuple[str, str, tuple[int, ...]]:
    """The queue, the worker function and its arguments."""
    match hint:
        case Discover(job):
            return CRAWL_QUEUE, "discover", (job,)
        case FetchChunk(job, chunk):
            return CHUNK_QUEUE, "fetch_chunk", (job, chunk)
        case Validate(job):
            return EXPORT_QUEUE, "validate", (job,)
        case Export(job):
            return EXPORT_QUEUE, "export", (job,)


def redis_settings() -> RedisSettings:
    """arq's settings of `REDIS_URL`, with short timeouts: a Redis that is away must not hold a request."""
    found = RedisSettings.from_dsn(settings().redis_url)
    found.conn_timeout = REDIS_TIMEOUT_S
    found.conn_retries = 1
    return found


def to_json(value: dict[str, Any]) -> bytes:
    """arq's serializer: data only, so that what lies in Redis can name no code."""
    return orjson.dumps(value, default=str)


def from_json(data: bytes) -> dict[str, Any]:
    """arq's deserializer."""
    return dict(orjson.loads(data))


@functools.cache
def redis() -> ArqRedis:
    """The process's Redis client: opened on first use, reconnecting by itself."""
    return ArqRedis(pool_or_conn=_pool(), job_serializer=to_json, job_deserializer=from_json)


class _Cancellable(AbstractConnection):
    """A connection whose sending can be cancelled at any moment.

    redis-py sends through `asyncio.wait_for`, which on Python 3.11 drops a cancellation that arrives as the sending
    ends: a task that is cancelled once, as tasks of a group are, would go on for ever.
    """

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send within `socket_timeout` seconds."""
        limit_s, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(limit_s):
                await super().send_packed_command(command, check_health)
        finally:
            self.socket_timeout = limit_s


def _pool() -> BlockingConnectionPool:
    pool = _plain_pool()
    plain = pool.connection_class
    pool.connection_class = type(f"Cancellable{plain.__name__}", (_Cancellable, plain), {})
    return pool


def _plain_pool() -> BlockingConnectionPool:
    found = redis_settings()
    wire: dict[str, Any] = {
        "db": found.database,
        "username": found.username,
        "password": found.password,
        "socket_timeout": REDIS_TIMEOUT_S,
        "socket_connect_timeout": REDIS_TIMEOUT_S,
    }
    if found.unix_socket_path:
        wire |= {"connection_class": UnixDomainSocketConnection, "path": found.unix_socket_path}
        del wire["socket_connect_timeout"]
        return BlockingConnectionPool(max_connections=16, timeout=REDIS_TIMEOUT_S, **wire)
    return BlockingConnectionPool.from_url(settings().redis_url, max_connections=16, timeout=REDIS_TIMEOUT_S, **wire)


async def close() -> None:
    """Close the process's Redis client, if it was opened."""
    if redis.cache_info().currsize:
        await redis().aclose(close_connection_pool=True)
        redis.cache_clear()


async def hint(what: Hint) -> bool:
    """Tell the workers; False where Redis did not take it, which costs a delay and is only logged."""
    queue, function, arguments = _task_of(what)
    again_s = min(HINT_AGAIN_S, settings().lease_s / 2)
    name = ":".join([function, *map(str, arguments), str(int(time.time() // again_s))])
    try:
        await redis().enqueue_job(function, *arguments, _job_id=name, _queue_name=queue, _expires=HINT_TTL_S)
    except REDIS_ERRORS as error:
        log.warning("hint_lost", hint=name, error=str(error))
        return False
    return True


async def queue_depth() -> dict[str, tuple[int, float]]:
    """Per queue: hints that wait, and the age of the oldest in seconds."""
    found: dict[str, tuple[int, float]] = {}
    for queue in QUEUES:
        depth = int(await redis().zcard(queue))
        oldest = await redis().zrange(queue, 0, 0, withscores=True)
        age_s = time.time() - oldest[0][1] / 1000 if oldest else 0.0
        found[queue] = (depth, max(0.0, age_s))
    return found


async def mark_worker(name: str, ttl_s: int) -> None:
    """Say that the worker `name` lives for another `ttl_s` seconds."""
    await redis().set(WORKER_KEY + name, int(time.time()), ex=ttl_s)


async def live_workers() -> list[str]:
    """The names of the workers that live."""
    keys = [key async for key in redis().scan_iter(match=WORKER_KEY + "*", count=200)]
    return sorted((key.decode() if isinstance(key, bytes) else key).removeprefix(WORKER_KEY) for key in keys)
