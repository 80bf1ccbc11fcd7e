"""Buckets and folders: the images of an S3 bucket (or what speaks like one) and of a web server's index pages.

Objects are listed and fetched unsigned: what is not public is not read. A folder's name can be the label.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_keyword, clean_text, clean_url
from app.sources.bucket_listing import Listed, read_listing, s3_listing_url
from app.sources.documents import checked_addresses, checked_flag, get_document
from app.sources.robots import RobotsFiles
from app.sources.walking import Opened, Walk
from app.values import Candidate, Json, Provenance

BUCKETS = 20
BATCH = 1_000
MAX_DEPTH = 16
"""Folders within folders of an index; S3 has no folders."""


class Bucket:
    """See the module."""

    name = "bucket"
    title = "Bucket or folder"
    terms = "https://www.rfc-editor.org/rfc/rfc9309"
    """There is no provider: whoever opened the bucket or the folder says what may be done with it."""
    requires_key = False
    needs_keywords = False

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Always."""
        return True, None

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`urls`: 1 to 20 buckets or folders; `label_by_folder`: whether an image's folder is its label."""
        return {
            "urls": checked_addresses(options, "buckets or folders", BUCKETS),
            "label_by_folder": checked_flag(options, "label_by_folder", "labelByFolder", False),
        }

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """Up to 1,000 files of one listing at a time; the first keyword labels what has no folder to be named by."""
        robots = RobotsFiles(tools)
        keyword = query.keywords[0] if query.keywords else None
        by_folder: bool = query.options["label_by_folder"]

        async def open_listing(url: str) -> Opened[Listed]:
            listing = s3_listing_url(url)
            if listing is None:
                await robots.require(url)
            # A listing's own continuation is asked for as it stands.
            asked = url if listing is None or "list-type=2" in url or "marker=" in url else listing
            document = await get_document(tools, asked, "application/xml,application/json;q=0.9,text/html;q=0.8")
            return await asyncio.to_thread(read_listing, document, asked)

        walk = Walk(query.options["urls"], open_listing, cursor, MAX_DEPTH)
        async for found in walk.batches(BATCH):
            candidates = tuple(_candidate(one, by_folder, keyword) for one in found)
            yield Page(candidates, walk.cursor(), walk.take_notes())
        yield Page((), None, walk.take_notes())


def _candidate(listed: Listed, by_folder: bool, keyword: str | None) -> Candidate:
    folder = clean_keyword(listed.folder) if by_folder else None
    extra = {"size": listed.size, "last_modified": clean_text(listed.modified)}
    told = {name: value for name, value in extra.items() if value is not None}
    return Candidate(clean_url(listed.url), folder or keyword, Provenance(source="bucket", extra=told or None))
