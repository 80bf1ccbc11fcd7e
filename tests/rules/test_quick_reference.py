"""docs/quick-reference.md lists what the code has: commands, states, arrows, codes, places."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from app import errors
from app.cli import commands
from app.models import states
from app.settings import CHECKOUT
from app.values import RefusalCode

PAGE = (CHECKOUT / "docs" / "quick-reference.md").read_text()

ROWS = {
    "project": (states.ProjectStatus, states.PROJECT),
    "crawl job": (states.CrawlJobStatus, states.CRAWL_JOB),
    "image": (states.ImageStatus, states.IMAGE),
    "validation job": (states.ValidationJobStatus, states.VALIDATION_JOB),
    "export job": (states.ExportJobStatus, states.EXPORT_JOB),
}


def rows(section: str, cells: int) -> Iterator[list[str]]:
    """The rows of the tables of a section that have so many cells, without their heads."""
    text = re.split(r"^## ", PAGE.split(f"\n## {section}\n")[1], flags=re.MULTILINE)[0]
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        for line in table.splitlines()[2:]:
            found = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if len(found) == cells:
                yield found


def names_of(group: click.Group) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from (f"{name} {below}" for below in names_of(command))
        elif not command.hidden:
            yield name


def test_every_command_stands_there_with_options_that_it_has() -> None:
    written = {}
    for usage, _ in rows("Commands", 2):
        words = re.sub(r"\[.*|\s<.*", "", usage.strip("`").removeprefix("./pixcrawler ")).strip()
        written[words] = set(re.findall(r"--[a-z-]+", usage))

    assert written.keys() == set(names_of(commands))
    for words, options in written.items():
        command: click.Command = commands
        for word in words.split():
            assert isinstance(command, click.Group)
            command = command.commands[word]
        assert options <= {name for parameter in command.params for name in parameter.opts}, words


def test_every_state_stands_there() -> None:
    written = {row: found.split(", ") for row, found, _ in rows("States", 3)}

    assert written == {row: [str(state) for state in known] for row, (known, _) in ROWS.items()}


def test_a_final_state_is_one_that_nothing_leaves_by_itself() -> None:
    written = {row: tuple(final.split(", ")) for row, _, final in rows("States", 3) if final}

    assert written["crawl job"] == states.CRAWL_FINAL
    assert set(written["validation job"] + written["export job"]) == set(states.TASK_FINAL)


def test_every_arrow_stands_there() -> None:
    written = [(row, verb, tuple(start.split(", ")), end) for row, verb, start, end in rows("States", 4)]

    known = [(row, verb, start, end) for row, (_, arrows) in ROWS.items() for verb, (start, end) in arrows.items()]
    assert sorted(written) == sorted(known)


def test_every_error_code_stands_there() -> None:
    written = {code.strip("`") for code, _ in rows("Error codes", 2)}

    raised = {one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.AppError)}
    of_graphql = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL"}
    assert written == raised | of_graphql


def test_every_reason_against_an_image_stands_there_in_order() -> None:
    assert [code.strip("`") for code, _ in rows("Why an image was not taken", 2)] == [str(code) for code in RefusalCode]


@pytest.mark.parametrize("place", re.findall(r"`((?:app|schema|workers|migrations)/[\w./]*)`", PAGE))
def test_every_place_exists(place: str) -> None:
    assert (CHECKOUT / place).exists()
