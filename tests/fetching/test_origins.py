"""What hosts forbid or reserve is not asked for or not taken: their own logs say so."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from yarl import URL

from app.fetching.client import open_client, resolver_of
from app.fetching.deadline import Deadline
from app.fetching.origins import KEPT_S, ORIGINS_KEPT, Origins, Rules
from app.fetching.politeness import Politeness
from app.fetching.visits import Visits
from app.values import Fetched, Issue, Outcome, RefusalCode, Refused
from tests.fetching.support import fetch_all, pipeline, settings, until
from tests.stand_ins import misbehaving as host_of
from tests.stand_ins.certificates import unknown_certificate
from tests.stand_ins.misbehaving import Behavior, MisbehavingHost, after, held, image, redirect, status
from tests.stand_ins.pictures import jpeg

PHOTO = jpeg(320, 240)
ROBOTS, TDMREP = "/robots.txt", "/.well-known/tdmrep.json"
BOTH = [ROBOTS, TDMREP]


def text(*lines: str) -> Behavior:
    return image("\n".join(lines).encode(), kind="text/plain")


def robots(*lines: str) -> dict[str, Behavior]:
    return {ROBOTS: text("User-agent: *", *lines), "/*": image(PHOTO)}


def reservations(*entries: tuple[str, int]) -> dict[str, Behavior]:
    listed = [{"location": location, "tdm-reservation": value} for location, value in entries]
    return {TDMREP: image(json.dumps(listed).encode(), kind="application/json"), "/*": image(PHOTO)}


async def issues(host: MisbehavingHost, *paths: str, **values: Any) -> list[Issue | None]:
    """What became of each path, by a pipeline of its own; None for what was fetched."""
    async with pipeline(**values) as made:
        return told(await fetch_all(made, [host.url(path) for path in paths]))


def told(found: Sequence[Outcome]) -> list[Issue | None]:
    return [outcome.issue if isinstance(outcome, Refused) else None for outcome in found]


async def test_what_robots_txt_forbids_is_never_asked_for_and_the_file_is_asked_for_once() -> None:
    forbidden = [f"/private/{number}.jpg" for number in range(50)]
    allowed = [f"/{folder}/{number}.jpg" for folder in ("private/press", "free") for number in range(50)]
    files = robots("Disallow: /private", "Allow: /private/press")
    files |= {f"/{folder}/*": image(PHOTO) for folder in ("private", "private/press", "free")}
    async with MisbehavingHost(files) as host, pipeline() as made:
        refused = told(await fetch_all(made, [host.url(path) for path in forbidden]))
        fetched = told(await fetch_all(made, [host.url(path) for path in allowed]))
        assert sorted(host.log) == sorted(allowed)
        assert host.rules_log == BOTH
    assert {(issue.code, issue.measured) for issue in refused if issue} == {
        (RefusalCode.ROBOTS, "robots.txt: Disallow: /private")
    }
    assert (refused.count(None), set(fetched)) == (0, {None})


async def test_each_setting_switches_its_signal_off_alone() -> None:
    files = {
        ROBOTS: text("User-agent: pixcrawler", "Disallow: /robots/", "Content-Usage: /usage/ train-ai=n"),
        TDMREP: reservations(("/tdm/", 1))[TDMREP],
        "/header/*": image(PHOTO, "Content-Usage: search=y, train-ai=n"),
        "/tag/*": image(PHOTO, "X-Robots-Tag: noai"),
    }
    files |= {f"/{name}/*": image(PHOTO) for name in ("robots", "usage", "tdm")}
    signals = {
        "respect_robots": ["/robots/a"],
        "respect_content_usage": ["/usage/a", "/header/a"],
        "respect_tdm": ["/tdm/a"],
        "respect_x_robots_tag": ["/tag/a"],
    }
    paths = [path for those in signals.values() for path in those]
    async with MisbehavingHost(files) as host:
        assert [found.measured for found in await issues(host, *paths) if found] == [
            "robots.txt: Disallow: /robots/",
            "robots.txt: Content-Usage: /usage/ train-ai=n",
            "Content-Usage: train-ai=n",
            "tdmrep.json: /tdm/ tdm-reservation 1",
            "X-Robots-Tag: noai",
        ]
        for name, freed in signals.items():
            found = await issues(host, *paths, **{name: False})
            assert [path for path, issue in zip(paths, found, strict=True) if issue is None] == freed
        host.rules_log.clear()
        assert await issues(host, *paths, **dict.fromkeys(signals, False)) == [None] * 5
        assert host.rules_log == []


async def test_a_signal_against_training_in_robots_txt_is_an_opt_out_and_the_image_not_asked_for() -> None:
    async with MisbehavingHost(robots("Content-Signal: search=yes,ai-train=no", "Allow: /")) as host:
        (found,) = await issues(host, "/a.jpg")
        assert host.log == []
    assert found is not None
    assert (found.code, found.measured) == (RefusalCode.OPT_OUT, "robots.txt: Content-Signal: ai-train=no")


async def test_the_header_about_tdm_beats_the_file_and_its_absence_does_not() -> None:
    files = reservations(("/free/*", 0), ("/", 1)) | {
        "/freed/*": image(PHOTO, "TDM-Reservation: 0"),
        "/odd/*": image(PHOTO, "TDM-Reservation: yes"),
        "/free/*": image(PHOTO, "TDM-Reservation: 1"),
        "/free/quiet/*": image(PHOTO),
    }
    async with MisbehavingHost(files) as host:
        found = await issues(host, "/a.jpg", "/freed/a.jpg", "/odd/a.jpg", "/free/a.jpg", "/free/quiet/a.jpg")
    by_file = "tdmrep.json: / tdm-reservation 1"
    assert [issue and issue.measured for issue in found] == [by_file, None, by_file, "tdm-reservation: 1", None]
    assert {issue.code for issue in found if issue} == {RefusalCode.OPT_OUT}


async def test_a_redirect_is_judged_by_the_rules_of_the_host_that_it_leads_to() -> None:
    async with MisbehavingHost(robots("Disallow: /"), "127.0.0.2") as target:
        async with MisbehavingHost({"/a.jpg": redirect(target.url("/a.jpg"))}) as host:
            (found,) = await issues(host, "/a.jpg")
            assert (host.log, host.rules_log) == (["/a.jpg"], BOTH)
        assert (target.log, target.rules_log) == ([], [ROBOTS])  # its robots.txt forbids the other file, too
    assert found is not None
    assert found.code is RefusalCode.ROBOTS


async def test_what_a_host_reserves_stays_so_where_it_redirects_to_another_unless_the_image_s_header_frees_it() -> None:
    free = {"/*": image(PHOTO), "/freed.jpg": image(PHOTO, "TDM-Reservation: 0")}
    async with MisbehavingHost(free, "127.0.0.2") as target:
        moved = {f"/{name}.jpg": redirect(target.url(f"/{name}.jpg")) for name in ("a", "freed", "b")}
        async with MisbehavingHost(reservations(("/b*", 0), ("/", 1)) | moved) as host:
            found = await issues(host, "/a.jpg", "/freed.jpg", "/b.jpg")
    assert [issue and issue.measured for issue in found] == ["tdmrep.json: / tdm-reservation 1", None, None]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_the_rules_of_a_robots_txt_that_lies_elsewhere_bind_the_host_that_was_asked(code: int) -> None:
    async with MisbehavingHost({"/r": text("User-agent: *", "Disallow: /a")}, "127.0.0.2") as other:
        host = MisbehavingHost({ROBOTS: redirect(other.url("/r"), code), "/*": image(PHOTO)})
        async with host:
            first, second = await issues(host, "/a.jpg", "/b.jpg")
        assert host.log == ["/b.jpg"]
    assert (first and first.code, second) == (RefusalCode.ROBOTS, None)


async def test_five_redirects_lead_to_a_robots_txt_and_six_to_none() -> None:
    chain = {f"/{step}/r": redirect(f"/{step - 1}/r") for step in range(1, 6)}
    chain |= {"/0/r": text("User-agent: *", "Disallow: /a"), "/*": image(PHOTO)}
    async with MisbehavingHost(chain | {ROBOTS: redirect("/4/r")}) as host:
        assert await issues(host, "/a.jpg", fetch_max_redirects=0) != [None]
    async with MisbehavingHost(chain | {ROBOTS: redirect("/5/r")}) as host:
        assert await issues(host, "/a.jpg") == [None]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 429, 451])
async def test_a_host_without_a_robots_txt_allows_everything(code: int) -> None:
    async with MisbehavingHost({ROBOTS: status(code), "/*": image(PHOTO)}) as host:
        assert await issues(host, "/a.jpg") == [None]


@pytest.mark.parametrize(
    ("behavior", "measured"),
    [
        (status(500), "robots.txt: 500"),
        (status(503, "Retry-After: 3600"), "robots.txt: 503"),
        (host_of.silence, "robots.txt: timeout"),
        (host_of.drip(b"User-agent: *\n" * 400, 0.01), "robots.txt: timeout"),
        (host_of.reset, None),
        (host_of.nonsense, None),
        (host_of.cut_body(b"User-agent: *\nAllow: /\n"), None),
    ],
    ids=["500", "503", "silence", "drip", "reset", "nonsense", "cut"],
)
async def test_a_robots_txt_that_cannot_be_had_forbids_everything(behavior: Behavior, measured: str | None) -> None:
    async with MisbehavingHost({ROBOTS: behavior, "/*": image(PHOTO)}) as host:
        started_s = time.monotonic()
        found = await issues(host, *(f"/{number}.jpg" for number in range(20)), fetch_timeout_s=1.0)
        assert time.monotonic() - started_s < 3
        assert host.log == []
        assert set(host.rules_log) == {ROBOTS}
        assert len(host.rules_log) <= 4  # two attempts; the client's own repeats a request whose connection broke
    assert {issue.code for issue in found if issue} == {RefusalCode.ROBOTS}
    signals = {issue.measured for issue in found if issue}
    assert len(signals) == 1
    assert measured is None or signals == {measured}


@pytest.mark.parametrize("fault", [status(502), host_of.reset], ids=["502", "reset"])
async def test_a_fault_that_passes_is_tried_again(fault: Behavior) -> None:
    forbids = text("User-agent: *", "Disallow: /a")
    async with MisbehavingHost({ROBOTS: after(1, fault, forbids), "/*": image(PHOTO)}) as host:
        first, second = await issues(host, "/a.jpg", "/b.jpg")
        assert host.log == ["/b.jpg"]
    assert (first and first.measured, second) == ("robots.txt: Disallow: /a", None)


async def test_a_host_that_cannot_be_reached_at_all_has_the_reason_of_that() -> None:
    async with MisbehavingHost({}) as closed:
        pass
    async with MisbehavingHost({"/x": image(PHOTO)}, tls=unknown_certificate()) as host, pipeline() as made:
        found = told(await fetch_all(made, ["http://no-such-host.invalid/x", closed.url("/x"), host.url("/x")]))
    codes = [issue.code for issue in found if issue]
    assert codes == [RefusalCode.DNS_FAILURE, RefusalCode.CONNECT_FAILED, RefusalCode.TLS_FAILED]
    assert all(issue and "robots.txt" in issue.message for issue in found)


async def test_a_robots_txt_without_end_is_read_as_far_as_it_must_be() -> None:
    async with MisbehavingHost({ROBOTS: host_of.endless, "/*": image(PHOTO)}) as host:
        assert await issues(host, "/a.jpg") == [None]


async def test_a_long_robots_txt_is_read_beside_the_loop_with_the_same_result() -> None:
    lines = [f"Disallow: /members/{number}/" for number in range(15_000)]
    async with MisbehavingHost(robots(*lines)) as host:
        first, second = await issues(host, "/members/14999/a.jpg", "/a.jpg")
    assert (first and first.measured, second) == ("robots.txt: Disallow: /members/14999/", None)


async def test_a_crawl_delay_is_kept_between_all_requests_to_the_host() -> None:
    async with MisbehavingHost(robots("Crawl-delay: 0.2")) as host:
        assert await issues(host, *(f"/{number}.jpg" for number in range(4))) == [None] * 4
        assert host.started_at[-1] - host.started_at[0] > 0.4  # three gaps, less what the first was late
    async with MisbehavingHost(robots("Crawl-delay: 20")) as host:
        async with asyncio.timeout(5):
            assert await issues(host, "/0.jpg", "/1.jpg", respect_robots=False) == [None] * 2


async def test_many_who_wait_for_one_file_ask_once_and_one_who_is_cancelled_leaves_it_to_the_next() -> None:
    gate = asyncio.Event()
    files = robots() | {ROBOTS: held(gate, text("User-agent: *", "Disallow: /private"))}
    async with MisbehavingHost(files) as host, pipeline() as made:
        first = asyncio.create_task(fetch_all(made, [host.url("/a.jpg")]))
        await until(lambda: host.rules_log == [ROBOTS])
        others = asyncio.create_task(fetch_all(made, [host.url(f"/{number}.jpg") for number in range(40)]))
        await asyncio.sleep(0)
        first.cancel()
        await until(lambda: len(host.rules_log) == 2)
        gate.set()
        assert all(isinstance(outcome, Fetched) for outcome in await others)
        assert host.rules_log == [ROBOTS, ROBOTS, TDMREP]  # the cancelled request, and the one of all the others
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_an_image_whose_host_is_slow_to_say_its_rules_still_has_one_deadline() -> None:
    files = {ROBOTS: host_of.drip(b"#" * 40, 0.01), "/*": host_of.silence}
    async with MisbehavingHost(files) as host:
        started_s = time.monotonic()
        (found,) = await issues(host, "/a.jpg", fetch_timeout_s=0.8)
        assert time.monotonic() - started_s < 1.2
        assert host.log == ["/a.jpg"]
    assert found is not None
    assert found.code is RefusalCode.TIMEOUT


async def test_the_files_are_read_anew_after_a_day_and_after_a_minute_where_they_could_not_be_had() -> None:
    now = [0.0]
    found = settings()
    async with (
        MisbehavingHost({ROBOTS: text("User-agent: *", "Disallow: /a")}) as host,
        MisbehavingHost({ROBOTS: status(500)}, "127.0.0.2") as broken,
        open_client(found) as client,
    ):
        origins = Origins(client, found, Visits(Politeness(8), resolver_of(client)), clock=lambda: now[0])

        async def permit(host: MisbehavingHost) -> None:
            await origins.permit(URL(host.url("/b.jpg")), Deadline(5.0))

        for at_s, asked in ((0.0, 1), (KEPT_S - 1, 1), (KEPT_S + 1, 2)):
            now[0] = at_s
            await permit(host)
            assert host.rules_log.count(ROBOTS) == asked
        for later_s, asked in ((0, 2), (59, 2), (3, 4)):
            now[0] += later_s
            with pytest.raises(Exception, match="cannot be had"):
                await permit(broken)
            assert len(broken.rules_log) == asked


async def test_what_is_remembered_is_bounded() -> None:
    found = settings()
    async with open_client(found) as client:
        origins = Origins(client, found, Visits(Politeness(8), resolver_of(client)))
        for number in range(ORIGINS_KEPT + 500):
            origins.keep(("http", f"{number}.example", 80), Rules())
        assert origins.size == (ORIGINS_KEPT, ORIGINS_KEPT * Rules().weight)
        for number in range(200):
            origins.keep(("http", f"long-{number}.example", 80), Rules(weight=500_000))
        assert origins.size[1] <= 32 * 2**20
