"""The drawings of docs/journey.md show the arrows that there are, and no others."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest

from app.models import states
from app.models.states import Arrows
from app.settings import CHECKOUT

PAGE = (CHECKOUT / "docs" / "journey.md").read_text()
DRAWN: dict[str, tuple[Arrows, type[StrEnum], str]] = {
    "Project": (states.PROJECT, states.ProjectStatus, "active"),
    "Crawl job": (states.CRAWL_JOB, states.CrawlJobStatus, "pending"),
    "Image": (states.IMAGE, states.ImageStatus, "pending"),
    "Validation job": (states.VALIDATION_JOB, states.ValidationJobStatus, "pending"),
    "Export job": (states.EXPORT_JOB, states.ExportJobStatus, "pending"),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_drawing_shows_every_arrow_and_no_other(kind: str) -> None:
    arrows, known, first = DRAWN[kind]
    drawing = PAGE.split(f"\n### {kind}\n")[1].split("```mermaid\n")[1].split("```")[0]
    assert re.findall(r"\[\*\] --> (\w+)", drawing) == [first]
    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)$", drawing, re.MULTILINE)
    assert len(drawn) == len(set(drawn)) == drawing.count("-->") - 1
    assert set(drawn) == {(source, target, verb) for verb, (sources, target) in arrows.items() for source in sources}
    assert {state for arrow in drawn for state in arrow[:2]} == {str(state) for state in known}


def test_every_kind_of_row_with_states_is_drawn() -> None:
    assert {name for name, value in vars(states).items() if name.isupper() and isinstance(value, dict)} == {
        name.upper().replace(" ", "_") for name in DRAWN
    }
