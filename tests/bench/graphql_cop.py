"""The audit of graphql-cop: is anything open that GraphQL services leave open?

    python -m tests.bench.graphql_cop [FOLDER]

Asks an API of its own, in production's settings, as an authenticated user and as nobody. Fetches graphql-cop at a fixed
commit with git unless FOLDER has it, and what it needs into an environment of its own. Prints what is found; exits 1
if that is anything.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from app.auth import issue_token
from app.database import connected
from tests.bench.crawl import say
from tests.bench.peers.environments import python_of
from tests.bench.production import production

SOURCE = "https://github.com/dolevf/graphql-cop"
COMMIT = "2b7e086efae672f28b419c7fcdfe6b48d846c9dc"
FETCH_S = 120.0
AUDIT_S = 120.0


def fetched(folder: Path) -> Path:
    """graphql-cop in `folder`."""
    for command in (["init", "-q"], ["fetch", "-q", "--depth", "1", SOURCE, COMMIT], ["checkout", "-q", COMMIT]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, timeout=FETCH_S)
    return folder


def audit(cop: Path, url: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """All that it looks for, each with its `result`: whether it is open."""
    command = [str(python_of("graphql-cop")), "graphql-cop.py", "-f", "-o", "json", "-t", f"{url}/graphql"]
    for name, value in headers.items():
        command += ["-H", json.dumps({name: value})]
    done = subprocess.run(command, check=True, cwd=cop, timeout=AUDIT_S, capture_output=True, text=True)
    # Before the findings it may tell that it looks although nothing answered it.
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


async def token() -> str:
    """Somebody's token."""
    async with connected(role="bench"):
        return await issue_token()


def main() -> int:
    """Audit the API both ways."""
    with tempfile.TemporaryDirectory(prefix="pixcrawler-cop-") as name, production() as (url, _):
        cop = Path(sys.argv[1]) if len(sys.argv) == 2 else fetched(Path(name))
        bearer = f"Bearer {asyncio.run(token())}"
        open_ways = 0
        for who, headers in (("a user", {"Authorization": bearer}), ("nobody", {})):
            found = audit(cop, url, headers)
            ways = [one for one in found if one["result"]]
            for one in ways:
                say(f"{one['severity']}: {one['title']}: {one['description']}")
            say(f"as {who}: {len(found)} looked for, {len(ways)} found")
            open_ways += len(ways)
    return 1 if open_ways else 0


if __name__ == "__main__":
    sys.exit(main())
