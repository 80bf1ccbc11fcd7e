"""`crawl`: keywords or a list of URLs to a dataset, through the API of a service that runs."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click
import orjson
from rich.console import Console

from app.commands import state
from app.commands.client import Client, Json, ServiceRefused, connected
from app.commands.crawling import documents, ledger, preview, summary
from app.commands.crawling.journey import Journey, Wanted
from app.commands.crawling.show import chosen
from app.commands.crawling.target import Target
from app.settings import settings

DEFAULT_DIR = Path("dataset")
DEMO_HOME = "demo"
"""The demo's home lies in this folder of the home: what it runs is used where nothing else does."""
KEYWORD_SOURCE = "openverse"
"""Asked where keywords are given and no source is named."""
LIST_SOURCE = "url_list"
CRAWL_JOB = "CrawlJob"


class Options(TypedDict):
    """The command's options, by click's names."""

    keywords: tuple[str, ...]
    urls: Path | None
    sources: tuple[str, ...]
    templates: tuple[str, ...]
    synonyms: tuple[str, ...]
    plurals: bool
    languages: tuple[str, ...]
    preview: bool
    again: str | None
    failures: Path | None
    max_images: int | None
    export_format: str
    to: Path | None
    force: bool
    url: str | None
    token: str | None
    as_json: bool


def run(**options: Unpack[Options]) -> None:
    """Crawls, exports and downloads, or previews. Raises click.ClickException, and click.UsageError for wrong use."""
    keywords, urls = options["keywords"], options["urls"]
    again, sources = _again(options), _sources(options)
    target = Target(options["to"] or DEFAULT_DIR)
    if not options["preview"]:
        target.check(force=options["force"])
    if options["failures"] is not None:
        if options["preview"]:
            raise click.UsageError("--preview fetches nothing: no failures are to be saved.")
        ledger.check(options["failures"])
    service, token = _service(options["url"], options["token"])
    wanted = Wanted(
        name=", ".join(keywords) or (urls.name if urls else ""),
        keywords=keywords,
        sources=tuple({_camel(name): {}} for name in dict.fromkeys(sources) if name != LIST_SOURCE),
        target=target,
        max_images=options["max_images"],
        urls=urls,
        export_format=options["export_format"].upper(),
        expansion=_expansion(options),
        failures=options["failures"],
        again=again,
    )
    work = _preview if options["preview"] else _crawl
    run_until_told(work(service, token, wanted, sources, as_json=options["as_json"]))


def _sources(options: Options) -> tuple[str, ...]:
    """The sources that are asked, by name; none where a job is crawled again, which has its own."""
    given, urls = options["sources"], options["urls"]
    if options["again"] is not None:
        return ()
    if not options["keywords"] and urls is None:
        raise click.UsageError("Nothing to crawl: give keywords, or a list of URLs with --urls.")
    if LIST_SOURCE in given and urls is None:
        raise click.UsageError("The source url_list is a file: give it with --urls.")
    return given or ((KEYWORD_SOURCE,) if urls is None else ())


def _again(options: Options) -> str | None:
    """The global id of the job that is crawled again, given as such or as its number."""
    told = options["again"]
    if told is None:
        return None
    asked: dict[str, object] = {
        "keywords": options["keywords"],
        "--urls": options["urls"],
        "--source": options["sources"],
        "--template": options["templates"],
        "--synonym": options["synonyms"],
        "--plurals": options["plurals"],
        "--language": options["languages"],
        "--preview": options["preview"],
        "--max-images": options["max_images"],
    }
    clashes = [name for name, given in asked.items() if given]
    if clashes:
        raise click.UsageError(f"--again asks what the job asked: leave {', '.join(clashes)} out.")
    return f"{CRAWL_JOB}:{told}" if told.isdecimal() else told


def _expansion(options: Options) -> Json | None:
    """A KeywordExpansionInput; None where nothing is to be varied."""
    synonyms: dict[str, list[str]] = {}
    for told in options["synonyms"]:
        keyword, sign, word = told.partition("=")
        if not sign or not keyword.strip() or not word.strip():
            raise click.UsageError(f"--synonym is written KEYWORD=WORD, not {told}.")
        synonyms.setdefault(keyword.strip(), []).append(word.strip())
    expansion: Json = {
        "templates": list(options["templates"]),
        "synonyms": [{"keyword": keyword, "synonyms": words} for keyword, words in synonyms.items()],
        "plurals": options["plurals"],
        "languages": list(options["languages"]),
    }
    return expansion if any(expansion.values()) else None


async def _preview(service: str, token: str | None, wanted: Wanted, sources: tuple[str, ...], *, as_json: bool) -> None:
    async with connected(service, token) as client:
        await _check_sources(client, sources, usable=False)
        entries = await preview.ask(client, wanted)
    if as_json:
        click.echo(orjson.dumps({"entries": entries}))
    else:
        preview.show(Console(), entries)


def run_until_told(work: Coroutine[Any, Any, None]) -> None:
    """Runs `work`; SIGTERM ends it in order, as Ctrl-C does."""

    async def listening() -> None:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await work

    try:
        asyncio.run(listening())
    except asyncio.CancelledError:
        sys.exit(143)


async def _crawl(service: str, token: str | None, wanted: Wanted, sources: tuple[str, ...], *, as_json: bool) -> None:
    console = Console(stderr=as_json)
    show = chosen(console, as_json=as_json, stream=True)
    async with connected(service, token) as client:
        await _check_sources(client, sources)
        try:
            with show.running():
                outcome = await Journey(client, wanted, show).run()
        except ServiceRefused as refused:
            if refused.code == "GRAPHQL_VALIDATION_FAILED":
                raise click.UsageError(refused.message) from refused
            raise
        if as_json:
            click.echo(orjson.dumps(outcome.as_json()))
        else:
            summary.show(console, outcome, await summary.reasons(client, outcome.crawl_job_id))


async def _check_sources(client: Client, names: tuple[str, ...], *, usable: bool = True) -> None:
    """Raises click.UsageError for a source that there is not, ClickException where one must be usable and is not."""
    known: dict[str, Json] = {one["name"]: one for one in (await client.execute(documents.SOURCES, {}))["sources"]}
    for name in names:
        if name not in known:
            raise click.UsageError(f"There is no source {name}: known are {', '.join(sorted(known))}.")
        if usable and not known[name]["available"]:
            raise click.ClickException(f"The source {name} cannot be used: {known[name]['reason']}")


def _service(url: str | None, token: str | None) -> tuple[str, str | None]:
    """Address and token: as told, or of what runs in this home, or of the demo that runs beside it."""
    if url is not None:
        return url, token
    home = settings().home.resolve()
    for place in (home, home / DEMO_HOME):
        running = state.read(place)
        if running is not None and running.url and state.is_supervised(place):
            return running.url, token or running.token
    raise click.ClickException(
        f"Nothing runs in {home}: start `./pixcrawler up --detach`, or name a service with --url."
    )


def _camel(name: str) -> str:
    """A source's name as a member of SourceInput."""
    return re.sub(r"_(\w)", lambda match: match.group(1).upper(), name)
