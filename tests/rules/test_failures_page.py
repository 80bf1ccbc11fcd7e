"""docs/failures.md explains every reason for which an image fails, and every column of the ledger."""

from __future__ import annotations

import re

from app.exports.ledger import COLUMNS
from app.jobs.failures import SAYS
from app.settings import CHECKOUT
from app.values import RefusalCode

PAGE = (CHECKOUT / "docs" / "failures.md").read_text()


def first_cells(section: str) -> list[str]:
    """What stands in the first cells of a section's tables, in code marks."""
    text = re.split(r"^## ", PAGE.split(f"\n## {section}\n")[1], flags=re.MULTILINE)[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [code for cell in cells for code in re.findall(r"`([\w_]+)`", cell)]


def test_every_reason_that_the_engine_gives_is_explained_and_no_other() -> None:
    texts = [path.read_text() for path in (CHECKOUT / "app" / "fetching").glob("*.py")]
    given = {RefusalCode[name] for text in texts for name in re.findall(r"RefusalCode\.([A-Z_]+)", text)}

    assert given <= set(SAYS)
    assert sorted(first_cells("What the reasons mean")) == sorted(str(code) for code in SAYS)


def test_every_column_of_the_file_is_explained_in_its_order() -> None:
    assert tuple(first_cells("The whole as a file")) == COLUMNS
