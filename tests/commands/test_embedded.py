"""The embedded default: it starts in moments, survives kill -9 with its data, and leaves nothing when it stops."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis

from app import embedded
from app.database import credentials
from app.processes import command_line
from tests.commands.homes import home_in
from tests.rules.tracked import CHECKOUT


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with home_in(tmp_path) as found:
        yield found


def valkey(services: embedded.Services) -> Redis:
    return Redis(unix_socket_path=unquote(urlsplit(services.redis_url).path))


async def written(services: embedded.Services, word: str) -> None:
    connection = await asyncpg.connect(**credentials(services.database_url))
    await connection.execute("create table if not exists kept (word text)")
    await connection.execute("insert into kept values ($1)", word)
    await connection.close()
    async with valkey(services) as client, client.pipeline() as pipe:
        pipe.rpush("kept", word)
        await pipe.execute()


async def read(services: embedded.Services) -> tuple[list[str], list[str]]:
    connection = await asyncpg.connect(**credentials(services.database_url))
    await connection.execute("create table if not exists kept (word text)")
    rows = [row["word"] for row in await connection.fetch("select word from kept")]
    await connection.close()
    async with valkey(services) as client, client.pipeline() as pipe:
        pipe.lrange("kept", 0, -1)
        (kept,) = await pipe.execute()
        return rows, [word.decode() for word in kept]


async def test_what_runs_is_reused_and_what_was_written_outlives_a_stop(home: Path) -> None:
    services = embedded.start(home)
    before = embedded.alive(home)
    assert before
    assert embedded.start(home) == services
    assert embedded.alive(home) == before
    await written(services, "first")
    embedded.stop(home)
    assert await read(embedded.start(home)) == (["first"], ["first"])


async def test_both_servers_killed_come_back_with_their_data(home: Path) -> None:
    services = embedded.start(home)
    await written(services, "before the kill")
    pids = embedded.alive(home)
    assert pids.postgres is not None
    assert pids.valkey is not None
    os.kill(pids.postgres, signal.SIGKILL)
    os.kill(pids.valkey, signal.SIGKILL)
    again = embedded.start(home)
    assert again == services
    assert embedded.alive(home).postgres not in (None, pids.postgres)
    assert await read(again) == (["before the kill"], ["before the kill"])


async def test_two_homes_run_side_by_side(home: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with home_in(tmp_path / "other") as other:
        one, two = embedded.start(home), embedded.start(other)
        await written(one, "one")
        await written(two, "two")
        assert await read(one) == (["one"], ["one"])
        embedded.stop(other)
        assert embedded.alive(home)
        assert not embedded.alive(other)


def test_a_stop_leaves_neither_processes_nor_sockets(home: Path) -> None:
    services = embedded.start(home)
    pids = embedded.alive(home)
    sockets = Path(credentials(services.database_url)["host"])
    assert sockets.is_dir()
    embedded.stop(home)
    assert not sockets.exists()
    assert [command_line(pid) for pid in (pids.postgres, pids.valkey) if pid] == ["", ""]
    embedded.stop(home)


async def test_a_home_that_was_deleted_begins_empty(home: Path) -> None:
    """Symptom: as root, a clone at the path of a deleted one found that one's rows, for their data lay elsewhere."""
    await written(embedded.start(home), "of the deleted one")
    embedded.stop(home)
    outside = (home / "embedded").resolve()
    shutil.rmtree(home)
    try:
        assert await read(embedded.start(home)) == ([], [])
    finally:
        if os.getuid() == 0:
            shutil.rmtree(outside)


AS_A_USER = """
import sys
from pathlib import Path
from app import embedded
home = Path(sys.argv[1])
services = embedded.start(home)
assert embedded.alive(home)
embedded.stop(home)
assert not embedded.alive(home)
print(services.database_url, sorted(path.name for path in home.iterdir()))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user runs all the other tests")
def test_an_ordinary_user_needs_nothing_of_roots() -> None:
    nobody = pwd.getpwnam("nobody")
    python = f"/usr/bin/python3.{sys.version_info.minor}"
    drop = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    site = next(path for path in sys.path if path.endswith("site-packages"))
    with tempfile.TemporaryDirectory(prefix="pixcrawler-user-") as folder:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        env = {"HOME": folder, "PATH": os.defpath, "PYTHONPATH": f"{CHECKOUT}:{site}", "PYTHONDONTWRITEBYTECODE": "1"}
        reachable = subprocess.run([python, "-c", "import app.settings"], env=env, cwd="/", capture_output=True, **drop)  # type: ignore[call-overload] # one of the arguments is a list
        if reachable.returncode != 0:
            pytest.skip("nobody can reach neither this checkout nor a Python for it")
        done = subprocess.run(  # type: ignore[call-overload] # as above
            [python, "-c", AS_A_USER, f"{folder}/home"], env=env, cwd="/", capture_output=True, text=True, **drop
        )
    assert done.returncode == 0, done.stderr
    assert "'postgres', 'postgres.log', 'storage', 'valkey', 'valkey.log']" in done.stdout
