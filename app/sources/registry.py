"""The sources that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.settings import Settings
from app.sources.base import Source
from app.sources.openverse import Openverse
from app.sources.url_list import UrlList

_ALL: tuple[Source, ...] = (Openverse(), UrlList())
SOURCES: Mapping[str, Source] = {source.name: source for source in _ALL}


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a user is told about a source; `reason` where it is not available."""

    name: str
    title: str
    available: bool
    reason: str | None
    requires_key: bool
    terms: str


def source_infos(settings: Settings) -> tuple[SourceInfo, ...]:
    """All sources, and whether these settings let them be used."""
    return tuple(
        SourceInfo(source.name, source.title, *source.available(settings), source.requires_key, source.terms)
        for source in SOURCES.values()
    )
