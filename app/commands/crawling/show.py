"""How far a journey is: bars on a terminal, lines elsewhere, JSON lines for a program, or nothing."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

DOWNLOAD_EVERY_S = 0.1
STAGES = {"crawl": "Crawl", "validation": "Validate", "export": "Export", "download": "Download"}


@dataclass(frozen=True, slots=True)
class News:
    """One moment of a stage: percent, a few words for a person, the numbers for a program."""

    stage: str
    percent: float
    words: str
    fields: dict[str, Any] = field(default_factory=dict)
    final: bool = False


class Show:
    """Shows nothing; the others tell more."""

    def running(self) -> AbstractContextManager[Any]:
        """Entered while there is progress to show."""
        return nullcontext()

    def tell(self, news: News) -> None:
        """Something moved."""

    def say(self, words: str) -> None:
        """A sentence for a person."""


class JsonLines(Show):
    """One JSON object a line on stdout; sentences go to stderr."""

    def say(self, words: str) -> None:
        sys.stderr.write(words + "\n")

    def tell(self, news: News) -> None:
        line = {"event": "progress", "stage": news.stage, "progress": int(news.percent)} | news.fields
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()


class Lines(Show):
    """A line for each stage that has ended: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def tell(self, news: News) -> None:
        if news.final:
            self._console.print(f"{STAGES[news.stage]:<9} {news.words}", highlight=False, soft_wrap=True)

    def say(self, words: str) -> None:
        self._console.print(words, highlight=False, soft_wrap=True, markup=False)


class Bars(Lines):
    """A live bar for each stage."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[words]}", style="dim"),
            TimeElapsedColumn(),
            console=console,
        )

    def running(self) -> AbstractContextManager[Any]:
        return self._progress

    def tell(self, news: News) -> None:
        task = self._tasks.get(news.stage)
        if task is None:
            task = self._tasks[news.stage] = self._progress.add_task(STAGES[news.stage], total=100, words="")
        # A stage that has ended is full, whatever share of its goal it came to.
        self._progress.update(task, completed=100 if news.final else min(news.percent, 99), words=news.words)


def chosen(console: Console, *, as_json: bool, stream: bool) -> Show:
    """How to show: JSON lines where a stream of them was asked for, nothing beside a single object, bars or lines."""
    if as_json:
        return JsonLines() if stream else Show()
    return Bars(console) if console.is_terminal else Lines(console)


class Paced:
    """Lets a callback through at most every DOWNLOAD_EVERY_S seconds."""

    def __init__(self) -> None:
        self._last = 0.0

    def due(self) -> bool:
        """Whether it is time again."""
        now = time.monotonic()
        if now - self._last < DOWNLOAD_EVERY_S:
            return False
        self._last = now
        return True


def megabytes(size: float) -> str:
    """Bytes in MB, for a person."""
    return f"{size / 1e6:,.1f} MB"
