"""The command line's words. What a command does is in `app/commands/`, imported when called: `--help` is quick."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else there.")
TO = click.option(
    "--to", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where the dataset goes."
)
FORCE = click.option("--force", is_flag=True, help="Use DIR although it holds other files.")
FAILURES = click.option(
    "--failures",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save why each image failed, as .csv or .jsonl.",
)
PORT = click.option("--port", type=click.IntRange(0, 65535), help="Port of the API: 8000 unless told, 0 takes any.")
SUPERVISED = click.option("--supervised", hidden=True, metavar="HOME", help="Ends when stdin does.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """PixCrawler: from keywords or a list of URLs to an image dataset. Begin with `demo`."""


@commands.command()
@click.option("--detach", is_flag=True, help="Return once the service is ready; `down` stops it.")
@PORT
@click.option("--workers", type=click.IntRange(0, 64), help="Worker processes: one per core unless told.")
@SUPERVISED
@JSON
def up(detach: bool, port: int | None, workers: int | None, supervised: str | None, as_json: bool) -> None:
    """Run the service: database and Redis where none are set, the API and workers."""
    from app.commands.up import run

    run(detach=detach, port=port, workers=workers, as_json=as_json, supervised=supervised is not None)


@commands.command()
@click.option("--once", is_flag=True, help="Stop all that it started and exit, once the dataset is there.")
@TO
@FORCE
@click.option("--max-images", type=click.IntRange(1), help="Images to keep.")
@PORT
@JSON
def demo(**options: Any) -> None:
    """Show the whole journey on real photographs: gallery, crawl, validation, export."""
    from app.commands.demo import run

    run(**options)


@commands.command()
@click.argument("keywords", nargs=-1, metavar="[KEYWORD]...")
@click.option("--urls", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A list of image URLs.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="A source to ask; several where repeated.")
@click.option("--template", "templates", multiple=True, metavar="T", help="Also search for T, e.g. 'old {keyword}'.")
@click.option("--synonym", "synonyms", multiple=True, metavar="KEYWORD=WORD", help="Also search for WORD.")
@click.option("--plurals", is_flag=True, help="Also search for plurals and singulars (English).")
@click.option("--language", "languages", multiple=True, metavar="L", help="Also search in language L, by Wikidata.")
@click.option("--preview", is_flag=True, help="Only show what the sources have.")
@click.option("--again", metavar="JOB_ID", help="Crawl this ended job again: only what is new or changed is fetched.")
@FAILURES
@click.option("--max-images", type=click.IntRange(1), help="Images to keep.")
@click.option("--export", "export_format", metavar="FORMAT", default="zip", show_default=True)
@TO
@FORCE
@click.option("--url", metavar="U", help="A service that runs elsewhere; this home's unless told.")
@click.option("--token", metavar="T", help="The bearer token for it.")
@JSON
def crawl(**options: Any) -> None:
    """Crawl by keywords or a list of URLs through the API, and download the dataset."""
    from app.commands.crawl import run

    run(**options)


@commands.command()
@JSON
def status(as_json: bool) -> None:
    """Show what runs in this home; exits 1 where nothing does."""
    from app.commands.status import run

    run(as_json=as_json)


@commands.command()
@click.option("--purge", is_flag=True, help="Remove the home too: database, images, exports.")
def down(purge: bool) -> None:
    """Stop all that runs in this home."""
    from app.commands.down import run

    run(purge=purge)


@commands.command()
@PORT
@click.option("--fd", hidden=True, type=int, help="A listening socket, handed down.")
@SUPERVISED
def api(port: int | None, fd: int | None, supervised: str | None) -> None:
    """Run one API process."""
    from app.commands.api import run

    run(port=port, fd=fd, supervised=supervised is not None)


@commands.command()
@click.option("--queue", type=click.Choice(["crawl", "export"]), help="Work on this queue only: both unless told.")
@SUPERVISED
def worker(queue: str | None, supervised: str | None) -> None:
    """Run one worker process."""
    from app.commands.worker import run

    run(queue=queue, supervised=supervised is not None)


@commands.command()
@click.option("--down", "version", metavar="VERSION", help="Undo this migration and all later ones; 0 undoes all.")
def migrate(version: str | None) -> None:
    """Bring the database's tables to the newest version; many may call it at once."""
    from app.commands.migrate import run

    run(down=version)


@commands.command()
@click.option("--email", help="Whose profile, made if new; the local user's unless told.")
@click.option("--role", type=click.Choice(["user", "admin"]), default="user", show_default=True)
@click.option("--expires-s", type=click.IntRange(1), default=30 * 86_400, show_default=True, help="Seconds it holds.")
def token(email: str | None, role: str, expires_s: int) -> None:
    """Print a bearer token of the local issuer, alone on the last line."""
    from app.commands.token import run

    run(email=email, role=role, expires_s=expires_s)


@commands.command()
@JSON
def doctor(as_json: bool) -> None:
    """Look at database, Redis, storage, workers, sources and settings, and say what to do."""
    from app.commands.doctor import run

    run(as_json=as_json)


@commands.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Run the tests; takes pytest's arguments."""
    from app.commands.test import run

    run(arguments)


@commands.command()
def check() -> None:
    """Check everything but the tests: format, lint, types, imports, sizes, drift, SDL."""
    from app.commands.check import run

    run()


@commands.group()
def schema() -> None:
    """The tables against their contract, and the API's SDL."""


@schema.command("check")
@JSON
def schema_check(as_json: bool) -> None:
    """Compare the database with the contract, name by name."""
    from app.commands.schema import check

    check(as_json=as_json)


@schema.command("documents")
@click.argument("manifest", type=click.Path(path_type=Path))
def schema_documents(manifest: Path) -> None:
    """Check a manifest of trusted documents: its hashes, and every document against the schema and the limits."""
    from app.commands.schema import documents

    documents(manifest)


@schema.command("export")
def schema_export() -> None:
    """Print the API's SDL."""
    from app.commands.schema import export

    export()


def main() -> NoReturn:
    """The console script: exits 0 on success, 1 on failure, 2 on wrong use.

    The process ends without the interpreter's own farewell: object storage's native threads, still idling, abort it now
    and then ("Aborted", status 134), after all is done and told. Whatever needs closing is closed by its own block.
    """
    code = 0
    try:
        _run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - here the process ends: shown as the interpreter would, and status 1
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _run(arguments: list[str] | None = None) -> None:
    # A shell script starts `pixcrawler up &` with Ctrl-C ignored; `kill -INT` must end it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        commands.main(arguments, prog_name="pixcrawler", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "pixcrawler"
        _end(2, f"{error.format_message()} (see `./{path} --help`)")
    except click.ClickException as error:
        _end(error.exit_code, error.format_message())
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read stdout has gone, e.g. `| head`; the interpreter would complain while it flushes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # where a command ends: known failures become a sentence, others are raised
        from app.commands.failures import sentence

        message = sentence(error)
        if message is None:
            raise
        _end(1, message)


def _end(code: int, message: str) -> None:
    click.echo(f"pixcrawler: {' '.join(message.split())}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
