"""The query `sourcePreview`: what sources have for keywords, before a job is made. It translates, nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.errors import AppError
from app.jobs import preview
from app.values import Candidate, PreviewSpec
from schema.context import Context
from schema.expansion_input import KeywordExpansionInput, expansion_of
from schema.payloads import UserError, user_error
from schema.source_inputs import SourceInput
from schema.types.scalars import URL


@strawberry.input(
    description="What to ask sources for, without making a job: at most 40 searches, sources times terms."
)
class SourcePreviewInput:
    """Of `sourcePreview`."""

    sources: list[SourceInput] = strawberry.field(description="Which sources: 1 to 20.")
    keywords: list[str] = strawberry.field(
        description="What to search for: at most 100 of 200 characters.", default_factory=list
    )
    expansion: KeywordExpansionInput | None = strawberry.field(
        description="What to search for beside the keywords.", default=UNSET
    )
    first: int = strawberry.field(description="Candidates shown of each search: 1 to 10.", default=3)


@strawberry.type(description="An image that a source offers: nothing of it has been fetched.")
class PreviewCandidate:
    """A candidate."""

    url: URL = strawberry.field(description="The image's address.")
    thumbnail_url: URL | None = strawberry.field(description="A small copy at the source, where it names one.")
    landing_url: URL | None = strawberry.field(description="The page that shows it.")
    title: str | None = strawberry.field(description="Its title.")
    creator: str | None = strawberry.field(description="Who made it.")
    license: str | None = strawberry.field(description="Its license, as the source tells it.")
    license_url: URL | None = strawberry.field(description="The license's address.")


@strawberry.type(description="What one source has for one term.")
class SourcePreviewEntry:
    """One search."""

    source: str = strawberry.field(description="The source's name, as `sources` lists it.")
    keyword: str | None = strawberry.field(description="The keyword that would label what is found.")
    term: str | None = strawberry.field(description="What was asked for; null where it searches by no keyword.")
    by: str | None = strawberry.field(
        description="What made the term: `keyword`, `synonym`, `plural`, `language` or `template`."
    )
    total: int | None = strawberry.field(
        description="Results that the source itself counts, where it tells: more than it gives out, often."
    )
    candidates: list[PreviewCandidate] = strawberry.field(description="The first of them.")
    error: UserError | None = strawberry.field(description="Why there is no answer.")


@strawberry.type(description="What the sources have: an entry for each source and term, or what was wrong.")
class SourcePreviewPayload:
    """Of `sourcePreview`."""

    entries: list[SourcePreviewEntry] = strawberry.field(
        description="Sources in their order, and within each its terms.", default_factory=list
    )
    errors: list[UserError] = strawberry.field(description="What was wrong; empty on success.", default_factory=list)


async def source_preview(
    info: strawberry.Info[Context, None],
    input: Annotated[SourcePreviewInput, strawberry.argument(description="What to ask for.")],
) -> SourcePreviewPayload:
    """Ask the sources."""
    viewer = info.context.viewer
    try:
        spec = PreviewSpec(
            keywords=tuple(input.keywords),
            sources=tuple(source.spec() for source in input.sources),
            expansion=expansion_of(input.expansion),
            first=input.first,
        )
        return SourcePreviewPayload(entries=[_entry(one) for one in await preview.preview(viewer, spec)])
    except AppError as error:
        return SourcePreviewPayload(errors=[user_error(error)])


def _entry(one: preview.Preview) -> SourcePreviewEntry:
    term = one.term
    return SourcePreviewEntry(
        source=one.source,
        keyword=term.keyword if term else None,
        term=term.text if term and one.by_term else None,
        by=term.by if term and one.by_term else None,
        total=one.total,
        candidates=[_candidate(candidate) for candidate in one.candidates],
        error=user_error(one.error) if one.error else None,
    )


def _candidate(one: Candidate) -> PreviewCandidate:
    told = one.provenance
    return PreviewCandidate(
        url=URL(one.url),
        thumbnail_url=_thumbnail(told.extra or {}),
        landing_url=_url(told.landing_url),
        title=told.title,
        creator=told.creator,
        license=told.license,
        license_url=_url(told.license_url),
    )


def _thumbnail(extra: Mapping[str, object]) -> URL | None:
    return _url(extra.get("thumbnail"))


def _url(value: object) -> URL | None:
    """An address that a page may show: http(s) only."""
    is_shown = isinstance(value, str) and value.lower().startswith(("http://", "https://"))
    return URL(str(value)) if is_shown else None
