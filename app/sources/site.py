"""Whole sites: the images that sitemaps and feeds name, and those of the pages that they list without images.

An address may be a site (its robots.txt names the sitemaps, its home page the feeds), a sitemap, or a feed. Pages are
read one after the other, as slowly as the site asks for, and never where robots.txt or the page itself says no.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncGenerator, Mapping

import orjson

from app.errors import SourceFailed
from app.opt_outs.pages import page_signal
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_text
from app.sources.documents import (
    Document,
    checked_addresses,
    checked_flag,
    get_document,
    require_found,
    shown,
)
from app.sources.feeds import WHOLE as FEED_WHOLE
from app.sources.feeds import read_feed, read_json_feed
from app.sources.html_page import read_html
from app.sources.licenses import license_of
from app.sources.options import check_number
from app.sources.robots import RobotsFiles
from app.sources.safe_xml import MAX_INFLATED, inflated, read_xml
from app.sources.sitemaps import WHOLE as SITEMAP_WHOLE
from app.sources.sitemaps import SiteEntry, SiteImage, read_sitemap, read_text_sitemap
from app.sources.walking import TROUBLES_IN_A_ROW, Branch, Opened, Walk
from app.sources.web_page import page_candidates, resolved
from app.values import Candidate, Json, Provenance

SITES = 20
MAX_PAGES, USUAL_PAGES = 100_000, 1_000
BATCH = 200
"""Named images that are gathered before they are handed on."""
MAX_DEPTH = 4
"""A site's address, an index, an index within it, a sitemap, a feed's continuation."""
UNSEEN = b"\xef\xbb\xbf \t\r\n"
"""What may stand before a document: a byte order mark, blanks."""
GUESSED = ("/sitemap.xml", "/sitemap_index.xml")
NAMED_SITEMAPS = 100
ACCEPT = "application/xml,application/rss+xml,application/atom+xml,application/feed+json,text/html;q=0.8,*/*;q=0.5"


class Site:
    """See the module."""

    name = "site"
    title = "Site"
    terms = "https://www.rfc-editor.org/rfc/rfc9309"
    """There is no provider: every site speaks for itself, in robots.txt, headers and meta elements."""
    requires_key = False
    needs_keywords = False

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Always."""
        return True, None

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`urls`: 1 to 20 sites, sitemaps or feeds; `max_pages`: pages to read; `read_pages`: whether to read any."""
        return {
            "urls": checked_addresses(options, "sites, sitemaps or feeds", SITES),
            "max_pages": check_number(options, "max_pages", 1, MAX_PAGES) or USUAL_PAGES,
            "read_pages": checked_flag(options, "read_pages", "readPages", True),
        }

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """Named images by the hundreds, a page of candidates for each page read; the first keyword labels them."""
        visit = _Visit(tools, query, cursor)
        gathered: list[Candidate] = []
        try:
            async for (entry,) in visit.walk.batches(1):
                gathered += visit.named(entry)
                wants_page = entry.page is not None and not entry.images and visit.read_pages
                if wants_page and visit.pages_read >= visit.max_pages:
                    visit.walk.notes.append(f"maxPages was reached: {visit.max_pages:,} pages were read.")
                    break
                if wants_page:
                    gathered += await visit.page(entry.page or "")
                if len(gathered) >= BATCH or (wants_page and gathered):
                    yield visit.handed(gathered)
                    gathered = []
        except SourceFailed:
            if gathered:
                yield visit.handed(gathered)
            raise
        yield Page(tuple(gathered), None, visit.walk.take_notes())


class _Visit:
    """One run over the sites. The cursor: where the walk stands, and how many pages were read."""

    def __init__(self, tools: Tools, query: Query, cursor: Json | None) -> None:
        self._tools = tools
        self._keyword = query.keywords[0] if query.keywords else None
        self._robots = RobotsFiles(tools)
        self._troubles = 0
        self.max_pages: int = query.options["max_pages"]
        self.read_pages: bool = query.options["read_pages"]
        self.pages_read: int = cursor["pages"] if cursor else 0
        self.walk: Walk[SiteEntry] = Walk(query.options["urls"], self._open, cursor and cursor["walk"], MAX_DEPTH)

    def handed(self, gathered: list[Candidate]) -> Page:
        """The page that is handed on, with a cursor after it."""
        cursor = {"walk": self.walk.cursor(), "pages": self.pages_read}
        return Page(tuple(gathered), cursor, self.walk.take_notes())

    def named(self, entry: SiteEntry) -> list[Candidate]:
        """The images that are named beside an entry's page."""
        found = (_candidate(image, entry.page, self._keyword) for image in entry.images)
        return [candidate for candidate in found if candidate]

    async def page(self, url: str) -> list[Candidate]:
        """The images of a page; none where it cannot be had. Raises SourceFailed where the site cannot any more."""
        self.pages_read += 1
        try:
            await self._robots.require(url)
            await self._pause(url)
            found = await page_candidates(self._tools, url, self._keyword, "site")
        except SourceFailed as failed:
            self._troubles += 1
            if failed.retry_after_s is not None or self._troubles >= TROUBLES_IN_A_ROW:
                raise
            self.walk.notes.append(failed.message)
            return []
        self._troubles = 0
        return found

    async def _pause(self, url: str) -> None:
        """The site's Crawl-delay, or the operator's gap where it is longer."""
        settings = self._tools.settings
        asked_s = (await self._robots.of(url)).delay_s if settings.respect_robots else 0.0
        gap_s = max(asked_s, settings.host_gap_ms / 1_000)
        if gap_s:
            await self._tools.sleep(gap_s)

    async def _open(self, url: str) -> Opened[SiteEntry]:
        await self._robots.require(url)
        parts = urllib.parse.urlsplit(url)
        is_site = parts.path in ("", "/") and not parts.query
        if is_site and (named := (await self._robots.of(url)).sitemaps):
            sitemaps = (resolved(url, one) for one in named[:NAMED_SITEMAPS])
            return Opened([Branch(one) for one in sitemaps if one])
        document = await get_document(self._tools, url, ACCEPT, MAX_INFLATED)
        if document.status == 404 and (parts.path in GUESSED or "paged=" in parts.query):
            return Opened([])  # a guess that is not there, or the end of a feed
        require_found(document, url)
        guesses = [Branch(urllib.parse.urljoin(document.url, path)) for path in GUESSED] if is_site else []
        opened = await asyncio.to_thread(_read, document, self._tools.settings)
        return Opened([*guesses, *opened.entries], opened.next, opened.note)


