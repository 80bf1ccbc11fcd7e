"""What an X-Robots-Tag line says to us: its words, the bots that it names, and rules with values among them."""

from __future__ import annotations

import pytest

from app.opt_outs.x_robots import reserving_word


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("noai, noimageai", "noai"),
        ("NoIndex", "noindex"),
        ("index, follow", None),
        ("pixcrawler: noindex", "noindex"),
        ("*: noimageai", "noimageai"),
        ("otherbot: noindex, noai", None),
        ("otherbot: nofollow, pixcrawler: noindex", "noindex"),
        ("max-snippet: 10, noai", "noai"),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noai", "noai"),
        ("unavailable_after: Fri, 25 Jun 2030 15:00:00 GMT, noai", "noai"),
        ("unavailable_after: Friday, 25-Jun-30 15:00:00 GMT, noindex", "noindex"),
        ("otherbot: unavailable_after: Fri, 25 Jun 2030 15:00:00 GMT, noindex", None),
    ],
)
def test_a_word_binds_us_unless_it_is_meant_for_another_bot(line: str, word: str | None) -> None:
    assert reserving_word(line) == word
