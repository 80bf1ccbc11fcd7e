"""The type of a source: no table, what the engine offers."""

from __future__ import annotations

import strawberry

from app.settings import settings
from app.sources.registry import source_infos
from schema.reading.declare import plain
from schema.types.scalars import URL


@strawberry.type(description="Where images can be searched for.")
class Source:
    """A source."""

    name: str = plain("Its name, as a crawl job's sources have it.")
    title: str = plain("Its name for people.")
    available: bool = plain("Whether it can be used here and now.")
    reason: str | None = plain("Why it cannot be used.")
    requires_key: bool = plain("Whether the operator must hold a key of it.")
    terms: URL = plain("The terms under which it may be used.")


def all_sources() -> list[Source]:
    """Every source that there is, usable or not."""
    return [
        Source(
            name=info.name,
            title=info.title,
            available=info.available,
            reason=info.reason,
            requires_key=info.requires_key,
            terms=info.terms,
        )
        for info in source_infos(settings())
    ]