def _read(document: Document, settings: Settings) -> Opened[SiteEntry]:
    """A document by what it holds, whatever it is called."""
    body = inflated(document.body)
    if body[:1].strip(UNSEEN) == b"":
        body = body.lstrip(UNSEEN)
    signal = page_signal(document.headers, (), None, settings)
    if signal and "noindex" not in signal:  # sitemaps are kept out of search results that way
        raise SourceFailed(f"{shown(document.url)} reserves its images ({signal}).")
    head = body[:1_024].lower()
    if head.startswith(b"{"):
        return _read_json(body, document.url)
    if not head.startswith(b"<"):
        opened = read_text_sitemap(body.decode("utf-8", "replace"))
        if not opened.entries:
            raise SourceFailed(f"{shown(document.url)} is neither a sitemap nor a feed nor a page.")
        return opened
    if b"<html" in head or b"<!doctype html" in head:
        page = read_html(document.text())
        feeds = (resolved(document.url, feed) for feed in page.feeds)
        return Opened([SiteEntry(document.url), *(Branch(feed) for feed in feeds if feed)])
    return _read_xml(body, document.url)


def _read_xml(body: bytes | bytearray, url: str) -> Opened[SiteEntry]:
    xml = read_xml(body, SITEMAP_WHOLE | FEED_WHOLE)
    if xml.root in ("urlset", "sitemapindex"):
        opened = read_sitemap(xml)
    elif xml.root in ("rss", "feed", "RDF"):
        opened = read_feed(xml, url)
    else:
        raise SourceFailed(f"{shown(url)} is neither a sitemap nor a feed nor a page{_because(xml.broken)}.")
    if xml.broken and not opened.entries:
        raise SourceFailed(f"{shown(url)} cannot be read{_because(xml.broken)}.")
    note = f"{shown(url)} was read as far as it is whole{_because(xml.broken)}." if xml.broken else None
    return Opened(opened.entries, opened.next, note)


def _because(broken: str | None) -> str:
    return f": {broken}" if broken else ""


def _read_json(body: bytes | bytearray, url: str) -> Opened[SiteEntry]:
    try:
        feed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFailed(f"{shown(url)} is broken JSON: {str(error)[:100]}.") from error
    if not isinstance(feed, dict) or "jsonfeed.org" not in str(feed.get("version")):
        raise SourceFailed(f"{shown(url)} is JSON, but no feed.")
    return read_json_feed(feed, url)


def _candidate(image: SiteImage, page: str | None, keyword: str | None) -> Candidate | None:
    url = resolved(page or "", image.url)
    if url is None:
        return None
    told = license_of(image.license, image.rights)
    return Candidate(
        url,
        keyword,
        Provenance(
            source="site",
            landing_url=clean_text(page),
            title=clean_text(image.title),
            creator=clean_text(image.creator),
            creator_url=clean_text(image.creator_url),
            license=told.name,
            license_url=told.url,
            extra={"rights": rights} if (rights := clean_text(image.rights)) else None,
        ),
    )
