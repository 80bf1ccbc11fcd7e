"""`pixcrawler crawl` tells why images failed: by reason at its end, and one by one in a file."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from tests.commands.test_crawl_keywords import crawl
from tests.stand_ins.misbehaving import MisbehavingHost, after, image, status
from tests.stand_ins.pictures import jpeg
from tests.support.asking import good, urls
from tests.support.configured import configured
from tests.support.service import Person, running_worker


def listed(folder: Path, host: MisbehavingHost) -> tuple[str, ...]:
    """A list of two good addresses and three bad ones, and where the dataset goes."""
    bad = [host.url(path) for path in ("/none.jpg", "/none-too.jpg", "/busy.jpg")]
    (folder / "list.txt").write_text("\n".join([*urls(host, 0, 1), *bad]))
    return ("--urls", str(folder / "list.txt"), "--to", str(folder / "images"))


async def test_the_reasons_stand_at_the_end_and_every_failure_in_the_file(owner: Person, tmp_path: Path) -> None:
    ledger = tmp_path / "why.csv"
    ledger.write_text("an older one")
    async with MisbehavingHost(good(2) | {"/busy.jpg": status(503)}) as host, running_worker():
        with configured(PIXCRAWLER_PUBLIC_URL=owner.url):
            code, out, err = await crawl(owner, *listed(tmp_path, host), "--failures", str(ledger))
    assert code == 0, err
    words = " ".join(out.split())
    assert "failed, http_status 404: The host answered with an error. 2" in words
    assert "failed, http_status 503: The host answered with an error. 1" in words
    assert "1 failed by what may be over later: retryCrawlJob(" in words
    assert f"Why images failed stands in {ledger}." in words
    with ledger.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["measured"] for row in rows] == ["404", "404", "503"]
    assert sorted(os.listdir(tmp_path)) == ["images", "list.txt", "why.csv"]


async def test_where_nothing_failed_nothing_is_told_and_the_file_is_empty(owner: Person, tmp_path: Path) -> None:
    behaviors = {f"/{name}.jpg": image(jpeg(seed=number)) for number, name in enumerate(("none", "none-too"), 5)}
    behaviors |= {"/busy.jpg": after(1, status(503), image(jpeg(seed=9)))}
    ledger = tmp_path / "why.jsonl"
    async with MisbehavingHost(good(2) | behaviors) as host, running_worker():
        with configured(PIXCRAWLER_PUBLIC_URL=owner.url):
            code, out, err = await crawl(owner, *listed(tmp_path, host), "--failures", str(ledger), "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["failed"] == 0
    assert ledger.read_text() == ""


@pytest.mark.parametrize(
    ("file", "more", "told"),
    [("why.xlsx", (), ".csv or a .jsonl"), ("no/why.csv", (), "no folder"), ("why.csv", ("--preview",), "--preview")],
)
async def test_a_file_that_cannot_be_written_is_wrong_use_before_anything_begins(
    owner: Person, tmp_path: Path, file: str, more: tuple[str, ...], told: str
) -> None:
    code, _, err = await crawl(owner, "cat", "--failures", str(tmp_path / file), "--to", str(tmp_path / "x"), *more)
    assert (code, told in err) == (2, True), err
    assert (await owner.get("{ projects { totalCount } }"))["projects"]["totalCount"] == 0
