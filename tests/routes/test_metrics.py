"""Prometheus sees jobs, images, queues and requests, whichever process it asks."""

from __future__ import annotations

import re

import aiohttp
import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import metrics, queue

JOBS = """
with person as (insert into profiles (id, email) values (gen_random_uuid(), 'a@example.org') returning id),
project as (insert into projects (name, user_id) select 'P', id from person returning id)
insert into crawl_jobs (project_id, name, keywords, status)
select id, 'J', '[]', state from project, unnest(array['running', 'running', 'completed']) state
"""


async def scraped(api: aiohttp.ClientSession) -> dict[tuple[str, ...], float]:
    """Each sample's value, by its name and its labels' values."""
    async with api.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = await answer.text()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_jobs_are_counted_by_kind_and_state(api: aiohttp.ClientSession, db: asyncpg.Connection) -> None:
    await db.execute(JOBS)
    found = await scraped(api)
    assert found["pixcrawler_jobs", "crawl", "running"] == 2
    assert found["pixcrawler_jobs", "crawl", "completed"] == 1
    assert found["pixcrawler_jobs", "export", "expired"] == 0
    assert found["pixcrawler_scrape_ok", "jobs"] == 1


async def test_images_are_counted_by_outcome_and_reason_over_all_batches(api: aiohttp.ClientSession) -> None:
    await metrics.count_outcomes([("downloaded", "")] * 3 + [("failed", "timeout")], 1_000)
    await metrics.count_outcomes([("failed", "timeout"), ("duplicate", "duplicate")], 0)
    await metrics.count_outcomes([], 0)
    found = await scraped(api)
    assert found["pixcrawler_images_total", "downloaded", ""] == 3
    assert found["pixcrawler_images_total", "failed", "timeout"] == 2
    assert found["pixcrawler_images_total", "duplicate", "duplicate"] == 1
    assert found[("pixcrawler_image_bytes_total",)] == 1_000
    for key in (metrics.IMAGES_KEY, metrics.BYTES_KEY):
        assert await queue.redis().ttl(key) > 0


async def test_queues_tell_their_depth_and_age(api: aiohttp.ClientSession) -> None:
    for number in range(3):
        await queue.hint(queue.Discover(number))
    await queue.mark_worker("one", ttl_s=30)
    found = await scraped(api)
    assert found["pixcrawler_queue_depth", queue.CRAWL_QUEUE] == 3
    assert found["pixcrawler_queue_depth", queue.EXPORT_QUEUE] == 0
    assert 0 <= found["pixcrawler_queue_age_seconds", queue.CRAWL_QUEUE] < 60
    assert found[("pixcrawler_workers",)] == 1


async def test_requests_are_timed_by_route_and_no_client_makes_labels(api: aiohttp.ClientSession) -> None:
    before = await scraped(api)
    for path in ("/healthz", "/files/x", "/a/very/odd/path", "/another"):
        async with api.get(path):
            pass
    async with api.request("PATCH", "/healthz"):
        pass
    found = await scraped(api)

    def more(route: str, method: str, status: str) -> float:
        name = ("pixcrawler_request_seconds_count", method, route, status)
        return found.get(name, 0) - before.get(name, 0)

    assert more("healthz", "GET", "2xx") == 1
    assert more("healthz", "other", "4xx") == 1
    assert more("files", "GET", "4xx") == 1
    assert more("other", "GET", "4xx") == 2


async def test_a_lost_database_leaves_the_other_parts_standing(
    api: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "JOBS", "select * from nothing_of_this_name")
    found = await scraped(api)
    assert found["pixcrawler_scrape_ok", "jobs"] == 0
    assert found["pixcrawler_scrape_ok", "queues"] == 1
    assert not [name for name in found if name[0] == "pixcrawler_jobs"]


async def test_a_lost_redis_costs_a_worker_nothing(db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(metrics, "redis", lost)
    await metrics.count_outcomes([("downloaded", "")], 10)


async def test_every_name_is_ours_and_explained(api: aiohttp.ClientSession) -> None:
    async with api.get("/metrics") as answer:
        text = await answer.text()
    names = re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE)
    assert len(names) >= 8
    assert all(name.startswith("pixcrawler_") and said for name, said in names)
