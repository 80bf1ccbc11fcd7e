"""What keywords are varied to: in a known order, without doubles, each its own keyword's, within limits."""

from __future__ import annotations

import pytest

from app.errors import Invalid
from app.sources.terms import TERMS, TERMS_PER_KEYWORD, terms_of
from app.values import Expansion, Term


def told(*keywords: str, labels: dict[str, dict[str, str]] | None = None, **expansion: object) -> list[tuple[str, str]]:
    terms = terms_of(keywords, Expansion(**expansion), labels or {}, ())  # type: ignore[arg-type] # as the test names them
    return [(one.keyword, one.text) for one in terms]


def test_without_an_expansion_the_keywords_are_the_terms() -> None:
    assert terms_of(("cat", "dog"), Expansion(), {}, ()) == (Term("cat", "cat"), Term("dog", "dog"))


def test_variations_come_after_their_keyword_and_say_what_made_them() -> None:
    expansion = Expansion(("a drawing of a {keyword}",), {"cat": ("kitty",)}, True, ("de", "fr", "ja"))
    found = terms_of(("cat",), expansion, {"cat": {"de": "Hauskatze", "fr": "chat"}}, ())
    assert [(one.text, one.by) for one in found] == [
        ("cat", "keyword"),
        ("kitty", "synonym"),
        ("cats", "plural"),
        ("kitties", "plural"),
        ("Hauskatze", "language"),
        ("chat", "language"),
        ("a drawing of a cat", "template"),
        ("a drawing of a kitty", "template"),
    ]
    assert {one.keyword for one in found} == {"cat"}


def test_a_term_is_sought_once_whatever_its_case_and_a_keyword_stays_its_own() -> None:
    found = told("cat", "Cats", synonyms={"cat": ("KITTY", "kitty", "CAT"), "Cats": ("Kitty",)}, plurals=True)
    assert found == [("cat", "cat"), ("cat", "KITTY"), ("cat", "kitties"), ("Cats", "Cats")]


def test_a_keyword_that_is_not_sought_itself_needs_a_variation() -> None:
    assert told("jaguar", templates=("{keyword} animal",), bare=False) == [("jaguar", "jaguar animal")]
    with pytest.raises(Invalid) as caught:
        told("sheep", plurals=True, bare=False)
    assert caught.value.path == ("bare",)


def test_too_many_terms_of_a_keyword_or_of_a_job_are_refused_with_the_limit() -> None:
    many = tuple(f"word {n}" for n in range(TERMS_PER_KEYWORD))
    with pytest.raises(Invalid) as caught:
        told("cat", synonyms={"cat": many})
    assert (caught.value.limit, caught.value.actual) == (str(TERMS_PER_KEYWORD), str(TERMS_PER_KEYWORD + 1))
    keywords = tuple(f"thing {n}" for n in range(100))
    with pytest.raises(Invalid) as caught:
        told(*keywords, templates=tuple(f"{n} {{keyword}}" for n in range(5)))
    assert (caught.value.limit, caught.value.actual) == (str(TERMS), "600")
    with pytest.raises(Invalid, match="200 characters"):
        told("c" * 150, templates=("{keyword} {keyword}",))
