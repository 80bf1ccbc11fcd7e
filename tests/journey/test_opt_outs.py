"""What a host forbids is not asked for, by any worker's job, and the row says by which line."""

from __future__ import annotations

import asyncpg

from tests.stand_ins.misbehaving import MisbehavingHost, image
from tests.support.asking import counted, good, images, urls
from tests.support.service import Person, entries, running_worker

RULES = b"User-agent: *\nDisallow: /3.jpg\nContent-Signal: /4.jpg ai-train=no\n"


async def test_what_robots_txt_forbids_or_reserves_is_left_with_its_line_as_the_reason(
    owner: Person, db: asyncpg.Connection
) -> None:
    behaviors = good(6) | {"/robots.txt": image(RULES, kind="text/plain")}
    async with MisbehavingHost(behaviors) as host, running_worker():
        job = await owner.crawl(sources=entries(*urls(host, *range(6))), chunkSize=1)
        ended = await owner.ended(job)
        assert sorted(host.log) == ["/0.jpg", "/1.jpg", "/2.jpg", "/5.jpg"]
        assert sorted(host.rules_log) == ["/.well-known/tdmrep.json", "/robots.txt"]
    assert (ended["status"], ended["validImages"]) == ("COMPLETED", 4)
    assert await counted(db, job) == {"downloaded": 4, "failed": 2}
    reasons = [(issue["code"], issue["measured"]) for one in await images(owner, job) for issue in one["issues"]]
    assert reasons == [
        ("robots", "robots.txt: Disallow: /3.jpg"),
        ("opt_out", "robots.txt: Content-Signal: /4.jpg ai-train=no"),
    ]
