"""A crawl of which most addresses fail, each for another reason, and what one asks of it afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

from app.fetching.download import Downloader
from tests.stand_ins.misbehaving import Behavior, MisbehavingHost, image, redirect, reset, status
from tests.stand_ins.pictures import jpeg
from tests.support.asking import ERRORS, good, refusal, urls
from tests.support.service import Person, entries, running_worker

FAILURES = """query($id: ID!, $first: Int! = 25) { crawlJob(id: $id) { failures(first: $first) { total retryable
  byReason { code message count retryable statuses { httpStatus count } }
  byHost { host count retryable byReason { code count } } otherHosts { hosts count } } } }"""
RETRY = f"""mutation($id: ID!, $reasons: [String!], $hosts: [String!], $retryable: Boolean! = false) {{
  retryCrawlJob(id: $id, reasons: $reasons, hosts: $hosts, retryable: $retryable) {{
    crawlJob {{ id status progress }} {ERRORS} }} }}"""

PAGE = image(b"<html>no</html>", kind="text/html")
FAULTS: dict[str, Behavior] = {
    "/missing.jpg": status(404),
    "/gone.jpg": status(410),
    "/missing-too.jpg": status(404),
    "/page.jpg": PAGE,
    "/moved.jpg": redirect("/page.jpg"),
    "/reserved.jpg": image(jpeg(seed=90), "X-Robots-Tag: noai"),
    "/broken.jpg": reset,
    "/busy.jpg": status(503),
}
NOWHERE = "=cmd://nowhere"


class Crawled:
    """A crawl of eleven addresses at 127.0.0.1, one at localhost and one at no host, that has ended."""

    def __init__(self, who: Person, host: MisbehavingHost, job: str) -> None:
        self.who, self.host, self.job = who, host, job

    async def failures(self, **variables: Any) -> dict[str, Any]:
        return dict((await self.who.get(FAILURES, id=self.job, **variables))["crawlJob"]["failures"])

    async def retried(self, **choice: Any) -> dict[str, Any]:
        """The job at its next end, after a retry that must not be refused."""
        done = await self.who.do(RETRY, id=self.job, **choice)
        assert done["errors"] == []
        assert done["crawlJob"]["status"] == "RUNNING"
        return await self.who.ended(self.job)

    async def refused(self, **choice: Any) -> dict[str, Any]:
        return await refusal(self.who, RETRY, id=self.job, **choice)


@contextlib.asynccontextmanager
async def crawled_with_failures(who: Person) -> AsyncIterator[Crawled]:
    """The crawl at its end, with host and worker still there; a second attempt at an address does not wait."""
    with mock.patch.object(Downloader, "_wait_s", return_value=0.01):
        async with MisbehavingHost(good(3) | FAULTS) as host, running_worker():
            odd = [f"http://LOCALHOST:{host.port}/other.jpg", NOWHERE]
            listed = [*urls(host, 0, 1, 2), *(host.url(path) for path in FAULTS), *odd]
            job = await who.crawl(sources=entries(*listed, keyword="cat, fat"), chunkSize=4)
            ended = await who.ended(job)
            assert ended == ended | {"status": "COMPLETED", "validImages": 3, "totalImages": 13}
            yield Crawled(who, host, job)
