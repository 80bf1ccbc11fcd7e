"""`pixcrawler crawl` with keywords that are varied, and its preview."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.rules.tracked import CHECKOUT
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.stand_ins.openverse import OpenverseStandIn, record
from tests.support.asking import good
from tests.support.configured import configured
from tests.support.service import Person, running_worker

ASKED = "query { projects { nodes { crawlJobs { nodes { keywords terms { keyword term by } } } } } }"


async def crawl(who: Person, *arguments: str) -> tuple[int, str, str]:
    """Status, stdout and stderr of the command, asking this test's service."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "crawl", *arguments, "--url", who.url, "--token", who.token,
        cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_preview_is_a_table_of_sources_and_terms_and_makes_nothing(owner: Person, tmp_path: Path) -> None:
    records = [record(n, "cat") for n in range(30)] + [record(90, "cats")]
    async with OpenverseStandIn(records) as openverse:
        with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url):
            given = ("cat", "--plurals", "--synonym", "cat=kitty", "--source", "openverse", "--source", "brave")
            status, table, err = await crawl(owner, *given, "--preview")
            json_status, text, _ = await crawl(owner, *given, "--preview", "--json")
    assert (status, json_status) == (0, 0), err
    rows = [line.split() for line in table.splitlines()]
    assert ["openverse", "cat", "cat", "30"] in [row[:4] for row in rows]
    assert ["openverse", "cat", "kitties", "0", "nothing"] in [row[:5] for row in rows]
    assert "https://photos.example/cat-0" in table
    assert "PIXCRAWLER_BRAVE_KEY" in table
    entries = json.loads(text)["entries"]
    assert [(one["source"], one["term"], one["total"]) for one in entries] == [
        ("openverse", "cat", 30), ("openverse", "kitty", 0), ("openverse", "cats", 1), ("openverse", "kitties", 0),
        ("brave", None, None),
    ]  # fmt: skip
    assert (await owner.get(ASKED))["projects"]["nodes"] == []


async def test_a_crawl_searches_for_variations_and_labels_by_the_keyword(owner: Person, tmp_path: Path) -> None:
    async with MisbehavingHost(good(2)) as host:
        records = [record(0, "cat", url=host.url("/0.jpg")), record(1, "old cats", url=host.url("/1.jpg"))]
        async with OpenverseStandIn(records) as openverse:
            with configured(PIXCRAWLER_OPENVERSE_URL=openverse.url, PIXCRAWLER_PUBLIC_URL=owner.url):
                async with running_worker():
                    given = ("--template", "old {keyword}s", "--to", str(tmp_path / "cats"), "--json")
                    status, out, err = await crawl(owner, "cat", *given)
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["images"] == 2
    assert sorted(path.parent.name for path in (tmp_path / "cats").rglob("*.jpg")) == ["cat", "cat"]
    (project,) = (await owner.get(ASKED))["projects"]["nodes"]
    (job,) = project["crawlJobs"]["nodes"]
    assert job["keywords"] == ["cat"]
    assert [(one["term"], one["by"]) for one in job["terms"]] == [("cat", "keyword"), ("old cats", "template")]


async def test_a_synonym_without_its_keyword_is_wrong_use(owner: Person) -> None:
    status, _, err = await crawl(owner, "cat", "--synonym", "kitty", "--preview")
    assert (status, "KEYWORD=WORD" in err) == (2, True)


async def test_what_the_service_refuses_is_one_sentence(owner: Person) -> None:
    status, _, err = await crawl(owner, "cat", "--template", "old cats", "--preview")
    assert status == 1
    assert err.startswith("pixcrawler: expansion.templates.0: A template holds {keyword}")
