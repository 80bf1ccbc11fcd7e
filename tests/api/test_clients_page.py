"""What the page of clients shows is what the clients' tests run."""

from __future__ import annotations

import re
import textwrap

import pytest

from app.settings import CHECKOUT
from tests.rules.tracked import tracked_files

PAGE = (CHECKOUT / "docs" / "clients.md").read_text()
SNIPPETS = re.findall(r"^```\w+\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)
CLIENTS = CHECKOUT / "tests" / "clients"
SOURCES = [path for path in tracked_files() if CLIENTS in path.parents and path.suffix in (".ts", ".json")]


def plain(text: str) -> str:
    """The text's lines without what they are indented by."""
    return "\n".join(line.strip() for line in textwrap.dedent(text).strip().splitlines())


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.splitlines()[0][:40])
def test_a_snippet_is_cut_from_a_client_that_is_tested(snippet: str) -> None:
    assert [path.name for path in SOURCES if plain(snippet) in plain(path.read_text())]


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (CLIENTS / "package-lock.json").read_text()
