"""Every URL ends as stored bytes or as a reason, whatever the host does; and what is promised about limits holds."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from app.errors import StorageRefused
from app.fetching.client import open_client
from app.fetching.pipeline import Pipeline, storage_key
from app.fetching.politeness import Politeness
from app.settings import Settings
from app.values import Fetched, Issue, Outcome, Pending, RefusalCode, Refused
from tests.stand_ins import misbehaving as host_of
from tests.stand_ins.certificates import unknown_certificate
from tests.stand_ins.misbehaving import Behavior, MisbehavingHost, image, redirect, status
from tests.stand_ins.pictures import encoded, jpeg, noisy_jpeg, picture

PHOTO = jpeg(320, 240)
WHOLE = noisy_jpeg()


def settings(**values: Any) -> Settings:
    usual: dict[str, Any] = {"allow_addresses": "127.0.0.0/8", "fetch_timeout_s": 5.0, "host_connections": 32}
    return Settings(**(usual | values))


class Shelf:
    """Storage in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> None:
        self.blobs[key] = data


@contextlib.asynccontextmanager
async def pipeline(shelf: Shelf | None = None, **values: Any) -> AsyncIterator[Pipeline]:
    found = settings(**values)
    async with open_client(found) as client:
        made = Pipeline(client, found, (shelf or Shelf()).put)
        try:
            yield made
        finally:
            made.close()


async def fetch_all(made: Pipeline, urls: list[str]) -> list[Outcome]:
    found = [outcome async for outcome in made.fetch(Pending(place, url) for place, url in enumerate(urls))]
    return sorted(found, key=lambda outcome: outcome.image_id)


async def fetch(behavior: Behavior, **values: Any) -> Outcome:
    async with MisbehavingHost({"/image": behavior}) as host, pipeline(**values) as made:
        return (await fetch_all(made, [host.url("/image")]))[0]


async def reason(behavior: Behavior, **values: Any) -> Issue:
    outcome = await fetch(behavior, **values)
    assert isinstance(outcome, Refused), outcome
    assert outcome.issue.message
    return outcome.issue


async def test_an_image_is_stored_under_its_digest_and_measured() -> None:
    shelf = Shelf()
    async with MisbehavingHost({"/cat.png": image(PHOTO, kind="image/png")}) as host, pipeline(shelf) as made:
        outcome = (await fetch_all(made, [host.url("/cat.png")]))[0]
    assert isinstance(outcome, Fetched)
    digest = hashlib.sha256(PHOTO)
    assert (outcome.sha256, outcome.file_size) == (digest.digest(), len(PHOTO))
    assert (outcome.measures.width, outcome.measures.height, outcome.measures.format) == (320, 240, "jpeg")
    name = digest.hexdigest()
    assert outcome.storage_key == f"images/{name[:2]}/{name[2:4]}/{name}.jpg"
    assert shelf.blobs == {outcome.storage_key: PHOTO}


def test_the_extension_is_the_contents() -> None:
    assert storage_key(bytes(32), "avif") == f"images/00/00/{'0' * 64}.avif"


@pytest.mark.parametrize(
    "behavior",
    [
        image(PHOTO, kind="text/html"),
        image(gzip.compress(PHOTO), "Content-Encoding: gzip"),
        host_of.chunked(PHOTO),
        host_of.after(1, redirect("image"), image(PHOTO)),
        host_of.after(2, status(500), image(PHOTO)),
        host_of.after(1, status(503, "Retry-After: 1"), image(PHOTO)),
        host_of.after(1, status(429), image(PHOTO)),
        host_of.after(2, host_of.cut_body(PHOTO), image(PHOTO)),
        host_of.after(2, host_of.reset, image(PHOTO)),
        host_of.drip(PHOTO[:400] + PHOTO[400:], 0.0),
    ],
    ids=["wrong type", "gzip", "chunked", "redirect", "500s", "503", "429", "cut bodies", "resets", "drip"],
)
async def test_what_passes_by_itself_or_does_no_harm_gives_the_image(behavior: Behavior) -> None:
    outcome = await fetch(behavior)
    assert isinstance(outcome, Fetched), outcome


