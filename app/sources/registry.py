"""The sources that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.settings import Settings
from app.sources.baidu import Baidu
from app.sources.base import Source
from app.sources.bing import Bing
from app.sources.brave import Brave
from app.sources.bucket import Bucket
from app.sources.commons import Commons
from app.sources.duckduckgo import Duckduckgo
from app.sources.flickr import Flickr
from app.sources.iiif import Iiif
from app.sources.openverse import Openverse
from app.sources.pexels import Pexels
from app.sources.pixabay import Pixabay
from app.sources.searxng import Searxng
from app.sources.serpapi import Serpapi
from app.sources.site import Site
from app.sources.unsplash import Unsplash
from app.sources.url_list import UrlList
from app.sources.web_page import WebPage

_ALL: tuple[Source, ...] = (
    Openverse(),
    Commons(),
    WebPage(),
    Site(),
    Searxng(),
    Iiif(),
    UrlList(),
    Bucket(),
    Duckduckgo(),
    Bing(),
    Baidu(),
    Flickr(),
    Brave(),
    Serpapi(),
    Pexels(),
    Pixabay(),
    Unsplash(),
)
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
