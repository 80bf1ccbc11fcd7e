"""The doctor says what is wrong and what to do, and shows no secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.commands.failures import masked
from tests.commands.homes import cli, home_in


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with home_in(tmp_path) as found:
        yield found


def examined(home: Path, **variables: str) -> tuple[int, dict[str, Any]]:
    done = cli(home, "doctor", "--json", **variables)
    report: dict[str, Any] = json.loads(done.stdout)
    assert set(report) == {"ok", "database_url", "redis_url", "storage_url", "checks"}
    assert done.returncode == (0 if report["ok"] else 1)
    return done.returncode, {check["name"]: check for check in report["checks"]}


def test_where_nothing_runs_it_names_the_missing_tables_and_workers(home: Path) -> None:
    code, checks = examined(home)
    assert code == 1
    assert [name for name, check in checks.items() if not check["ok"]] == ["database", "workers"]
    assert "migrate" in checks["database"]["message"]
    assert "up" in checks["workers"]["message"]
    assert "source openverse" in checks


def test_servers_that_do_not_answer_are_told_without_their_passwords(home: Path) -> None:
    urls = {"DATABASE_URL": "postgres://me:hush@127.0.0.1:1/x", "REDIS_URL": "redis://:hush@127.0.0.1:1/0"}
    done = cli(home, "doctor", **urls)
    assert done.returncode == 1
    assert "hush" not in done.stdout + done.stderr
    assert done.stdout.count("does not answer") == 3


def test_a_setting_that_is_not_valid_is_a_finding(home: Path) -> None:
    _, checks = examined(home, PIXCRAWLER_LEASE_S="-1")
    assert not checks["settings"]["ok"]
    assert "PIXCRAWLER_LEASE_S" in checks["settings"]["message"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgres://me:hush@host/x", "postgres://me:***@host/x"),
        ("postgres://host/x?user=me&password=hush", "postgres://host/x?user=me&password=***"),
        ("s3://bucket/prefix?secret_key=hush", "s3://bucket/prefix?secret_key=***"),
        ("unix:///run/valkey.sock?db=0", "unix:///run/valkey.sock?db=0"),
    ],
)
def test_secrets_in_urls_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown
