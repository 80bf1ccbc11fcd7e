"""The API with the clients that apps are made of, unmodified: each is generated from the SDL and the first operations,
type-checked, and goes through all of them against the running service.

Needs Node 20 or newer and `npm ci` in this folder; without them the tests are skipped. Not in the usual run, since
building takes longer than all other tests of a room: `pixcrawler test tests/clients`.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.settings import CHECKOUT
from tests.stand_ins.misbehaving import MisbehavingHost, image
from tests.stand_ins.pictures import jpeg
from tests.support.asking import at
from tests.support.service import Person, running_worker

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
SMALL, LARGE = 2, 5
BUILD_TIMEOUT_S = 100.0
JOURNEY_TIMEOUT_S = 60.0


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the clients, generated from the SDL and the first operations, and type-checked."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed.")
    if not PACKAGES.is_dir():
        pytest.skip("The packages are not installed: run `npm ci` in tests/clients.")
    folder = tmp_path_factory.mktemp("clients") / "project"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules", "*.py", "__pycache__"))
    shutil.copytree(CHECKOUT / "docs" / "api", folder / "api")
    shutil.copy(CHECKOUT / "docs" / "schema.graphql", folder)
    (folder / "node_modules").symlink_to(PACKAGES)
    done = subprocess.run(
        ["npm", "run", "--silent", "build"], cwd=folder, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


async def run(folder: Path, client: str, **environment: str) -> dict[str, Any]:
    """What the client's journey ends with."""
    process = await asyncio.create_subprocess_exec(
        *("node", "built/run.js", client),
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(JOURNEY_TIMEOUT_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out))


@pytest.mark.parametrize("client", ["typed_fetch", "apollo", "urql", "urql_events", "urql_graphcache", "relay"])
async def test_a_typed_client_goes_from_the_viewer_to_a_downloaded_dataset(
    built: Path, owner: Person, db: asyncpg.Connection, client: str
) -> None:
    sizes = [(60, 40)] * SMALL + [(300 + n, 200) for n in range(LARGE)]
    pictures = {f"/{n}.jpg": image(jpeg(*size, seed=n)) for n, size in enumerate(sizes)}
    for name in ("Cats", "Dogs"):
        await owner.project(name)
    async with MisbehavingHost(pictures) as host, running_worker():
        found = await run(
            built,
            client,
            SERVICE_URL=f"{owner.url}/graphql",
            SERVICE_TOKEN=owner.token,
            IMAGE_HOST=host.url(""),
            SMALL=str(SMALL),
            LARGE=str(LARGE),
        )
    assert (found["validation"], found["invalid"], found["exported"]) == ("COMPLETED", SMALL, "COMPLETED")
    async with owner.session.get(at(owner.url, found["downloadUrl"])) as response:
        archive = zipfile.ZipFile(io.BytesIO(await response.read()))
    assert len(archive.read("metadata.jsonl").splitlines()) == LARGE
