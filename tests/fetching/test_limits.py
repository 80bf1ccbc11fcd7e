"""What is promised about limits holds: of a host, of the process, of memory, of time; and stopping stops."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from app.errors import StorageRefused
from app.fetching.politeness import Politeness
from app.values import Fetched, Outcome, Pending, RefusalCode, Refused
from tests.fetching.support import Shelf, fetch_all, pipeline, until
from tests.stand_ins import misbehaving as host_of
from tests.stand_ins.misbehaving import MisbehavingHost, image, redirect, status
from tests.stand_ins.pictures import jpeg, noisy_jpeg

PHOTO = jpeg(320, 240)


async def test_a_host_that_asks_for_a_pause_gets_it_and_no_other_host_waits() -> None:
    busy = {f"/{number}": host_of.after(1, status(429, "Retry-After: 1"), image(PHOTO)) for number in range(3)}
    async with (
        MisbehavingHost(busy) as first,
        MisbehavingHost({"/*": image(PHOTO)}, address="127.0.0.2") as other,
        pipeline() as made,
    ):
        started_s = time.monotonic()
        done: dict[str, float] = {}
        urls = [first.url(path) for path in busy] + [other.url(f"/{number}") for number in range(5)]
        async for outcome in made.fetch(Pending(place, url) for place, url in enumerate(urls)):
            assert isinstance(outcome, Fetched)
            done[outcome.url] = time.monotonic() - started_s
        await fetch_all(made, [first.url("/0")])
    assert max(done[url] for url in urls[3:]) < 0.8
    assert min(done[url] for url in urls[:3]) >= 1.0
    gaps = [later - earlier for earlier, later in zip(first.started_at[:3], first.started_at[3:6], strict=True)]
    assert min(gaps) >= 0.95


async def test_a_pause_longer_than_the_deadline_is_a_reason_and_is_not_waited_for() -> None:
    async with MisbehavingHost({"/*": status(503, "Retry-After: 120")}) as host, pipeline() as made:
        started_s = time.monotonic()
        await fetch_all(made, [host.url("/first")])
        found = await fetch_all(made, [host.url(f"/{number}") for number in range(20)])
        assert time.monotonic() - started_s < 2
        assert host.log == ["/first"]
    assert {outcome.issue.limit for outcome in found if isinstance(outcome, Refused)} == {"5 s"}


async def test_a_silent_host_does_not_hold_a_chunk() -> None:
    """500 URLs of a host that swallows requests would take 500 deadlines, eight at a time."""
    async with (
        MisbehavingHost({"/*": host_of.silence}) as host,
        pipeline(fetch_timeout_s=0.4, host_connections=4) as made,
    ):
        started_s = time.monotonic()
        found = await fetch_all(made, [host.url(f"/{number}") for number in range(100)])
        assert time.monotonic() - started_s < 4
    codes = [outcome.issue.code for outcome in found if isinstance(outcome, Refused)]
    assert set(codes) == {RefusalCode.TIMEOUT, RefusalCode.CONNECT_FAILED}
    assert len(codes) == 100


async def test_no_host_sees_more_connections_than_its_budget_nor_a_smaller_gap() -> None:
    gate = asyncio.Event()
    async with MisbehavingHost({"/*": host_of.held(gate, image(PHOTO))}) as host, pipeline(host_connections=3) as made:
        chunks = [
            asyncio.create_task(fetch_all(made, [host.url(f"/{chunk}-{place}") for place in range(15)]))
            for chunk in range(3)
        ]
        await until(lambda: host.under_way == 3)
        gate.set()
        found = [outcome for chunk in chunks for outcome in await chunk]
        assert all(isinstance(outcome, Fetched) for outcome in found)
        assert (host.peak, len(host.log)) == (3, 45)
    async with MisbehavingHost({"/*": image(PHOTO)}) as host, pipeline(host_gap_ms=50) as made:
        await fetch_all(made, [host.url(f"/{place}") for place in range(6)])
        assert host.started_at[-1] - host.started_at[0] > 0.2  # five gaps of 50 ms, less what the first was late


async def test_one_limit_of_connections_holds_over_all_calls_and_hosts() -> None:
    gate = asyncio.Event()
    behaviors = {"/*": host_of.held(gate, image(PHOTO))}
    async with contextlib.AsyncExitStack() as stack:
        hosts = [
            await stack.enter_async_context(MisbehavingHost(behaviors, f"127.0.0.{number}")) for number in (1, 2, 3)
        ]
        made = await stack.enter_async_context(pipeline(fetch_connections=5))
        calls = [asyncio.create_task(fetch_all(made, [host.url(f"/{place}") for place in range(10)])) for host in hosts]
        await until(lambda: sum(host.under_way for host in hosts) == 5)
        gate.set()
        for call in calls:
            assert all(isinstance(outcome, Fetched) for outcome in await call)
        assert sum(len(host.log) for host in hosts) == 30


async def test_redirects_between_two_full_hosts_do_not_lock() -> None:
    async with MisbehavingHost({"/*": image(PHOTO)}) as one, MisbehavingHost({}, "127.0.0.2") as other:
        one.behaviors |= {"/away/*": redirect(other.url("/stay/x"))}
        other.behaviors |= {"/away/*": redirect(one.url("/stay/x")), "/stay/*": image(PHOTO)}
        one.behaviors["/stay/*"] = image(PHOTO)
        async with pipeline(fetch_connections=2, host_connections=1) as made:
            urls = [host.url(f"/away/{place}") for place in range(10) for host in (one, other)]
            async with asyncio.timeout(10):
                assert all(isinstance(outcome, Fetched) for outcome in await fetch_all(made, urls))


@pytest.mark.parametrize("known", [True, False], ids=["Content-Length", "chunked"])
async def test_the_bytes_in_memory_never_exceed_their_budget(known: bool) -> None:
    shelf = Shelf()
    files = {f"/{number}": noisy_jpeg(900, 700, number) for number in range(12)}
    budget = max(map(len, files.values())) * 2 + 300_000
    behaviors = {path: (image if known else host_of.chunked)(data) for path, data in files.items()}
    values = {"fetch_bytes_in_flight": budget, "fetch_max_bytes": budget // 2}
    async with MisbehavingHost(behaviors) as host, pipeline(shelf, **values) as made:
        async with asyncio.timeout(20):
            found = await fetch_all(made, [host.url(path) for path in files])
        assert all(isinstance(outcome, Fetched) for outcome in found), found
        assert 0 < made.budget.peak <= budget
        assert made.budget.used == 0
    assert sorted(shelf.blobs.values()) == sorted(files.values())


async def test_a_refusal_by_storage_ends_the_whole_and_is_no_fault_of_the_image() -> None:
    class FullShelf(Shelf):
        async def put(self, key: str, data: bytes) -> None:
            raise StorageRefused("The disk is full.")

    async with MisbehavingHost({"/*": image(PHOTO)}) as host, pipeline(FullShelf()) as made:
        with pytest.raises(StorageRefused, match="The disk is full"):
            await fetch_all(made, [host.url(f"/{number}") for number in range(50)])
        assert made.budget.used == 0


async def test_outcomes_come_as_they_are_and_cancelling_ends_at_once() -> None:
    async with (
        MisbehavingHost({"/fast/*": image(PHOTO), "/slow/*": host_of.silence}) as host,
        pipeline(fetch_timeout_s=60.0) as made,
    ):
        seen: list[Outcome] = []

        async def work() -> None:
            paths = [f"/fast/{place}" for place in range(10)] + [f"/slow/{place}" for place in range(40)]
            pending = [Pending(place, host.url(path)) for place, path in enumerate(paths)]
            async with contextlib.aclosing(made.fetch(pending)) as outcomes:
                async for outcome in outcomes:
                    seen.append(outcome)

        task = asyncio.create_task(work())
        await until(lambda: len(seen) == 10 and host.under_way == 22 + 10)
        started_s = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started_s < 0.5
        assert made.budget.used == 0
        assert not [one for one in asyncio.all_tasks() if "fetch_one" in repr(one.get_coro())]
        assert isinstance((await fetch_all(made, [host.url("/fast/again")]))[0], Fetched)


async def test_a_silent_host_is_asked_again_later() -> None:
    now = [0.0]
    politeness = Politeness(connections=1, clock=lambda: now[0])
    for _ in range(12):
        politeness.unanswered("dead.example")
    with pytest.raises(Exception, match="12"):
        async with politeness.visit("DEAD.example.", 1.0):
            pass
    now[0] += 31
    async with politeness.visit("dead.example", 1.0) as waited_s:
        assert waited_s == 0
