"""How keywords are varied. Shapes only: the limits stand in `app/jobs/expansion.py`."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from app.values import Expansion


@strawberry.input(description="Other words for one keyword.")
class SynonymsInput:
    """Of `KeywordExpansionInput`."""

    keyword: str = strawberry.field(description="One of the keywords.")
    synonyms: list[str] = strawberry.field(description="Other words for it: 1 to 20 of 200 characters.")


@strawberry.input(
    description="What to search for beside the keywords: at most 50 terms a keyword, 500 together. What a variation "
    "finds is labelled by its keyword, and `provenance.extra.term` says which variation it was."
)
class KeywordExpansionInput:
    """Of `CreateCrawlJobInput` and `SourcePreviewInput`."""

    templates: list[str] | None = strawberry.field(
        description="Phrases that hold `{keyword}`, which the keyword and its synonyms fill: at most 20.", default=UNSET
    )
    synonyms: list[SynonymsInput] | None = strawberry.field(description="Other words for keywords.", default=UNSET)
    plurals: bool | None = strawberry.field(
        description="Also the plural of what is singular, and the other way round; English.", default=UNSET
    )
    languages: list[str] | None = strawberry.field(
        description="Also what English keywords are called in these languages, by Wikidata: at most 10 codes, of at "
        "most 25 keywords.",
        default=UNSET,
    )
    bare: bool | None = strawberry.field(
        description="Whether the keyword itself is sought too; true unless told.", default=UNSET
    )


def expansion_of(given: KeywordExpansionInput | None) -> Expansion:
    """The expansion in the words of `app/values.py`; none where it was left out."""
    if not given:
        return Expansion()
    synonyms: dict[str, tuple[str, ...]] = {}
    for one in given.synonyms or ():
        synonyms[one.keyword] = (*synonyms.get(one.keyword, ()), *one.synonyms)
    return Expansion(
        templates=tuple(given.templates or ()),
        synonyms=synonyms,
        plurals=bool(given.plurals),
        languages=tuple(given.languages or ()),
        bare=given.bare is UNSET or given.bare is None or given.bare,
    )
