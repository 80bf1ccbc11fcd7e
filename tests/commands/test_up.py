"""`up` runs the whole service, keeps it running, and ends all of it."""

import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.processes import command_line
from tests.commands.homes import cli, home_in

SOON_S = 20.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with home_in(tmp_path) as found:
        yield found
        cli(found, "down")


def up(home: Path) -> dict[str, Any]:
    done = cli(home, "up", "--detach", "--port", "0", "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def processes(home: Path) -> dict[str, int]:
    """Process ids by name of what lives."""
    status = json.loads(cli(home, "status", "--json").stdout)
    return {process["name"]: process["pid"] for process in status["processes"] if process["alive"]}


def answers(url: str, path: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def soon(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_up_is_ready_when_it_returns_and_down_ends_everything(home: Path) -> None:
    outcome = up(home)
    assert outcome["graphql_url"] == f"{outcome['url']}/graphql"
    assert outcome["home"] == str(home)
    assert outcome["token"].count(".") == 2
    assert answers(outcome["url"], "/readyz") == 200
    found = processes(home)
    assert set(found) == {"postgres", "valkey", "api", "worker"}
    again = cli(home, "up", "--detach", "--json")
    assert json.loads(again.stdout) == outcome
    second = cli(home, "up")
    assert (second.returncode, second.stdout) == (1, "")
    assert "already runs" in second.stderr
    assert cli(home, "down").returncode == 0
    assert [name for name, pid in found.items() if command_line(pid)] == []
    assert cli(home, "status").returncode == 1


def test_what_is_killed_is_started_again_and_the_port_stays(home: Path) -> None:
    url = up(home)["url"]
    before = processes(home)
    for name in ("api", "worker", "postgres", "valkey"):
        os.kill(before[name], signal.SIGKILL)
    soon(lambda: set(processes(home)) == set(before) and not set(processes(home).values()) & set(before.values()))
    soon(lambda: answers(url, "/readyz") == 200)
    assert set(processes(home)) == set(before)


def test_a_killed_supervisor_leaves_neither_api_nor_worker(home: Path) -> None:
    up(home)
    before = processes(home)
    os.kill(json.loads((home / "up.json").read_text())["pid"], signal.SIGKILL)
    soon(lambda: not command_line(before["api"]) and not command_line(before["worker"]))
    assert answers(up(home)["url"], "/healthz") == 200


def test_a_port_that_is_taken_is_an_error_that_names_who_has_it(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli(home, "up", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Port {port} is taken by" in done.stderr
    assert len(done.stderr.splitlines()) == 1
