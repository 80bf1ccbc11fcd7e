"""How often one may ask: a user, and an address; what is told of it; and that a lost Redis limits nobody."""

from __future__ import annotations

import asyncio
import contextlib
import socket as stdlib_socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from redis.exceptions import ConnectionError as RedisAway

from app import queue
from app.errors import RateLimited
from app.rates import BURST_S, Rates, ask_redis
from tests.reading.served import made, serving, socket, subscribe
from tests.reading.world import World
from tests.support.configured import configured
from tests.support.service import running_api

QUERY = {"query": "{ __typename }"}
USER = uuid.UUID(int=1)


@pytest_asyncio.fixture(autouse=True)
async def empty_redis(database: str) -> AsyncIterator[None]:
    """Full buckets for every test."""
    await queue.redis().flushdb()
    yield
    await queue.redis().flushdb()


@contextlib.contextmanager
def limited(user: int = 0, address: int = 0) -> Iterator[None]:
    """A service with these limits."""
    with configured(PIXCRAWLER_RATE_PER_USER=str(user), PIXCRAWLER_RATE_PER_ADDRESS=str(address)):
        yield


async def drained(*rates: Rates) -> int:
    """How many requests of a user the processes took, in turn, until one refused."""
    taken = 0
    with contextlib.suppress(RateLimited):
        while True:
            await rates[taken % len(rates)].user(USER)
            taken += 1
    return taken


async def asked(client: aiohttp.ClientSession, token: str) -> tuple[int, str, Any]:
    """The status, the Retry-After and the body of one request's answer."""
    async with client.post("/graphql", json=QUERY, headers={"Authorization": f"Bearer {token}"}) as response:
        return response.status, response.headers.get("retry-after", ""), await response.json()


async def until_limited(client: aiohttp.ClientSession, token: str) -> tuple[list[int], str, Any]:
    """The statuses before the first request that is one too many, and what that one is told; tokens come meanwhile."""
    found: list[int] = []
    while True:
        status, retry_after, body = await asked(client, token)
        if status == 429:
            return found, retry_after, body
        found.append(status)
        assert len(found) < 10 * BURST_S


async def test_who_asks_too_often_is_told_when_to_ask_again(rows: World) -> None:
    with limited(user=1):
        async with serving(made()) as client:
            found, retry_after, body = await until_limited(client, "owner")
            assert set(found) == {200}
            assert len(found) >= BURST_S
            assert retry_after == "1"
            (error,) = body["errors"]
            assert error["extensions"] == {"code": "RATE_LIMITED", "limit": "1/s", "retryAfter": 1}
            # Another is not the one who asked too often.
            assert (await asked(client, "stranger"))[0] == 200


async def test_an_address_is_limited_whoever_asks_and_before_they_are_known(rows: World) -> None:
    with limited(address=1):
        async with serving(made()) as client:
            found, _, _ = await until_limited(client, "nobody")
            assert set(found) == {401}
            assert len(found) >= BURST_S


async def test_a_websocket_counts_like_a_request(rows: World) -> None:
    with limited(user=1):
        async with serving(made()) as client, socket(client) as ws:
            for _ in range(10 * BURST_S):
                message = (await subscribe(ws, "{ __typename }"))[-1]
                if message["type"] == "error":
                    break
            assert message["payload"][0]["extensions"] == {"code": "RATE_LIMITED", "limit": "1/s", "retryAfter": 1}


