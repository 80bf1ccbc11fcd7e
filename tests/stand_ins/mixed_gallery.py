"""A folder of some 400 real files, good and bad, with what must become of each, and a server for them.

`build` makes the files from the photographs that the project ships (the same ones every time, but for the animated
AVIF, which has the time in it); `serve` offers them on loopback, with a few answers that no file can give (statuses,
redirects, a body that ends early); `differences` compares what a crawl made of them with what must be.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from tests.stand_ins import bad_files, good_files
from tests.stand_ins.expected import Expected, Maker

REDIRECT_TARGET = "hidden/behind-a-redirect.jpg"
"""Served and not listed: the rows are the redirects that lead to it."""
SHORT_BODY_BYTES = 5_000
"""What the cut answer sends of what it announced."""


def build(folder: Path) -> list[Expected]:
    """Write the files below `folder` and say what must become of each path; some paths are answers and no files."""
    with ThreadPoolExecutor(4) as threads:
        made = [one for batch in threads.map(lambda make: list(make()), _makers()) for one in batch]
    for one in made:
        one.write(folder)
    (folder / REDIRECT_TARGET).parent.mkdir(parents=True, exist_ok=True)
    (folder / REDIRECT_TARGET).write_bytes(good_files.plain("chelsea.jpg", 97, "JPEG"))
    return [one.expected for one in made] + list(ANSWERED)


def _makers() -> list[Maker]:
    return [*good_files.makers(), *bad_files.makers()]


@dataclass(frozen=True)
class _Answer:
    """What the server says for a path that is no file."""

    expected: Expected
    status: int = 200
    location: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


_ANSWERS = (
    _Answer(Expected("answers/missing.jpg", "failed", "http_status"), 404),
    _Answer(Expected("answers/gone.png", "failed", "http_status"), 410),
    _Answer(Expected("answers/forbidden.jpg", "failed", "http_status"), 403),
    _Answer(Expected("answers/broken-server.jpg", "failed", "http_status"), 500),
    _Answer(Expected("answers/moved.jpg", "downloaded", None, format="jpeg"), 302, f"/{REDIRECT_TARGET}"),
    _Answer(
        Expected("answers/moved-in-a-circle.jpg", "failed", "too_many_redirects"), 302, "/answers/moved-in-a-circle.jpg"
    ),
    _Answer(Expected("answers/moved-to-a-file.jpg", "failed", "bad_url"), 302, "file:///etc/hostname"),
    _Answer(Expected("answers/reserved.jpg", "failed", "opt_out"), 200, None, (("X-Robots-Tag", "noai, noimageai"),)),
    _Answer(Expected("answers/cut-connection.jpg", "failed", "truncated")),
)
ANSWERED = tuple(one.expected for one in _ANSWERS)
_BY_PATH = {"/" + one.expected.path: one for one in _ANSWERS}


@contextlib.asynccontextmanager
async def serve(folder: Path) -> AsyncIterator[str]:
    """Serve what `build` made on a free loopback port; the base URL, which ends in a slash."""
    application = web.Application()

    async def file(request: web.Request) -> web.StreamResponse:
        path = folder / request.match_info["path"]
        # Suffixes lie here on purpose, and types with them; a crawler goes by the content.
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    application.router.add_get("/answers/{name}", _answer)
    application.router.add_get("/{path:.*}", file)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def _answer(request: web.Request) -> web.StreamResponse:
    answer = _BY_PATH.get(request.path)
    if answer is None:
        return web.Response(status=404)
    if answer.expected.code == "truncated":
        return await _cut(request)
    headers = dict(answer.headers) | ({"Location": answer.location} if answer.location else {})
    return web.Response(status=answer.status, headers=headers, body=good_files.plain("coffee.jpg", 98, "JPEG"))


async def _cut(request: web.Request) -> web.StreamResponse:
    """Announces a whole photograph, sends its beginning, and hangs up."""
    body = good_files.plain("china.jpg", 99, "JPEG")
    response = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": "image/jpeg"})
    await response.prepare(request)
    await response.write(body[:SHORT_BODY_BYTES])
    if request.transport is not None:
        request.transport.close()
    return response


def differences(expected: Iterable[Expected], found: Mapping[str, tuple[str, str | None]]) -> list[str]:
    """What a crawl made of the files, against what must be: a line for each path that differs.

    `found` gives, by path, the row's status and the code of its first issue. Of files with the same bytes exactly one
    is `downloaded`, whichever came first, and the others are `duplicate`.
    """
    lines, groups = [], dict[str, list[str]]()
    for one in expected:
        if one.path not in found:
            lines.append(f"{one.path}: no row")
        elif one.same_bytes is not None:
            groups.setdefault(one.same_bytes, []).append(one.path)
        elif found[one.path] != (one.status, one.code):
            lines.append(f"{one.path}: is {found[one.path]}, must be {(one.status, one.code)}")
    for name, paths in groups.items():
        states = sorted(found[path] for path in paths)
        if states != sorted([("downloaded", None), *[("duplicate", "duplicate")] * (len(paths) - 1)], key=str):
            lines.append(f"{name} and its copies: {states}")
    return lines
