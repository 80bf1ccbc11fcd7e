"""What the pages name exists: settings, log events, files, links; and each decision has all its parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.settings import CHECKOUT, Settings

PAGES = sorted((CHECKOUT / "docs").rglob("*.md"))
DECISIONS = sorted((CHECKOUT / "docs" / "decisions").glob("*.md"))
PARTS = ("context", "decision", "consequences", "not chosen", "held by")


def named(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_that_a_page_names_is_one(page: Path) -> None:
    known = {
        str(field.validation_alias or f"PIXCRAWLER_{name.upper()}") for name, field in Settings.model_fields.items()
    }

    assert set(re.findall(r"\bPIXCRAWLER_[A-Z_]+\b", page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_within_the_pages_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(((?!https?:|#)[^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    files = re.findall(r"`((?:app|schema|workers|tests|migrations|docs)/[\w./-]+)`", page.read_text())

    assert [file for file in files if not (CHECKOUT / file).exists()] == []


def test_every_log_event_of_the_operations_page_is_written_somewhere() -> None:
    table = (CHECKOUT / "docs" / "operations.md").read_text().split("\n## Logs\n")[1].split("\n## ")[0]
    events = {
        event
        for line in table.splitlines()
        if line.startswith("| `")
        for event in re.findall(r"`(\w+)`", line.split(" | ")[0])
    }

    sources = [path for room in ("app", "workers", "schema") for path in (CHECKOUT / room).rglob("*.py")]
    written = {event for path in sources for event in re.findall(r'log\.\w+\(\s*"(\w+)"', path.read_text())}
    assert events
    assert events <= written


@pytest.mark.parametrize("decision", DECISIONS, ids=named)
def test_a_decision_fits_a_screen_and_has_all_its_parts(decision: Path) -> None:
    text = decision.read_text()

    assert [part for part in PARTS if part not in text.lower()] == []
    assert len(text.splitlines()) <= 60
