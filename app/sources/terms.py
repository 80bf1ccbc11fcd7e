"""From keywords to what sources are asked for: the keyword itself, and variations of it that keep it as their label.

Nothing here asks anybody: labels in other languages are handed in. The terms of a keyword come in the order of
`BY`, without doubles; a term that is another keyword of the job is that one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from app.errors import Invalid
from app.sources.base import KEYWORD_CHARS
from app.sources.plurals import other_number
from app.values import Expansion, Term

TERMS_PER_KEYWORD = 50
TERMS = 500
"""Of a job: what is known of each is written whenever candidates are recorded."""
PLACEHOLDER = "{keyword}"
BY = ("keyword", "synonym", "plural", "language", "template")
"""What makes a term."""

Labels = Mapping[str, Mapping[str, str]]
"""Keyword → language code → its name in that language."""


def terms_of(keywords: Sequence[str], expansion: Expansion, labels: Labels, path: Sequence[str]) -> tuple[Term, ...]:
    """All terms of a job, keyword by keyword. Raises Invalid, whose `path` is the expansion's, over a limit."""
    taken = {_key(keyword) for keyword in keywords}
    own: set[str] = set()
    terms: list[Term] = []
    for keyword in keywords:
        found: dict[str, Term] = {}
        for text, by in _variations(keyword, expansion, labels.get(keyword, {})):
            is_own = by == BY[0]
            key = _key(text)
            if key in (own if is_own else taken) or key in found:
                continue
            found[key] = Term(keyword, _checked(text, by, path), by)
            (own if is_own else taken).add(key)
        if not found and not expansion.bare:
            raise Invalid(f"{keyword} has no variation, and is not to be sought itself.", path=[*path, "bare"])
        _check_count(f"{keyword} is sought by", len(found), TERMS_PER_KEYWORD, path)
        terms += found.values()
    _check_count("The keywords are sought by", len(terms), TERMS, path)
    return tuple(terms)


def _variations(keyword: str, expansion: Expansion, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Terms and what makes them; templates are filled with what the user wrote, whose grammar they know."""
    written = (keyword, *expansion.synonyms.get(keyword, ()))
    if expansion.bare:
        yield keyword, "keyword"
    for synonym in written[1:]:
        yield synonym, "synonym"
    if expansion.plurals:
        for word in written:
            form = other_number(word)
            if form is not None:
                yield form, "plural"
    for code in expansion.languages:
        if code in labels:
            yield labels[code], "language"
    for template in expansion.templates:
        for word in written:
            yield template.replace(PLACEHOLDER, word), "template"


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()


def _checked(text: str, by: str, path: Sequence[str]) -> str:
    if len(text) > KEYWORD_CHARS:
        raise Invalid(
            f"A term has at most {KEYWORD_CHARS} characters; {text[:40]}… ({by}) has {len(text)}.",
            path=path,
            limit=str(KEYWORD_CHARS),
            actual=str(len(text)),
        )
    return text


def _check_count(what: str, count: int, most: int, path: Sequence[str]) -> None:
    if count > most:
        raise Invalid(f"{what} {count} terms; at most {most} may be.", path=path, limit=str(most), actual=str(count))
