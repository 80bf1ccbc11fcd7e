"""Symptom: a host that answered 404 in words of its own stopped the whole job: it paused, since "something unexpected
happened", and whoever resumed it came to the same.

Cause: of what a host writes each byte that is no UTF-8 becomes half of a surrogate pair, and NUL stays. That was
recorded as it was, and a document of the database takes neither. Rule: what a host says is its image's reason,
whatever its bytes, and no longer than a sentence.
"""

from __future__ import annotations

import pytest

from app.fetching.failures import MOST_REASON_CHARS
from tests.stand_ins.misbehaving import Behavior, Exchange, MisbehavingHost, image
from tests.stand_ins.pictures import jpeg
from tests.support.asking import images
from tests.support.service import Person, entries, running_worker

SAID = "The host answered 404 "


def answering(words: bytes) -> Behavior:
    async def behave(exchange: Exchange) -> bool:
        return await exchange.send(b"HTTP/1.1 404 " + words + b"\r\nContent-Length: 0\r\n\r\n")

    return behave


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (b"Nicht gef\xfcnden", "Nicht gef\N{REPLACEMENT CHARACTER}nden"),
        (b"\x80\x00", "\N{REPLACEMENT CHARACTER}" * 2),
        ("見つからない".encode(), "見つからない"),
        (b"x" * 5_000, "x" * MOST_REASON_CHARS),
    ],
    ids=["latin-1", "nul", "utf-8", "long"],
)
async def test_a_host_that_refuses_in_odd_words_fails_its_image_and_nothing_else(
    owner: Person, words: bytes, told: str
) -> None:
    async with (
        MisbehavingHost({"/odd.jpg": answering(words), "/good.jpg": image(jpeg())}) as host,
        running_worker("crawl"),
    ):
        job = await owner.crawl(sources=entries(host.url("/odd.jpg"), host.url("/good.jpg")))
        found = await owner.ended(job)
    assert (found["status"], found["validImages"], found["errorMessage"]) == ("COMPLETED", 1, None)
    (failed,) = await images(owner, job, status=["FAILED"])
    assert [(one["code"], one["message"]) for one in failed["issues"]] == [("http_status", SAID + told)]
