"""Every URL ends as stored bytes or as a reason, whatever the host does."""

from __future__ import annotations

import gzip
import hashlib
import time

import pytest

from app.fetching.pipeline import storage_key
from app.values import Fetched, RefusalCode, Refused
from tests.fetching.support import Shelf, fetch, fetch_all, pipeline, reason
from tests.stand_ins import misbehaving as host_of
from tests.stand_ins.certificates import unknown_certificate
from tests.stand_ins.misbehaving import Behavior, Exchange, MisbehavingHost, image, redirect, status
from tests.stand_ins.pictures import encoded, jpeg, noisy_jpeg, picture

PHOTO = jpeg(320, 240)
WHOLE = noisy_jpeg()


async def test_an_image_is_stored_under_its_digest_and_measured() -> None:
    shelf = Shelf()
    async with MisbehavingHost({"/cat.png": image(PHOTO, kind="image/png")}) as host, pipeline(shelf) as made:
        outcome = (await fetch_all(made, [host.url("/cat.png")]))[0]
    assert isinstance(outcome, Fetched)
    digest = hashlib.sha256(PHOTO)
    assert (outcome.sha256, outcome.file_size) == (digest.digest(), len(PHOTO))
    assert (outcome.measures.width, outcome.measures.height, outcome.measures.format) == (320, 240, "jpeg")
    name = digest.hexdigest()
    assert outcome.storage_key == f"images/{name[:2]}/{name}.jpg"
    assert shelf.blobs == {outcome.storage_key: PHOTO}


def test_the_extension_is_the_contents() -> None:
    assert storage_key(bytes(32), "avif") == f"images/00/{'0' * 64}.avif"


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


async def test_of_the_words_beside_a_status_only_the_first_are_written_down() -> None:
    async def wordy(exchange: Exchange) -> bool:
        await exchange.send(b"HTTP/1.1 404 " + b"no " * 2_000 + b"\r\nContent-Length: 0\r\n\r\n")
        return False

    message = (await reason(wordy)).message
    assert message.startswith("The host answered 404 no no")
    assert len(message) <= 110


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
    assert isinstance(await fetch(image(PHOTO, "X-Robots-Tag: noai"), respect_x_robots_tag=False), Fetched)


async def test_whatever_is_refused_names_the_host_that_is_to_blame() -> None:
    rules = {"/robots.txt": image(b"User-agent: *\nDisallow: /\n", kind="text/plain"), "/x": image(PHOTO)}
    async with (
        MisbehavingHost(rules) as forbidding,
        MisbehavingHost({"/x": host_of.redirect(forbidding.url("/x"))}) as led,
    ):
        urls = [forbidding.url("/x"), "http://10.0.0.1/x", "http://me@host.invalid/x", "ftp:x", "http://[x/"]
        async with pipeline() as made:
            found = await fetch_all(made, [*urls, f"http://localhost:{led.port}/x"])
    assert [(one.issue.code, one.fetch.host) for one in found if isinstance(one, Refused)] == [
        (RefusalCode.ROBOTS, "127.0.0.1"),
        (RefusalCode.BLOCKED_ADDRESS, "10.0.0.1"),
        (RefusalCode.BAD_URL, "host.invalid"),
        (RefusalCode.BAD_URL, None),
        (RefusalCode.BAD_URL, None),
        (RefusalCode.ROBOTS, "127.0.0.1"),
    ]


@pytest.mark.parametrize(
    ("behavior", "passes"),
    [
        (host_of.status(503), True),
        (host_of.reset, True),
        (host_of.silence, True),
        (host_of.cut_body(PHOTO), True),
        (host_of.status(404), None),
        (host_of.redirect("/image"), None),
        (image(PHOTO[: len(PHOTO) // 2]), None),
        (image(b"<html>"), None),
        (image(PHOTO, "X-Robots-Tag: noai"), None),
    ],
    ids=["503", "reset", "silent", "broken off", "404", "circle", "cut file", "page", "opt-out"],
)
async def test_a_refusal_says_whether_what_it_failed_by_may_be_over_later(
    behavior: Behavior, passes: bool | None
) -> None:
    outcome = await fetch(behavior, fetch_timeout_s=1.0)
    assert isinstance(outcome, Refused)
    assert outcome.fetch.passing is passes
