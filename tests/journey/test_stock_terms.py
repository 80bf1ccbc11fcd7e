"""What stock sites' terms ask of who uses their APIs is done: answers are kept, and uses are told."""

from __future__ import annotations

from typing import Any

from app import queue
from tests.journey.test_source_preview import previewed
from tests.stand_ins import pixabay, unsplash
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.stand_ins.pixabay import PixabayStandIn
from tests.stand_ins.unsplash import UnsplashStandIn
from tests.support.asking import act, good, images
from tests.support.configured import configured
from tests.support.service import Person, running_worker

SEARCHED: dict[str, Any] = {"keywords": ["cat"], "sources": [{"pixabay": {}}]}


async def test_pixabay_is_asked_once_a_day_for_a_page_by_previews_and_jobs_alike(owner: Person) -> None:
    async with MisbehavingHost(good(2)) as host:
        photos = [pixabay.photo(n, "cat", largeImageURL=host.url(f"/{n}.jpg")) for n in range(2)]
        async with PixabayStandIn(photos) as site:
            named = {"PIXCRAWLER_PIXABAY_ENABLED": "true", "PIXCRAWLER_PIXABAY_URL": site.url}
            with configured(**named, PIXCRAWLER_PIXABAY_KEY=pixabay.KEY):
                async with running_worker():
                    (seen,) = await previewed(owner, **SEARCHED)
                    for _ in range(2):
                        await owner.ended(await owner.crawl(**SEARCHED))
                assert len(site.requests) == 1
                # Another question is another answer.
                await previewed(owner, **SEARCHED | {"sources": [{"pixabay": {"minWidth": 9}}]})
                assert len(site.requests) == 2
    assert (seen["total"], len(seen["candidates"])) == (2, 2)
    (first, _) = [key async for key in queue.redis().scan_iter(match="pixcrawler:answer:*")]
    assert 86_000 < await queue.redis().ttl(first) <= 86_400
    assert pixabay.KEY.encode() not in await queue.redis().get(first)


async def test_unsplash_is_told_of_each_photo_that_a_job_takes_and_of_no_other(owner: Person) -> None:
    async with MisbehavingHost(good(5)) as host, UnsplashStandIn([]) as site:
        site.records = [
            unsplash.photo(
                n, "cat", urls={"full": host.url(f"/{n}.jpg")},
                links={"download_location": f"{site.base}/photos/{n}/download?ixid=abc"},
            )
            for n in range(5)
        ]  # fmt: skip
        given: dict[str, Any] = {"keywords": ["cat"], "sources": [{"unsplash": {}}]}
        with configured(
            PIXCRAWLER_UNSPLASH_ENABLED="true", PIXCRAWLER_UNSPLASH_URL=site.url, PIXCRAWLER_UNSPLASH_KEY=unsplash.KEY
        ):
            async with running_worker():
                await previewed(owner, **given)
                assert site.told == []
                job = await owner.crawl(**given, maxImages=3)
                await owner.ended(job)
                assert site.told == ["0", "1", "2"]
                # Where the limit is used up nothing is taken that was not told of; it goes on later.
                site.told.clear()
                site.records, site.used_up = site.records[3:], True
                later = await owner.crawl(**given)
                ended = await owner.ended(later)
                assert (ended["totalImages"], site.told) == (0, [])
                assert "enough of our requests" in ended["sources"][0]["message"]
                site.used_up = False
                await act(owner, "retryCrawlJob", later)
                await owner.ended(later)
                assert site.told == ["3", "4"]
    assert len(await images(owner, later)) == 2