@pytest.mark.parametrize(
    ("behavior", "code", "measured"),
    [
        (status(404), RefusalCode.HTTP_STATUS, "404"),
        (status(403), RefusalCode.HTTP_STATUS, "403"),
        (status(410), RefusalCode.HTTP_STATUS, "410"),
        (status(500), RefusalCode.HTTP_STATUS, "500"),
        (status(503, "Retry-After: 3600"), RefusalCode.HTTP_STATUS, "503"),
        (status(429), RefusalCode.HTTP_STATUS, "429"),
        (status(304), RefusalCode.HTTP_STATUS, "304"),
        (image(b""), RefusalCode.EMPTY, "0 bytes"),
        (status(204), RefusalCode.EMPTY, "0 bytes"),
        (image(b"<html>Please sign in</html>"), RefusalCode.NOT_AN_IMAGE, "HTML"),
        (image(encoded(picture(32, 32), "ICO")), RefusalCode.UNSUPPORTED_FORMAT, "icon"),
        (image(WHOLE[: len(WHOLE) * 2 // 3]), RefusalCode.TRUNCATED, None),
        (host_of.cut_body(WHOLE), RefusalCode.TRUNCATED, None),
        (image(WHOLE[:30_000] + bytes(9_000) + WHOLE[39_000:]), RefusalCode.CORRUPT, None),
        (image(PHOTO, "X-Robots-Tag: noarchive, NoImageAI"), RefusalCode.OPT_OUT, "X-Robots-Tag: noimageai"),
        (image(PHOTO, "TDM-Reservation: 1"), RefusalCode.OPT_OUT, "tdm-reservation: 1"),
        (redirect("/image"), RefusalCode.TOO_MANY_REDIRECTS, "more than 5 redirects"),
        (redirect("ftp://example.com/"), RefusalCode.BAD_URL, None),
        (host_of.reset, RefusalCode.CONNECT_FAILED, None),
        (host_of.nonsense, RefusalCode.CONNECT_FAILED, None),
    ],
)
async def test_each_fault_has_its_reason(behavior: Behavior, code: RefusalCode, measured: str | None) -> None:
    issue = await reason(behavior)
    assert issue.code is code
    assert issue.measured == measured or (measured is None and code is not RefusalCode.HTTP_STATUS)


async def test_a_reason_tells_the_limit() -> None:
    big = await reason(image(PHOTO), fetch_max_bytes=1_000)
    assert (big.code, big.measured, big.limit) == (RefusalCode.TOO_LARGE, f"{len(PHOTO):,} bytes", "1,000 bytes")
    endless = await reason(host_of.endless, fetch_max_bytes=2**20)
    assert (endless.code, endless.measured, endless.limit) == (RefusalCode.TOO_LARGE, "more than 1 MB", "1 MB")
    pixels = await reason(image(PHOTO), fetch_max_pixels=10_000)
    assert (pixels.code, pixels.limit) == (RefusalCode.TOO_MANY_PIXELS, "10,000 pixels")


@pytest.mark.parametrize("behavior", [host_of.silence, host_of.drip(PHOTO, 0.02)], ids=["silent", "dripping"])
async def test_no_host_holds_an_image_longer_than_its_deadline(behavior: Behavior) -> None:
    started_s = time.monotonic()
    issue = await reason(behavior, fetch_timeout_s=0.5)
    assert time.monotonic() - started_s < 1.5
    assert (issue.code, issue.limit) == (RefusalCode.TIMEOUT, "0.5 s")


async def test_names_ports_and_certificates_that_do_not_hold_have_their_reasons() -> None:
    async with MisbehavingHost({}) as closed:
        pass
    async with MisbehavingHost({"/x": image(PHOTO)}, tls=unknown_certificate()) as host, pipeline() as made:
        found = await fetch_all(made, ["http://no-such-host.invalid/x", closed.url("/x"), host.url("/x")])
    reasons = [outcome.issue.code for outcome in found if isinstance(outcome, Refused)]
    assert reasons == [RefusalCode.DNS_FAILURE, RefusalCode.CONNECT_FAILED, RefusalCode.TLS_FAILED]


async def test_opt_outs_bind_us_only_if_they_are_meant_for_us_and_the_setting_says_so() -> None:
    for line in (
        "X-Robots-Tag: otherbot: noai, noindex",
        "X-Robots-Tag: max-image-preview: none",
        "TDM-Reservation: 0",
    ):
        assert isinstance(await fetch(image(PHOTO, line)), Fetched)
    assert (await reason(image(PHOTO, "X-Robots-Tag: PixCrawler: none"))).code is RefusalCode.OPT_OUT
    assert isinstance(await fetch(image(PHOTO, "X-Robots-Tag: noai"), respect_opt_outs=False), Fetched)


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


async def until(condition: Callable[[], bool], deadline_s: float = 5.0) -> None:
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.01)
