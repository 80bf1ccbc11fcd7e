"""`demo`: the whole journey on real photographs, with everything it needs started and stopped.

It has a home of its own beside `up`'s, so that both can run: its service reaches this machine's gallery, which another
must not. What it starts ends with it, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import click
import orjson
from rich.console import Console

from app.commands import state
from app.commands.client import Json, connected
from app.commands.crawl import DEMO_HOME, run_until_told
from app.commands.crawling import summary
from app.commands.crawling.journey import Journey, Outcome, Wanted
from app.commands.crawling.show import chosen
from app.commands.crawling.target import Target
from app.commands.gallery.records import KEYWORDS
from app.processes import last_line
from app.settings import Settings, environment, settings

DEFAULT_DIR = Path("demo-dataset")
RULES = {"minWidth": 64, "minHeight": 64}
HOST = "127.0.0.1"
PORTS_TRIED = 100
READY_S = 120.0
"""How long the service may take to be ready: its first start makes the database."""
STOP_S = 25.0
KEPT = frozenset({"log_level", "log_json", "decode_threads", "fetch_connections", "worker_chunks"})
"""The settings that the demo's service takes over; the others could lead it elsewhere than to its own home."""


def run(*, once: bool, to: Path | None, force: bool, max_images: int | None, port: int | None, as_json: bool) -> None:
    """Runs the journey, then serves until it is stopped, or ends with `once`. Raises click.ClickException."""
    home = settings().home.resolve() / DEMO_HOME
    target = Target(to or DEFAULT_DIR)
    target.check(force=force)
    with _alone(home):
        run_until_told(_demo(home, target, max_images, port, once=once, as_json=as_json))


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One demo a home: they would serve each other's galleries."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException("A demo runs already: stop it with Ctrl-C in its terminal.") from None
        yield


async def _demo(
    home: Path, target: Target, max_images: int | None, port: int | None, *, once: bool, as_json: bool
) -> None:
    console = Console(stderr=as_json, quiet=as_json)
    started = time.monotonic()
    async with _gallery() as gallery, _service(home, gallery, _free_port(port)) as service:
        console.print(f"Gallery  [cyan]{gallery}[/]\nService  [cyan]{service['url']}[/]\n", highlight=False)
        outcome = await _journey(console, service, target, max_images, as_json=as_json)
        outcome.seconds = round(time.monotonic() - started, 2)
        if as_json:
            click.echo(orjson.dumps(outcome.as_json()))
        if once:
            return
        _invite(console, service)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        console.print("\nStopping.")


async def _journey(
    console: Console, service: Json, target: Target, max_images: int | None, *, as_json: bool
) -> Outcome:
    show = chosen(console, as_json=as_json, stream=False)
    wanted = Wanted("Demo", KEYWORDS, ({"openverse": {}},), target, max_images, rules=RULES)
    async with connected(service["url"], service["token"]) as client:
        show.say(f"Searching the gallery for {', '.join(KEYWORDS)}.")
        with show.running():
            outcome = await Journey(client, wanted, show).run()
        if not as_json:
            summary.show(console, outcome, await summary.reasons(client, outcome.crawl_job_id))
    return outcome


def _invite(console: Console, service: Json) -> None:
    console.print(
        f"\nIt stays up: GraphiQL and the API are at [cyan]{service['graphql_url']}[/]; the token, for the header\n"
        f"[dim]Authorization: Bearer {service['token']}[/]\n"
        "Another crawl of the gallery, in another terminal: [bold]./pixcrawler crawl cat dog[/]. Ctrl-C stops it all.",
        highlight=False,
        soft_wrap=True,
    )


def _free_port(wanted: int | None) -> int:
    """The port asked for, or the next that is free."""
    first = settings().port if wanted is None else wanted
    for port in range(first, min(first + PORTS_TRIED, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return port
    raise click.ClickException(f"The ports from {first} on are all taken: pass --port.")


@contextlib.asynccontextmanager
async def _gallery() -> AsyncIterator[str]:
    """The gallery's process; its address. It listens from the start, so the service need not wait for it."""
    with socket.create_server((HOST, 0), backlog=512) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        command = [sys.executable, "-P", "-m", "app.commands.gallery.server", f"--fd={listener.fileno()}"]
        async with _child(command, environment(), None, listener.fileno()):
            yield url


@contextlib.asynccontextmanager
async def _service(home: Path, gallery: str, port: int) -> AsyncIterator[Json]:
    """The service's processes, on the embedded default in a home of their own; what `up --json` prints."""
    log = home / "up.log"
    await _vacant(home)
    command = [sys.executable, "-P", "-m", "app.cli", "up", "--json", f"--port={port}", "--supervised", str(home)]
    async with _child(command, _environment(home, gallery), log) as process:
        yield await _announced(process, log)


async def _vacant(home: Path) -> None:
    """Waits until the service of a demo that was killed has ended too."""
    deadline = time.monotonic() + STOP_S
    while state.is_supervised(home):
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"A service runs in the demo's home: `PIXCRAWLER_HOME={home} ./pixcrawler down`."
            )
        await asyncio.sleep(0.1)


def _environment(home: Path, gallery: str) -> dict[str, str]:
    """Ours, without the settings that name databases, keys and addresses of a real service."""
    ours = environment()
    for name, field in Settings.model_fields.items():
        if name not in KEPT:
            ours.pop(str(field.validation_alias or f"PIXCRAWLER_{name.upper()}"), None)
    return ours | {
        "PIXCRAWLER_HOME": str(home),
        "PIXCRAWLER_HOST": HOST,
        "PIXCRAWLER_ALLOW_ADDRESSES": "127.0.0.0/8",
        "PIXCRAWLER_OPENVERSE_URL": f"{gallery}/v1/",
    }


@contextlib.asynccontextmanager
async def _child(
    command: list[str], env: dict[str, str], log: Path | None, *descriptors: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that ends with us: its stdin is a pipe, which closes when we end, however we end."""
    with contextlib.ExitStack() as files:
        stderr = files.enter_context(log.open("ab")) if log is not None else None
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=env,
            cwd="/",
            # A Ctrl-C is for us: we end it in order.
            start_new_session=True,
            pass_fds=descriptors,
        )
    try:
        yield process
    finally:
        await asyncio.shield(_ended(process))


async def _ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _announced(process: asyncio.subprocess.Process, log: Path) -> Json:
    """What the service says when it is ready. Raises click.ClickException with its last words where it ends instead."""
    assert process.stdout is not None  # noqa: S101 - a pipe, as it was started
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_S)
        return dict(orjson.loads(line))
    except (TimeoutError, orjson.JSONDecodeError) as error:
        said = last_line(log)
        own = said.removeprefix("pixcrawler: ")
        raise click.ClickException(own if own != said else f"The service did not start: see {log}.") from error