async def test_websockets_of_an_address_count_like_its_requests_and_the_refusal_says_when_to_come_again(
    rows: World,
) -> None:
    with limited(address=1):
        async with serving(made()) as client:
            for _ in range(10 * BURST_S):
                try:
                    async with socket(client):
                        pass
                except aiohttp.WSServerHandshakeError as error:
                    refusal = error
                    break
            assert refusal.status == 429
            assert refusal.headers is not None
            assert refusal.headers["Retry-After"] == "1"
            # An address has one bucket for both.
            status, retry_after, body = await asked(client, "owner")
            assert (status, retry_after) == (429, "1")
            assert body["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_no_limit_is_met_in_normal_use_and_health_has_none(database: str) -> None:
    async with running_api() as url, aiohttp.ClientSession(url) as client:
        for _ in range(50):
            async with client.post("/graphql", json=QUERY) as response:
                assert response.status == 401
    with limited(address=1):
        async with running_api() as url, aiohttp.ClientSession(url) as client:
            for _ in range(2 * BURST_S):
                async with client.get("/healthz") as response:
                    assert response.status == 200
            assert set((await until_limited(client, "nobody"))[0]) == {401}


async def test_processes_share_a_bucket(database: str) -> None:
    rates = [Rates(4, 0, ask_redis) for _ in range(3)]
    taken = await drained(*rates)
    assert 4 * BURST_S <= taken < 2 * 4 * BURST_S  # some came in meanwhile


async def test_a_bucket_fills_again(database: str) -> None:
    rates = Rates(20, 0, ask_redis)
    await drained(rates)
    async with asyncio.timeout(5):
        while True:
            try:
                await rates.user(USER)
                break
            except RateLimited:
                await asyncio.sleep(0.01)


async def test_redis_is_asked_for_one_request_in_many() -> None:
    asked = 0

    async def ask(key: str, rate: int) -> tuple[int, float]:
        nonlocal asked
        asked += 1
        return 25, 0.0

    rates = Rates(100, 0, ask)
    for _ in range(100):
        await rates.user(USER)
    assert asked == 4


async def test_who_is_refused_costs_redis_nothing_until_there_is_a_token() -> None:
    asked = 0

    async def ask(key: str, rate: int) -> tuple[int, float]:
        nonlocal asked
        asked += 1
        return 0, 60.0

    rates = Rates(1, 0, ask)
    for _ in range(10):
        with pytest.raises(RateLimited) as refused:
            await rates.user(USER)
    assert asked == 1
    assert refused.value.retry_after_s == 60


@pytest.mark.parametrize("error", [RedisAway("refused"), TimeoutError(), OSError("no such socket")])
async def test_a_lost_redis_limits_nobody_and_is_logged_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    asked, logged = 0, []
    clock = time.monotonic()

    async def ask(key: str, rate: int) -> tuple[int, float]:
        nonlocal asked
        asked += 1
        raise error

    monkeypatch.setattr("app.rates.log.warning", lambda event, **_: logged.append(event))
    monkeypatch.setattr("app.rates.time.monotonic", lambda: clock)
    rates = Rates(1, 1, ask)
    for _ in range(100):
        await rates.user(USER)
        await rates.address("192.0.2.1")
    assert (asked, logged) == (1, ["rate_limits_off"])
    clock += 60
    await rates.user(USER)
    assert (asked, logged) == (2, ["rate_limits_off"])


async def test_a_redis_that_does_not_answer_holds_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.rates.ASK_S", 0.01)
    silent = stdlib_socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
    port = silent.getsockname()[1]
    monkeypatch.setattr("app.rates.log.warning", lambda *_, **__: None)
    await queue.close()
    with configured(REDIS_URL=f"redis://127.0.0.1:{port}/0"):
        rates = Rates(1, 0, ask_redis)
        for _ in range(50):
            await rates.user(USER)
        await queue.close()
    silent.close()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8:0:0:ffff::9", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("not:an:address", "not:an:address", True),
    ],
)
async def test_an_address_is_one_of_version_four_or_a_network_of_version_six(one: str, other: str, same: bool) -> None:
    keys: list[Any] = []

    async def ask(key: str, rate: int) -> tuple[int, float]:
        keys.append(key)
        return 1, 0.0

    rates = Rates(0, 1, ask)
    await rates.address(one)
    await rates.address(other)
    assert (len(set(keys)) == 1) is same


async def test_an_address_of_this_machine_that_has_none_is_not_limited() -> None:
    async def ask(key: str, rate: int) -> tuple[int, float]:
        return 0, 1.0

    for _ in range(3):
        await Rates(0, 1, ask).address(None)
