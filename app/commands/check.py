"""`check`: everything but the tests, from fast to slow."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from app.settings import CHECKOUT, environment

_PYTHON = (sys.executable, "-m")
_CLI = (*_PYTHON, "app.cli")
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", (*_PYTHON, "ruff", "format", "--check", ".")),
    ("lint", (*_PYTHON, "ruff", "check", ".")),
    ("imports", (str(Path(sys.executable).with_name("lint-imports")), "--no-cache")),
    ("sizes and drift", (*_PYTHON, "pytest", "tests/rules", "-n", "0", "-p", "no:cacheprovider")),
    ("tables", (*_CLI, "schema", "check")),
    ("types", (*_PYTHON, "mypy")),
)


def run() -> None:
    """Runs every step, prints each with its time, and what a failed one said; exits 1 where one failed."""
    failed = []
    with tempfile.TemporaryDirectory(prefix="pixcrawler-check-") as home:
        env = _environment(Path(home))
        subprocess.run([*_CLI, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
        for name, command in STEPS:
            if not _passes(name, command, env):
                failed.append(name)
        subprocess.run([*_CLI, "down", "--purge"], env=env, check=True)  # noqa: S603 - ourselves
    if failed:
        raise click.ClickException(f"Failed: {', '.join(failed)}; what each said is above.")


def _environment(home: Path) -> dict[str, str]:
    """Ours, with a home of its own and no database of the user's: checking must not migrate it."""
    ours = {name: value for name, value in environment().items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return ours | {"PIXCRAWLER_HOME": str(home / "home"), "COLUMNS": "120"}


def _passes(name: str, command: tuple[str, ...], env: dict[str, str]) -> bool:
    started = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own tools
        command, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    passed = done.returncode == 0
    click.echo(f"{'ok    ' if passed else 'FAILED'} {name:<16} {time.monotonic() - started:6.1f} s")
    if not passed:
        click.echo(done.stdout)
    return passed
