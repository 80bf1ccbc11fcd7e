"""What a person may ask of a crawl job: every limit, and whether sources and uploads can be used.

Each refusal names the field from `input` down, the limit and what was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.errors import AppError, Invalid, SourceUnavailable
from app.jobs import upload
from app.jobs.documents import MAX_DEPTH, is_too_deep
from app.jobs.expansion import checked_expansion
from app.jobs.limits import (
    CHUNK_SIZE,
    IDEMPOTENCY_KEY_CHARS,
    KEYWORD_CHARS,
    KEYWORDS,
    MAX_IMAGES,
    NAME_CHARS,
    SOURCES,
    check_count,
    check_number,
    check_text,
)
from app.settings import settings
from app.sources.base import Source
from app.sources.registry import SOURCES as KNOWN_SOURCES
from app.storage import storage
from app.values import CrawlSpec, SourceSpec, Viewer, camel


def checked(spec: CrawlSpec) -> CrawlSpec:
    """The job as it will be made. Raises Invalid or SourceUnavailable, with the path of the field from `input` down."""
    name = check_text(spec.name, ["input", "name"], NAME_CHARS)
    keywords = checked_keywords(spec.keywords)
    check_number(spec.max_images, ["input", "maxImages"], 1, MAX_IMAGES)
    check_number(spec.chunk_size, ["input", "chunkSize"], 1, CHUNK_SIZE)
    check_count(spec.sources, ["input", "sources"], 1, SOURCES)
    idempotency_key = spec.idempotency_key
    if idempotency_key is not None:
        idempotency_key = check_text(idempotency_key, ["input", "idempotencyKey"], IDEMPOTENCY_KEY_CHARS)
    sources = tuple(checked_source(source, place) for place, source in enumerate(spec.sources))
    require_keywords(keywords, sources)
    return replace(
        spec,
        name=name,
        keywords=keywords,
        sources=sources,
        idempotency_key=idempotency_key,
        expansion=checked_expansion(spec.expansion, keywords),
    )


def checked_keywords(words: Sequence[str]) -> tuple[str, ...]:
    """The keywords without blanks at their ends. Raises Invalid."""
    check_count(words, ["input", "keywords"], 0, KEYWORDS)
    return tuple(check_text(word, ["input", "keywords", str(place)], KEYWORD_CHARS) for place, word in enumerate(words))


def require_keywords(keywords: Sequence[str], sources: Sequence[SourceSpec]) -> None:
    """Invalid where a source searches by keyword and there is none."""
    if not keywords and any(KNOWN_SOURCES[source.name].needs_keywords for source in sources):
        raise Invalid("Give at least one keyword: one of the sources searches by keyword.", path=["input", "keywords"])


def checked_source(spec: SourceSpec, place: int) -> SourceSpec:
    """The source with its options as it will use them; errors name the field from `input` down."""
    path = ["input", "sources", str(place), camel(spec.name)]
    source = require_available(spec.name, path)
    try:
        options = source.check(spec.options)
        if is_too_deep(options):
            raise Invalid(f"Objects and lists lie within each other {MAX_DEPTH} times at most.", limit=str(MAX_DEPTH))
    except AppError as error:
        error.path = (*path, *error.path)
        raise
    return SourceSpec(spec.name, options)


def require_available(name: str, path: Sequence[str]) -> Source:
    """The source of that name. Raises SourceUnavailable, of the field `path`."""
    source = KNOWN_SOURCES.get(name)
    if source is None:
        raise SourceUnavailable(f"There is no source {name}.", path=path)
    available, reason = source.available(settings())
    if not available:
        raise SourceUnavailable(f"{source.title} cannot be used: {reason}", path=path)
    return source


async def check_uploads(viewer: Viewer, sources: Sequence[SourceSpec]) -> None:
    """Invalid where a URL list names a file that is not the viewer's, or that was never uploaded."""
    for place, source in enumerate(sources):
        upload_id = source.options.get("upload_id")
        if upload_id is None:
            continue
        path = ["input", "sources", str(place), camel(source.name), "uploadId"]
        if not upload.is_of(viewer, upload_id) or not await storage().exists(upload.key_of(upload_id)):
            raise Invalid("There is no such upload of yours: PUT the file to its uploadUrl first.", path=path)
