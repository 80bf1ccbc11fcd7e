"""The audit of the npm package graphql-http: does the endpoint keep to GraphQL over HTTP?

    python -m tests.bench.http_audit [URL TOKEN]

Needs Node and npm, and fetches the package into a temporary folder. Audits a running service, or without arguments one
of its own on embedded servers. Prints what fails and a count for each level; exits 1 where a MUST or a SHOULD fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn

from app.auth import issue_token
from app.database import migrate
from app.embedded import start, stop
from app.main import create_app
from app.settings import adopt

PACKAGES = ("graphql-http@1.23.1", "graphql@16.11.0")
SCRIPT = """
import { auditServer } from "graphql-http";
const [url, token] = process.argv.slice(2);
const fetchFn = (input, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  headers.set("graphql-require-preflight", "1");
  return fetch(input, { ...init, headers });
};
const counts = {};
let failed = 0;
for (const found of await auditServer({ url, fetchFn })) {
  const level = found.name.split(" ")[0];
  const count = (counts[level] ??= { passed: 0, failed: 0 });
  count[found.status === "ok" ? "passed" : "failed"] += 1;
  if (found.status === "ok") continue;
  failed += level !== "MAY";
  console.log(`${found.status}: ${found.name}: ${found.reason}`);
}
for (const [level, { passed, failed }] of Object.entries(counts))
  console.log(`${level}: ${passed} pass, ${failed} fail`);
process.exit(failed ? 1 : 0);
"""


@contextlib.asynccontextmanager
async def service() -> AsyncIterator[tuple[str, str]]:
    """The address of the whole service without workers, and a token."""
    await migrate()
    server = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/graphql"
        yield url, await issue_token()
    finally:
        server.should_exit = True
        await serving


async def run(folder: Path, *command: str) -> int:
    """The exit code of a command, whose words are ours too."""
    process = await asyncio.create_subprocess_exec(*command, cwd=folder)
    return await process.wait()


async def audit(folder: Path, url: str, token: str) -> int:
    """Fetch the package and run its audit; 0 where all passes that must or should."""
    (folder / "audit.mjs").write_text(SCRIPT)
    fetched = await run(folder, "npm", "install", "--silent", "--no-fund", "--no-audit", *PACKAGES)
    return fetched or await run(folder, "node", "audit.mjs", url, token)


async def main() -> int:
    """Audit what the arguments name."""
    if shutil.which("npm") is None:
        sys.stderr.write("The audit needs Node and npm.\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="pixcrawler-audit-") as name:
        folder = Path(name)
        if len(sys.argv) == 3:
            return await audit(folder, sys.argv[1], sys.argv[2])
        servers = start(folder)
        adopt({"PIXCRAWLER_HOME": name, "PIXCRAWLER_LOG_LEVEL": "CRITICAL", **servers.environment()})
        try:
            async with service() as (url, token):
                return await audit(folder, url, token)
        finally:
            stop(folder)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
