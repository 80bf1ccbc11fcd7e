"""IIIF: the images of libraries' and museums' manifests and collections, each in the largest size that is given out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace

import orjson

from app.errors import SourceFailed
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_text, clean_url
from app.sources.documents import checked_addresses, get_document, require_found, shown
from app.sources.iiif_image import Service, largest_url, needs_info, read_service
from app.sources.iiif_manifest import Painting, read_document
from app.sources.licenses import license_of
from app.sources.options import check_number, given
from app.sources.walking import Opened, Walk
from app.values import Candidate, Json, Provenance

ACCEPT = "application/ld+json,application/json;q=0.9"
MAX_BYTES = 32 * 2**20
"""Bytes of a manifest; those of newspapers with thousands of pages are tens of megabytes."""
BATCH = 100
MAX_DEPTH = 8
LEAST_SIDE, MOST_SIDE = 16, 50_000


class Iiif:
    """See the module."""

    name = "iiif"
    title = "IIIF collection"
    terms = "https://iiif.io/"
    """There is no provider: each manifest states its rights."""
    requires_key = False
    needs_keywords = False

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Always."""
        return True, None

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`urls`: 1 to 100 collections or manifests; `max_side`: pixels of the longer side that are enough."""
        urls = checked_addresses(options, "IIIF collections or manifests")
        return given(urls=urls, max_side=check_number(options, "max_side", LEAST_SIDE, MOST_SIDE, "pixels"))

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """Up to 100 images of one manifest at a time; the first keyword is their label."""
        keyword = query.keywords[0] if query.keywords else None
        max_side = query.options.get("max_side")

        async def open_document(url: str) -> Opened[Painting]:
            return await asyncio.to_thread(read_document, await _asked(tools, url), url)

        walk = Walk(query.options["urls"], open_document, cursor, MAX_DEPTH)
        async for paintings in walk.batches(BATCH):
            found: list[Candidate] = []
            for painting in paintings:
                try:
                    url = await _image_url(tools, painting, max_side)
                except SourceFailed as failed:
                    if failed.retry_after_s is not None:
                        raise
                    walk.notes.append(failed.message)
                    continue
                found += [_candidate(painting, url, keyword)] if url else []
            yield Page(tuple(found), walk.cursor(), walk.take_notes())
        yield Page((), None, walk.take_notes())


async def _asked(tools: Tools, url: str) -> Json:
    answer = await get_document(tools, url, ACCEPT, MAX_BYTES)
    if answer.status in (401, 403):
        raise SourceFailed(f"{shown(url)} is given only to who signs in ({answer.status}).")
    require_found(answer, url)
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise SourceFailed(f"{shown(url)} answered with something that is not JSON.") from error


async def _image_url(tools: Tools, painting: Painting, max_side: int | None) -> str | None:
    """The largest address; the painting's own where its service cannot be asked. Raises SourceFailed: signing in."""
    if painting.service is None:
        return painting.url
    service = read_service(painting.service)
    service = replace(service, width=service.width or painting.width, height=service.height or painting.height)
    if not needs_info(service, max_side):
        return largest_url(service, max_side)
    try:
        return largest_url(await _informed(tools, service), max_side)
    except SourceFailed as failed:
        if painting.url is None or failed.retry_after_s is not None or "signs in" in failed.message:
            raise
        return painting.url


async def _informed(tools: Tools, service: Service) -> Service:
    """The service as its info.json describes it; one that names no level is taken to have the lowest."""
    info = await _asked(tools, f"{service.base}/info.json")
    if not isinstance(info, dict):
        raise SourceFailed(f"{shown(service.base)} describes itself by something else than an object.")
    told = read_service(info)
    return replace(told, base=service.base, level=0 if told.level is None else told.level)


def _candidate(painting: Painting, url: str, keyword: str | None) -> Candidate:
    told = painting.told
    rights = license_of(told.rights)
    extra = {"manifest": told.manifest, "manifest_title": clean_text(told.title)}
    sides = {"width": painting.width, "height": painting.height}
    return Candidate(
        clean_url(url),
        keyword,
        Provenance(
            source="iiif",
            landing_url=clean_text(told.page),
            title=clean_text(painting.title or told.title),
            creator=clean_text(told.creator),
            license=rights.name,
            license_url=rights.url,
            attribution=clean_text(told.attribution),
            extra={name: value for name, value in (extra | sides).items() if value},
        ),
    )
