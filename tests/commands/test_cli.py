"""Every command says what is wrong in one sentence on stderr, and exits 0, 1 or 2."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import embedded
from app.commands.services import embedded_in
from tests.commands.homes import cli, home_in


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with home_in(tmp_path) as found:
        yield found


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one sentence of a command that was refused."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_help_names_every_command(home: Path) -> None:
    shown = cli(home, "--help").stdout
    for command in ("demo", "test", "check", "up", "status", "down", "api", "worker", "migrate", "token", "doctor"):
        assert f"\n  {command} " in shown
    assert cli(home).returncode == 0
    assert not home.exists()


@pytest.mark.parametrize("arguments", [["nonsense"], ["up", "--nonsense"], ["up", "--port", "x"], ["migrate", "more"]])
def test_wrong_use_exits_2(home: Path, arguments: list[str]) -> None:
    assert "--help" in refused(cli(home, *arguments), 2)


def test_a_setting_that_is_not_valid_is_named(home: Path) -> None:
    sentence = refused(cli(home, "migrate", PIXCRAWLER_PORT="eighty"), 1)
    assert sentence.startswith("pixcrawler: PIXCRAWLER_PORT is not valid")


def test_a_database_that_does_not_answer_is_told(home: Path) -> None:
    gone = {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}
    sentence = refused(cli(home, "migrate", **gone), 1)
    assert "doctor" in sentence
    assert "secret" not in sentence


def test_where_nothing_runs_status_exits_1_and_down_0(home: Path) -> None:
    status = cli(home, "status", "--json")
    assert status.returncode == 1
    assert json.loads(status.stdout) == {"url": None, "processes": []}
    assert cli(home, "down").returncode == 0
    assert not home.exists()


def test_one_command_starts_the_database_and_leaves_nothing_running(home: Path) -> None:
    assert "applied 0_" in cli(home, "migrate").stdout
    assert "nothing to do" in cli(home, "migrate").stdout
    token = cli(home, "token", "--email", "me@example.org", "--role", "admin")
    assert token.stdout.splitlines()[-1].count(".") == 2
    assert cli(home, "status").returncode == 1


def test_purge_removes_the_home_but_no_file_of_the_users(home: Path) -> None:
    cli(home, "migrate")
    (home / "notes.txt").write_text("mine")
    done = cli(home, "down", "--purge")
    assert "notes.txt" in done.stderr
    assert [path.name for path in home.iterdir()] == ["notes.txt"]
    (home / "notes.txt").unlink()
    cli(home, "down", "--purge")
    assert not home.exists()


def test_purge_leaves_a_home_within_alone_while_it_is_used(home: Path) -> None:
    """Symptom: a purge took the database from under the tests that ran in the same checkout."""
    inner = home / "test"
    with embedded_in(inner):
        assert cli(home, "down", "--purge").returncode == 0
        assert embedded.alive(inner)
    assert cli(home, "down", "--purge").returncode == 0
    assert not home.exists()
