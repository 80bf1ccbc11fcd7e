"""Web pages: the images that given pages show, each by its largest address, with what the page says of its license.

A page that reserves its images, or that robots.txt keeps from us, is left out, and the job is told so.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncGenerator, Mapping, Sequence

from app.errors import SourceFailed
from app.opt_outs.pages import page_signal
from app.settings import Settings
from app.sources.base import Page, Query, Tools, clean_text, clean_url
from app.sources.documents import Document, checked_addresses, get_document, require_found, shown
from app.sources.html_page import HtmlPage, read_html
from app.sources.json_ld import ImageObject, image_objects
from app.sources.licenses import license_of
from app.sources.robots import RobotsFiles
from app.sources.walking import Opened, Walk
from app.values import Candidate, Json, Provenance

ACCEPT = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"
BATCH = 1_000


class WebPage:
    """See the module. Each address is a page; none is followed further."""

    name = "web_page"
    title = "Web page"
    terms = "https://www.rfc-editor.org/rfc/rfc9309"
    """There is no provider: every site speaks for itself, in robots.txt, headers and meta elements."""
    requires_key = False
    needs_keywords = False

    def available(self, settings: Settings) -> tuple[bool, str | None]:
        """Always."""
        return True, None

    def check(self, options: Mapping[str, Json]) -> Mapping[str, Json]:
        """`urls`: 1 to 100 addresses of pages."""
        return {"urls": checked_addresses(options, "web pages")}

    async def pages(self, tools: Tools, query: Query, cursor: Json | None) -> AsyncGenerator[Page, None]:
        """A page of candidates for each web page; the first keyword is their label."""
        robots = RobotsFiles(tools)
        keyword = query.keywords[0] if query.keywords else None

        async def open_page(url: str) -> Opened[Candidate]:
            await robots.require(url)
            return Opened(await page_candidates(tools, url, keyword, self.name))

        walk = Walk(query.options["urls"], open_page, cursor, max_depth=1)
        async for found in walk.batches(BATCH):
            yield Page(tuple(found), walk.cursor(), walk.take_notes())
        yield Page((), None, walk.take_notes())


async def page_candidates(tools: Tools, url: str, keyword: str | None, source: str) -> list[Candidate]:
    """The images of the page at this address. Raises SourceFailed: not there, no HTML, reserved by its owner."""
    document = await get_document(tools, url, ACCEPT)
    require_found(document, url)
    return await candidates_of(tools, document, keyword, source)


async def candidates_of(tools: Tools, document: Document, keyword: str | None, source: str) -> list[Candidate]:
    """The images of a page that was fetched. Raises SourceFailed: no HTML, or reserved by its owner."""
    kind = document.headers.get("Content-Type", "text/html").partition(";")[0].strip().lower()
    if kind not in ("text/html", "application/xhtml+xml", "text/plain", ""):
        raise SourceFailed(f"{shown(document.url)} is no web page but {kind[:60]}.")
    page = await asyncio.to_thread(lambda: read_html(document.text()))
    signal = page_signal(document.headers, page.robots, page.tdm_reservation, tools.settings)
    if signal:
        raise SourceFailed(f"{shown(document.url)} reserves its images ({signal}).")
    return _candidates(page, document.url, keyword, source)


def resolved(base: str, url: str) -> str | None:
    """An address of the page, absolute and without its fragment; None for what is not http(s)."""
    try:
        whole = urllib.parse.urldefrag(urllib.parse.urljoin(base, url.strip()))[0]
    except ValueError:
        return None
    return clean_url(whole) if whole.lower().startswith(("http://", "https://")) else None


def _candidates(page: HtmlPage, url: str, keyword: str | None, source: str) -> list[Candidate]:
    """Each address once, in the page's order; JSON-LD adds what it knows, and the images that only it names."""
    base = (page.base and resolved(url, page.base)) or url
    described = {
        address: one
        for one in reversed(image_objects(page.json_ld))
        if (address := resolved(base, one.url)) is not None
    }
    titles: dict[str, str | None] = {}
    for picture in page.pictures:
        address = resolved(base, picture.url)
        if address is not None:
            titles[address] = titles.get(address) or picture.title
    titles |= {address: None for address in reversed(described) if address not in titles}
    page_license = resolved(base, page.license_url) if page.license_url else None
    return [
        Candidate(address, keyword, _provenance(described.get(address), title, base, page_license, (url, source)))
        for address, title in titles.items()
    ]


def _provenance(
    told: ImageObject | None, title: str | None, base: str, page_license: str | None, place: Sequence[str]
) -> Provenance:
    """The image's own license before the page's, which may be meant for its text alone: `extra` says which it is."""
    own = resolved(base, told.license_url) if told and told.license_url else None
    license_url = own or page_license
    creator_url = resolved(base, told.creator_url) if told and told.creator_url else None
    return Provenance(
        source=place[1],
        landing_url=place[0],
        title=clean_text(title or (told and told.title)),
        creator=clean_text(told and told.creator),
        creator_url=creator_url,
        license=license_of(license_url).name,
        license_url=license_url,
        attribution=clean_text(told and told.credit),
        extra={"license_of": "image" if own else "page"} if license_url else None,
    )
